"""How far a message of ours has got, whatever the order in which providers tell it.

What is told is joined, not applied: the state only rises, and each time is the earliest that was told. So any
order of the same receipts, with any repeats, ends in the same progress.
"""

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.message import DeliveryState

S = DeliveryState

UNDELIVERED = (S.FAILED, S.BOUNCED)
"""Final, unless it turns out to have arrived."""

_RANK = {S.NONE: 0, S.QUEUED: 0, S.SENT: 1, S.BOUNCED: 2, S.FAILED: 3, S.DELIVERED: 4, S.READ: 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a message stands, and when it got to each place. reason: why it did not arrive."""

    state: DeliveryState
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    reason: str | None = None

    def joined(self, other: "Progress") -> "Progress":
        """What is known from both."""
        first, second = _RANK[self.state], _RANK[other.state]
        told = [one.reason for one, rank in ((self, first), (other, second)) if rank == max(first, second)]
        return Progress(
            state=self.state if first >= second else other.state,
            sent_at=_earliest(self.sent_at, other.sent_at),
            delivered_at=_earliest(self.delivered_at, other.delivered_at),
            read_at=_earliest(self.read_at, other.read_at),
            failed_at=_earliest(self.failed_at, other.failed_at),
            reason=min((reason for reason in told if reason), default=None),
        )

    @property
    def is_undelivered(self) -> bool:
        """Whether it is known not to have arrived."""
        return self.state in UNDELIVERED


def told_by(receipt: DeliveryReceipt, now: datetime) -> Progress:
    """What one receipt says. No provider tells what is still to come."""
    at = min(receipt.at or now, now)
    return Progress(
        state=receipt.state,
        sent_at=at if receipt.state is S.SENT else None,
        delivered_at=at if receipt.state is S.DELIVERED else None,
        read_at=at if receipt.state is S.READ else None,
        failed_at=at if receipt.state in UNDELIVERED else None,
        reason=receipt.reason if receipt.state in UNDELIVERED else None,
    )


def _earliest(first: datetime | None, second: datetime | None) -> datetime | None:
    return min((at for at in (first, second) if at is not None), default=None)
