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
from services.escalation.domain.escalation import BREACHED, Circumstances, Escalation
from services.escalation.domain.escalation_policy import EscalationPolicy, Notify
from services.escalation.domain.notification import Notification
from services.escalation.domain.recipient import Recipient, recipients_of
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.ticket import Ticket
from shared.ids import IdFactory


@dataclass(slots=True, kw_only=True)
class Chains:
    """The escalations of one ticket in one unit of work."""

    ticket: Ticket
    now: datetime
    ids: IdFactory
    history: PolicyHistory
    teller: Teller
    tally: Tally = field(default_factory=Tally)
    finder: Finder = field(default_factory=Finder)
    notifications: list[Notification] = field(default_factory=list)

    def by_breach(self, record: ClockRecord) -> Escalation | None:
        """What a broken promise sets off."""
        clock = record.clock
        assert clock.promise is not None
        policies = self.history.version(clock.promise.version)
        policy = policies.escalations.get(clock.promise.escalation or "")
        if policy is None:
            return None
        begun = self._begun(policy, policies.version, trigger=BREACHED)
        return replace(begun, clock_id=record.told.clock_id, metric=clock.metric, generation=clock.generation)

    def by_hand(self, policy: EscalationPolicy, *, reason: str, by: str) -> Escalation:
        """What a person sets off."""
        begun = self._begun(policy, self.history.latest.version, trigger=chain.MANUAL)
        return replace(begun, reason=reason, raised_by=by)

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
            policies = self.history.latest
            self.notifications.extend(
                notifications_of(after, taken, ticket=self.ticket, policies=policies, now=self.now, ids=self.ids)
            )
        return after

    def followed(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> Escalation:
        """As its ticket and its clock leave it now: resolved with them, held while the clock stands still."""
        cause = self._end(escalation, clocks)
        if cause is not None:
            return self.teller.resolved(chain.resolve(escalation, cause, self.now))
        if escalation.resumes_at is not None and escalation.resumes_at <= self.now:
            escalation = chain.resume(escalation)
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        stands = record is not None and record.clock.running_since is None
        return chain.hold(escalation, self.now) if stands else chain.release(escalation, self.now)

    def _end(self, escalation: Escalation, clocks: Mapping[UUID, ClockRecord]) -> str | None:
        """Why it is over, if it is."""
        if not self.ticket.is_unsolved:
            return f"ticket_{self.ticket.status}"
        record = clocks.get(escalation.clock_id) if escalation.clock_id else None
        if record is None:
            return None
        clock = record.clock
        if not clock.is_live:
            return f"clock_{clock.history[-1].turn}"
        if clock.generation != escalation.generation or clock.breached_at is None:
            return "breach_withdrawn"
        return None

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

    def _reach(self, step: Notify) -> tuple[Recipient, ...]:
        latest = self.history.latest
        found = self.finder.found(step, self.ticket, latest)
        return recipients_of(found, latest.contacts, latest.webhooks, latest.chats)
