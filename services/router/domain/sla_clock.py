"""What the router knows of a ticket's SLA clocks: enough to say how much of each promise is used up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.vocabulary import SlaMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaClock:
    """One promise about a ticket, as it was told last.

    target: more than nothing
    counts_from: what has passed since then is used up; none while the clock stands still
    """

    clock_id: UUID
    metric: SlaMetric
    target: timedelta
    counts_from: datetime | None


def counts_from(
    *, target: timedelta, elapsed: timedelta, at: datetime, due_at: datetime | None
) -> datetime | None:
    """From when a clock counts that had used up `elapsed` at a moment and is due then; none: it stands still.

    Clocks run in business time, which the router does not keep: what is left until the clock is due shrinks
    with wall time instead. Around the clock and within one opening that is exact; what is due after the
    weekend has all of the weekend left. What is overdue counts on from what it had used up.
    """
    if due_at is None:
        return None
    return due_at - target if elapsed < target else at - elapsed
