"""What becomes due."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class TimerKind(StrEnum):
    """What becomes due."""

    OFFER_EXPIRES = "offer_expires"
    STEP_OPENS = "step_opens"
    HOLD_ENDS = "hold_ends"
    WRAP_ENDS = "wrap_ends"
    ITEM_RETURNS = "item_returns"
    ORDER_LAPSES = "order_lapses"
    DUTY_TURNS = "duty_turns"
    QUEUE_TURNS = "queue_turns"
    CONNECTION_LOST = "connection_lost"
    POLICY_ASKED = "policy_asked"


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    """Something that happens unless it is overtaken. It holds only while its subject still says so."""

    due_at: datetime
    kind: TimerKind
    subject_id: UUID | str
