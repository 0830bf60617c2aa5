"""WhatsApp's rule: free text within 24 hours of what the customer wrote last, approved templates at any time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)

OUTSIDE_WINDOW = (
    "WhatsApp takes free text only within 24 hours of the customer's last message; a template may be sent"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppTemplate:
    """A template that the provider has approved.

    name: Meta's name of it, or Twilio's content SID
    variables: by their number (`1`, `2`, …) or by their name
    """

    name: str
    language: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def is_open(asked_at: datetime | None, now: datetime) -> bool:
    """Whether free text may be sent: the customer wrote, and not too long ago."""
    return asked_at is not None and now - asked_at < WINDOW
