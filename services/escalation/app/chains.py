"""What becomes of a ticket's escalations: begun, taken further, held, resolved and told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.escalation.app.stepping import Stepping
from services.escalation.domain import escalation as chain
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.condition import Variables
from services.escalation.domain.escalation import BREACHED, RATED, WARNED, Escalation
from services.escalation.domain.escalation_policy import EscalationPolicy
from services.escalation.domain.sla_policy import variables
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.trigger import of_breach, of_warning, set_off

WITHDRAWN = "warning_withdrawn"


@dataclass(slots=True, kw_only=True)
class Chains(Stepping[Ticket]):
    """The escalations of one ticket in one unit of work. taken_back: clocks of which a warning was"""

    taken_back: set[UUID] = field(default_factory=set)

    def by_ticket(self, before: Ticket) -> None:
        """Begins what the ticket's new state sets off.

        The first steps are taken by their timers, once everything that happened is read: it may be over by then.
        """
        triggers = self.history.latest.triggers
        if not triggers or self.about.terms is None:
            return
        live = {escalation.trigger_id for escalation in self.escalations if escalation.is_live}
        for trigger in set_off(before, self.about, triggers, self._variables()):
            if trigger.trigger_id not in live:
                self.escalations.append(self.of_trigger(trigger))

    def by_warning(self, record: ClockRecord, before: int) -> None:
        """Begins what a warning sets off. before: at which level was warned before"""
        triggers = self.history.latest.triggers
        if triggers and self.about.is_unsolved:
            metric, level = record.clock.metric, record.told.set_off
            trigger = of_warning(metric, before, level, triggers, self._variables())
            if trigger is not None:
                self._begin_of_clock(record, self.of_trigger(trigger))

    def by_breach(self, record: ClockRecord) -> None:
        """Begins what a broken promise sets off: what it says itself, or else a trigger."""
        clock, triggers = record.clock, self.history.latest.triggers
        if not self.about.is_unsolved or clock.promise is None:
            return
        policies = self.history.version(clock.promise.version)
        policy = policies.escalations.get(clock.promise.escalation or "")
        if policy is not None:
            self._begin_of_clock(record, self.begun(policy, policies.version, trigger=BREACHED))
        elif triggers and (trigger := of_breach(clock.metric, triggers, self._variables())):
            self._begin_of_clock(record, self.of_trigger(trigger))

    def by_hand(self, policy: EscalationPolicy, *, reason: str, by: str) -> Escalation:
        """Begins what a person sets off."""
        begun = self.begun(policy, self.history.latest.version, trigger=chain.MANUAL)
        begun = self.advanced(replace(begun, reason=reason, raised_by=by))
        self.escalations.append(begun)
        return begun

    def followed(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> Escalation:
        """As its ticket and its clock leave it now: resolved with them, held while the clock stands still."""
        cause = self._end(escalation, clocks)
        if cause is not None:
            if cause == WITHDRAWN and escalation.clock_id:
                self.taken_back.add(escalation.clock_id)
            return self.resolved(escalation, cause)
        if escalation.resumes_at is not None and escalation.resumes_at <= self.now:
            escalation = chain.resume(escalation)
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        stands = record is not None and record.clock.running_since is None
        return chain.hold(escalation, self.now) if stands else chain.release(escalation, self.now)

    def armed(self, record: ClockRecord) -> ClockRecord:
        """Where its warning was taken back: so that passing the level again sets it off again."""
        clock, told = record.clock, record.told
        if told.clock_id not in self.taken_back or told.warned == 0 or clock.promise is None:
            return record
        used = clock.elapsed_at(self.now)[0] * 100
        passed = [level for level in clock.promise.warn_at if clock.promise.target * level <= used]
        left = min(told.set_off, max(passed, default=0))
        return ClockRecord(clock, replace(told, taken_back=left if left < told.warned else None))

    def _end(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> str | None:
        """Why it is over, if it is. A bad rating comes when the ticket is solved: only people end that."""
        if not self.about.is_unsolved and escalation.trigger != RATED:
            return f"ticket_{self.about.status}"
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        if record is None:
            return None
        clock = record.clock
        if not clock.is_live:
            return f"clock_{clock.history[-1].turn}"
        if escalation.trigger == WARNED:
            is_so = clock.generation == escalation.generation and self._is_warned(record)
            return None if is_so else WITHDRAWN
        if clock.generation != escalation.generation or clock.breached_at is None:
            return "breach_withdrawn"
        return None

    def _is_warned(self, record: ClockRecord) -> bool:
        """Whether as much of the target is used up as was warned of: another target may leave more time."""
        clock = record.clock
        if clock.breached_at is not None or clock.promise is None:
            return True
        return clock.elapsed_at(self.now)[0] * 100 >= clock.promise.target * record.told.set_off

    def _begin_of_clock(self, record: ClockRecord, begun: Escalation) -> None:
        """Begins it in place of what an earlier sign of the same clock set off."""
        clock_id, clock = record.told.clock_id, record.clock
        self.escalations = [
            self.resolved(earlier, begun.trigger) if earlier.is_live and earlier.clock_id == clock_id else earlier
            for earlier in self.escalations
        ]
        begun = replace(begun, clock_id=clock_id, metric=clock.metric, generation=clock.generation)
        stands = clock.running_since is None
        self.escalations.append(chain.hold(begun, self.now) if stands else self.advanced(begun))

    def _variables(self) -> Variables:
        assert self.about.terms is not None
        return variables(self.about.terms)
