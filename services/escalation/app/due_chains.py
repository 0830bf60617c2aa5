"""Which chains may be taken further or begin now: what their steps may need is got ready before."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from services.escalation.app.ports import Case
from services.escalation.domain.clock_record import ClockRecord, Told, clock_timers
from services.escalation.domain.escalation import may_step
from services.escalation.domain.escalation_policy import Step
from services.escalation.domain.sla_clock import SlaClock
from services.escalation.domain.sla_policy import PolicyHistory, variables
from services.escalation.domain.tracking import Tracked
from services.escalation.domain.trigger import OfClock, set_off

_NEW = Told(clock_id=UUID(int=0))


def due_chains(before: Case, tracked: Tracked, history: PolicyHistory, now: datetime) -> Iterator[Sequence[Step]]:
    """The steps of whatever of a ticket may be. Some of it will not be; what is left out cannot be."""
    latest = history.latest
    yield from (item.steps for item in before.escalations if may_step(item, now))
    if any(_may_begin(before, clock, now) for clock in tracked.promised()):
        for clock in tracked.promised():
            if clock.promise is not None and clock.promise.escalation is not None:
                own = history.version(clock.promise.version).escalations.get(clock.promise.escalation)
                yield own.steps if own else ()
        for trigger in latest.triggers:
            if isinstance(trigger.sign, OfClock):
                yield latest.escalations[trigger.escalation].steps
    ticket = tracked.ticket
    if latest.triggers and ticket.terms is not None:
        for trigger in set_off(before.ticket, ticket, latest.triggers, variables(ticket.terms)):
            yield latest.escalations[trigger.escalation].steps


def _may_begin(before: Case, clock: SlaClock, now: datetime) -> bool:
    """Whether the clock is broken and nothing was set off for that, or something is due on it."""
    if not clock.is_live:
        return False
    same = (record for record in before.clocks if _turn(record.clock) == _turn(clock))
    told = next((record.told for record in same), _NEW)
    if clock.breached_at is not None and not told.is_escalated:
        return True
    return any(timer.due_at <= now for timer in clock_timers(ClockRecord(clock, told)))


def _turn(clock: SlaClock) -> tuple[object, ...]:
    return clock.measure, clock.origin, clock.generation, clock.breached_at
