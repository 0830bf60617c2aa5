"""Triggers: what sets off an escalation besides a target's own breach and a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.escalation.domain.condition import Condition, Variables
from services.escalation.domain.ticket import Ticket
from shared.vocabulary import SlaMetric, SurveyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A warning comes to this share of a target. metrics: none for all"""

    metrics: frozenset[SlaMetric] = frozenset()
    at_percent: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Breached:
    """A promise is broken that names no escalation itself. metrics: none for all"""

    metrics: frozenset[SlaMetric] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A ticket is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A ticket gets a label, also with its opening. value: none for any"""

    label: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """The customer rates badly: at most so many per cent of the scale. survey: none for any"""

    at_most_percent: int
    survey: SurveyKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A solved ticket comes back, for this time or a later one."""

    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLength:
    """More than so many requests wait in a queue."""

    queue: str
    more_than: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestWaiting:
    """Somebody waits in a queue for longer than this, around the clock."""

    queue: str
    longer_than: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiAlert:
    """A KPI is out of bounds. queue: none for whatever the alert is about"""

    kpi: str
    queue: str | None = None


OfClock = Warned | Breached
OfTicket = Opened | Labelled | Rated | Reopened
OfQueue = QueueLength | OldestWaiting
Sign = OfClock | OfTicket | OfQueue | KpiAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A sign upon which a policy is set off, for tickets on which the condition holds.

    name: the sign's, as it is told; escalation: the policy
    """

    trigger_id: str
    name: str
    sign: Sign
    condition: Condition
    escalation: str


def set_off(before: Ticket, after: Ticket, triggers: Sequence[Trigger], variables: Variables) -> Iterator[Trigger]:
    """The triggers whose sign a ticket shows that it did not show before.

    Both are states: however often and in whatever order the events between them were folded, each is set off once.
    variables: of the ticket as it is now
    """
    if before.opened is None and after.is_from_snapshot:
        # What it went through before we knew it is nobody's news.
        return
    for trigger in triggers:
        if _is_new(trigger.sign, before, after) and trigger.condition.holds(variables):
            yield trigger


def _is_new(sign: Sign, before: Ticket, after: Ticket) -> bool:
    match sign:
        case Opened():
            return before.opened is None and after.is_unsolved
        case Labelled():
            return after.is_unsolved and _has(after, sign) and not _has(before, sign)
        case Reopened(times=times):
            return after.is_unsolved and after.reopened > before.reopened and after.reopened >= times
        case Rated():
            return after.rating != before.rating and _is_bad(after, sign)
        case _:
            return False


def _has(ticket: Ticket, sign: Labelled) -> bool:
    value = ticket.facts.labels.get(sign.label) if ticket.facts else None
    return value is not None and sign.value in (None, value)


def _is_bad(ticket: Ticket, sign: Rated) -> bool:
    rating = ticket.rating
    if rating is None or sign.survey not in (None, rating.kind):
        return False
    return rating.score * 100 <= sign.at_most_percent * rating.scale


def of_breach(metric: SlaMetric, triggers: Sequence[Trigger], variables: Variables) -> Trigger | None:
    """The first trigger for a broken promise."""
    for trigger in triggers:
        is_meant = isinstance(trigger.sign, Breached) and metric in (trigger.sign.metrics or SlaMetric)
        if is_meant and trigger.condition.holds(variables):
            return trigger
    return None


def of_warning(
    metric: SlaMetric, before: int, level: int, triggers: Sequence[Trigger], variables: Variables
) -> Trigger | None:
    """The trigger for a warning: of those that it has come to since the last one, the furthest, the first of them.

    before: the level at which was warned before, 0 where none was
    """
    found: tuple[int, Trigger] | None = None
    for trigger in triggers:
        sign = trigger.sign
        if not isinstance(sign, Warned) or metric not in (sign.metrics or SlaMetric):
            continue
        is_passed = before < sign.at_percent <= level
        if is_passed and (found is None or sign.at_percent > found[0]) and trigger.condition.holds(variables):
            found = sign.at_percent, trigger
    return found[1] if found else None
