"""What is promised for a ticket, and how a clock that runs comes over to another promise."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.calendar import Calendar
from shared.vocabulary import Agreement, Priority, SlaMetric


class Measure(NamedTuple):
    """What a clock measures, and for whom. A ticket has one newest clock of each."""

    agreement: Agreement
    metric: SlaMetric


class OnChange(StrEnum):
    """What becomes of a clock that has not ended when another promise takes the place of its own.

    keep: the old promise holds to the end; carry: elapsed time is kept, what comes is measured by the new one
    restart: it begins anew; recompute: everything that was counted is measured again, by the new one
    """

    KEEP = "keep"
    CARRY = "carry"
    RESTART = "restart"
    RECOMPUTE = "recompute"


class Basis(NamedTuple):
    """What of a ticket a promise was found by, beside its policy: enough to find it again.

    calendar: the one that a rule of the policy chose, if one did
    """

    priority: Priority
    customer_tier: str
    calendar: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a clock measures against.

    version: of the configuration that made it
    calendar_id: none around the clock
    warn_at: shares of the target in per cent, rising; escalation: the policy that a breach sets off
    """

    policy: str
    version: int
    basis: Basis = field(compare=False)
    target: timedelta
    calendar_id: str | None
    calendar: Calendar
    warn_at: tuple[int, ...] = ()
    escalation: str | None = None
    on_change: OnChange = field(default=OnChange.CARRY, compare=False)

    def is_same(self, other: "Promise | None") -> bool:
        """Whether the two differ in nothing but the version that made them, and how clocks come over to them."""
        if other is None:
            return False
        mine = (self.policy, self.target, self.calendar_id, self.warn_at, self.escalation)
        theirs = (other.policy, other.target, other.calendar_id, other.warn_at, other.escalation)
        return mine == theirs and (self.calendar is other.calendar or self.calendar == other.calendar)
