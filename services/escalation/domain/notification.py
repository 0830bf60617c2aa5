"""Telling people and systems: at least once, with an id that tells a repeat, and with growing pauses."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.escalation.domain.recipient import Way

ATTEMPTS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""How long before each attempt; after the last one it has failed. (Standard Webhooks' own schedule.)"""


class NotificationState(StrEnum):
    """Where a notification stands. All but pending are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DISABLED = "disabled"
    NO_RECIPIENT = "no_recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one recipient.

    name: whom the policy names; address: where they are, none where nobody was found
    payload: facts only, no personal data
    attempts: begun so far; detail: why the last one failed
    """

    notification_id: UUID
    workspace_id: str
    ticket_id: UUID
    escalation_id: UUID
    way: Way
    name: str
    address: str | None
    payload: dict[str, object] = field(repr=False)
    state: NotificationState
    attempts: int = 0
    next_attempt_at: datetime | None
    detail: str | None = None
    created_at: datetime
    finished_at: datetime | None = None


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; none after the last."""
    return now + ATTEMPTS[attempts] if attempts < len(ATTEMPTS) else None
