"""What providers tell about messages of ours that they took."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.message import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReceipt:
    """How far a message of ours has got.

    provider_id: by what the provider knows the message; reason: why it failed, in our words
    state: sent, delivered, read, bounced or failed; at: as the provider says, if it does
    """

    workspace_id: str
    channel: str
    provider_id: str
    state: DeliveryState
    reason: str | None = None
    at: datetime | None = None
