"""What the use-cases about messages of ours on their way need of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.app.mail_ports import Bounce
from services.intake.domain.message import DeliveryState
from services.intake.domain.progress import Progress
from shared.db.unit_of_work import Tx
from shared.vocabulary import ChannelKind

ReceiptKey = tuple[str, str, str]
"""Workspace, channel, and by what the provider knows the message."""

DeliveryKey = tuple[str, UUID]
"""Workspace and message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDelivery:
    """A message on its way, without what it says."""

    message_id: UUID
    ticket_id: UUID
    ticket_number: int
    channel: str
    channel_kind: ChannelKind
    state: DeliveryState
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    failed_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a message had got, and how far it is known to be. Nothing changes where both are the same."""

    before: Progress
    after: Progress

    @property
    def is_loss(self) -> bool:
        """Whether it turns out here that it will not arrive."""
        return self.after.is_undelivered and not self.before.is_undelivered


class Deliveries(Protocol):
    """Messages of ours that providers took."""

    async def lock_sent(
        self, tx: Tx, keys: Collection[ReceiptKey], lost: Collection[ReceiptKey]
    ) -> Mapping[ReceiptKey, Progress]:
        """How far those are that we know; nobody else learns of any of them meanwhile.

        lost: those that may turn out not to arrive, whose tickets are locked too
        """
        ...

    async def save_progress(self, tx: Tx, steps: Mapping[ReceiptKey, Step]) -> None:
        """Keeps how far locked ones have got. What is lost shows on its ticket."""
        ...

    async def mark_bounced(self, tx: Tx, told: Sequence[Bounce]) -> None:
        """Keeps what servers tell about mail that they took. What is lost shows on its ticket."""
        ...

    async def keep_told(self, tx: Tx, told: Mapping[ReceiptKey, Progress]) -> None:
        """Keeps what is told about messages that we do not know yet: their provider was faster than our commit."""
        ...
