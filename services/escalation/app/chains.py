"""What becomes of a ticket's escalations: begun, taken further, held, resolved and told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.escalation.app.finder import Finder
from services.escalation.app.tally import Tally
from services.escalation.app.teller import Teller
from services.escalation.app.telling_people import notifications_of
from services.escalation.domain import escalation as chain
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.condition import Variables
from services.escalation.domain.escalation import BREACHED, RATED, WARNED, Circumstances, Escalation, Taken
from services.escalation.domain.escalation_policy import EscalationPolicy, Notify
from services.escalation.domain.hand_over import OnDuty, handed_over, told_by, urgency_of
from services.escalation.domain.notification import Notification
from services.escalation.domain.recipient import Recipient, recipients_of
from services.escalation.domain.sla_policy import PolicyHistory, variables
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.trigger import Trigger, of_breach, of_warning, set_off
from shared.ids import IdFactory


@dataclass(slots=True, kw_only=True)
class Chains:
    """The escalations of one ticket in one unit of work.

    finder: of whom steps tell; none where no steps are taken
    escalations: those that were live, and those that begin
    """

    ticket: Ticket
    now: datetime
    ids: IdFactory
    history: PolicyHistory
    teller: Teller
    tally: Tally = field(default_factory=Tally)
    finder: Finder | None = None
    escalations: list[Escalation] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)

    def by_ticket(self, before: Ticket) -> None:
        """Begins what the ticket's new state sets off.

        The first steps are taken by their timers, once everything that happened is read: it may be over by then.
        """
        triggers = self.history.latest.triggers
        if not triggers or self.ticket.terms is None:
            return
        live = {escalation.trigger_id for escalation in self.escalations if escalation.is_live}
        for trigger in set_off(before, self.ticket, triggers, self._variables()):
            if trigger.trigger_id not in live:
                self.escalations.append(self._of_trigger(trigger))

    def by_warning(self, record: ClockRecord, before: int) -> None:
        """Begins what a warning sets off. before: at which level was warned before"""
        triggers = self.history.latest.triggers
        if triggers and self.ticket.is_unsolved:
            metric, level = record.clock.metric, record.told.warned
            trigger = of_warning(metric, before, level, triggers, self._variables())
            if trigger is not None:
                self._begin_of_clock(record, self._of_trigger(trigger))

    def by_breach(self, record: ClockRecord) -> None:
        """Begins what a broken promise sets off: what it says itself, or else a trigger."""
        clock, triggers = record.clock, self.history.latest.triggers
        if not self.ticket.is_unsolved or clock.promise is None:
            return
        policies = self.history.version(clock.promise.version)
        policy = policies.escalations.get(clock.promise.escalation or "")
        if policy is not None:
            self._begin_of_clock(record, self._begun(policy, policies.version, trigger=BREACHED))
        elif triggers and (trigger := of_breach(clock.metric, triggers, self._variables())):
            self._begin_of_clock(record, self._of_trigger(trigger))

    def by_hand(self, policy: EscalationPolicy, *, reason: str, by: str) -> Escalation:
        """Begins what a person sets off."""
        begun = self._begun(policy, self.history.latest.version, trigger=chain.MANUAL)
        begun = self.advanced(replace(begun, reason=reason, raised_by=by))
        self.escalations.append(begun)
        return begun

    def advanced(self, escalation: Escalation) -> Escalation:
        """With every step taken that is due, told, and with its notifications."""
        seen = Circumstances(
            reach=self._reach,
            is_unassigned=self.ticket.agent_id is None,
            begun=lambda per: self.tally.of(escalation.workspace_id, escalation.policy, per),
        )
        after, steps = chain.advance(escalation, self.now, seen)
        for taken in steps:
            after = self.teller.step(after, taken)
            self._tell(after, taken)
            if isinstance(taken.action, Notify):
                after = told_by(after, taken.action, self._on_duty)
        return after

    def handed_over(self, escalation: Escalation) -> Escalation:
        """Told to whoever is on call by now, where that is somebody else than whom its last step told."""
        after, newcomers = handed_over(escalation, self._on_duty)
        if newcomers:
            step = Notify(agents=newcomers, urgency=urgency_of(escalation))
            taken = Taken(
                step=escalation.position, level=escalation.level, action=step, recipients=self._reach(step)
            )
            self._tell(after, taken)
        return after

    def _tell(self, escalation: Escalation, taken: Taken) -> None:
        policies = self.history.latest
        told = notifications_of(
            escalation, taken, ticket=self.ticket, policies=policies, now=self.now, ids=self.ids
        )
        self.notifications.extend(told)

    def followed(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> Escalation:
        """As its ticket and its clock leave it now: resolved with them, held while the clock stands still."""
        cause = self._end(escalation, clocks)
        if cause is not None:
            return self._resolved(escalation, cause)
        if escalation.resumes_at is not None and escalation.resumes_at <= self.now:
            escalation = chain.resume(escalation)
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        stands = record is not None and record.clock.running_since is None
        return chain.hold(escalation, self.now) if stands else chain.release(escalation, self.now)

    def _end(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> str | None:
        """Why it is over, if it is. A bad rating comes when the ticket is solved: only people end that."""
        if not self.ticket.is_unsolved and escalation.trigger != RATED:
            return f"ticket_{self.ticket.status}"
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        if record is None:
            return None
        clock = record.clock
        if not clock.is_live:
            return f"clock_{clock.history[-1].turn}"
        if escalation.trigger == WARNED:
            return None if clock.generation == escalation.generation else "warning_withdrawn"
        if clock.generation != escalation.generation or clock.breached_at is None:
            return "breach_withdrawn"
        return None

    def _resolved(self, escalation: Escalation, cause: str) -> Escalation:
        return self.teller.resolved(chain.resolve(escalation, cause, self.now))

    def _begin_of_clock(self, record: ClockRecord, begun: Escalation) -> None:
        """Begins it in place of what an earlier sign of the same clock set off."""
        clock_id, clock = record.told.clock_id, record.clock
        self.escalations = [
            self._resolved(earlier, begun.trigger) if earlier.is_live and earlier.clock_id == clock_id else earlier
            for earlier in self.escalations
        ]
        begun = replace(begun, clock_id=clock_id, metric=clock.metric, generation=clock.generation)
        stands = clock.running_since is None
        self.escalations.append(chain.hold(begun, self.now) if stands else self.advanced(begun))

    def _of_trigger(self, trigger: Trigger) -> Escalation:
        latest = self.history.latest
        policy = latest.escalations[trigger.escalation]
        begun = self._begun(policy, latest.version, trigger=trigger.name)
        return replace(begun, trigger_id=trigger.trigger_id)

    def _begun(self, policy: EscalationPolicy, version: int, *, trigger: str) -> Escalation:
        self.tally.add(self.ticket.workspace_id, policy.policy_id)
        return Escalation(
            escalation_id=self.ids.new(),
            workspace_id=self.ticket.workspace_id,
            ticket_id=self.ticket.ticket_id,
            clock_id=None,
            metric=None,
            generation=None,
            trigger=trigger,
            policy=policy.policy_id,
            policy_version=version,
            steps=policy.steps,
            ack_timeout=policy.ack_timeout,
            next_at=self.now,
            started_at=self.now,
        )

    def _variables(self) -> Variables:
        assert self.ticket.terms is not None
        return variables(self.ticket.terms)

    def _reach(self, step: Notify) -> tuple[Recipient, ...]:
        latest = self.history.latest
        assert self.finder is not None, "steps are taken where somebody can be found"
        found = self.finder.found(step, self.ticket, latest)
        return recipients_of(found, latest.contacts, latest.webhooks, latest.chats)

    def _on_duty(self, rotation: str) -> OnDuty | None:
        assert self.finder is not None, "steps are taken where somebody can be found"
        return self.finder.on_duty(self.ticket.workspace_id, rotation, self.history.latest)
