"""Escalations in one unit of work, whatever they are about: begun, taken further, resolved."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from services.escalation.app.escalation_teller import EscalationTeller
from services.escalation.app.finder import Concern, Finder
from services.escalation.app.tally import Tally
from services.escalation.app.telling_people import notifications_of
from services.escalation.domain import escalation as chain
from services.escalation.domain.escalation import Circumstances, Escalation, Taken
from services.escalation.domain.escalation_policy import EscalationPolicy, Notify
from services.escalation.domain.hand_over import LOOK_AGAIN, OnDuty, handed_over, telling, told_by
from services.escalation.domain.notification import Notification
from services.escalation.domain.recipient import Recipient, recipients_of
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.trigger import Trigger
from services.escalation.domain.watch import Watch
from shared.ids import IdFactory

AboutT = TypeVar("AboutT", bound=Ticket | Watch)


@dataclass(slots=True, kw_only=True)
class Stepping(Generic[AboutT]):
    """The escalations of a ticket or of a watch.

    finder: of whom steps tell; none where no steps are taken
    escalations: those that were live, and those that begin
    """

    about: AboutT
    now: datetime
    ids: IdFactory
    history: PolicyHistory
    teller: EscalationTeller
    tally: Tally = field(default_factory=Tally)
    finder: Finder | None = None
    escalations: list[Escalation] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)

    def begun(self, policy: EscalationPolicy, version: int, *, trigger: str) -> Escalation:
        """An escalation that begins now: its first step is due."""
        workspace_id = self.about.workspace_id
        self.tally.add(workspace_id, policy.policy_id)
        watch = self.about if isinstance(self.about, Watch) else None
        return Escalation(
            escalation_id=self.ids.new(),
            workspace_id=workspace_id,
            ticket_id=self.about.ticket_id if isinstance(self.about, Ticket) else None,
            watch=watch.subject if watch else None,
            queue=watch.queue if watch else None,
            kpi=watch.kpi if watch else None,
            trigger=trigger,
            policy=policy.policy_id,
            policy_version=version,
            steps=policy.steps,
            ack_timeout=policy.ack_timeout,
            next_at=self.now,
            started_at=self.now,
        )

    def of_trigger(self, trigger: Trigger) -> Escalation:
        """What a trigger sets off."""
        latest = self.history.latest
        begun = self.begun(latest.escalations[trigger.escalation], latest.version, trigger=trigger.name)
        return replace(begun, trigger_id=trigger.trigger_id)

    def advanced(self, escalation: Escalation) -> Escalation:
        """With every step taken that is due, told, and with its notifications."""
        seen = Circumstances(
            reach=self._reach,
            manager=self.history.latest.people.manager(self.about.agent_id, self.about.queue),
            is_unassigned=self.about.agent_id is None,
            begun=lambda per: self.tally.of(escalation.workspace_id, escalation.policy, per),
        )
        after, steps = chain.advance(escalation, self.now, seen)
        overdue = self.now - (escalation.next_at or self.now)
        for taken in steps:
            after = self.teller.step(after, taken, overdue)
            self._tell(after, taken)
        notified = [taken.action for taken in steps if isinstance(taken.action, Notify)]
        return told_by(after, notified, self._on_duty_at_first)

    def handed_over(self, escalation: Escalation) -> Escalation:
        """Told to whoever is on call by now, where that is somebody else than whom its last step told."""
        after, newcomers = handed_over(escalation, self._on_duty)
        if newcomers:
            step = telling(escalation, newcomers)
            taken = Taken(
                step=escalation.position,
                level=escalation.level,
                action=step,
                recipients=self._reach(step),
                handed_over_to=newcomers,
            )
            self._tell(after, taken)
        return after

    def resolved(self, escalation: Escalation, cause: str) -> Escalation:
        """It is over, and the world is told."""
        return self.teller.resolved(chain.resolve(escalation, cause, self.now))

    def _tell(self, escalation: Escalation, taken: Taken) -> None:
        told = notifications_of(
            escalation,
            taken,
            ticket=self.about if isinstance(self.about, Ticket) else None,
            policies=self.history.latest,
            now=self.now,
            ids=self.ids,
        )
        self.notifications.extend(told)

    def _reach(self, step: Notify) -> tuple[Recipient, ...]:
        latest = self.history.latest
        assert self.finder is not None, "steps are taken where somebody can be found"
        about: Concern = self.about
        found = self.finder.found(step, about, latest)
        return recipients_of(found, latest.contacts, latest.webhooks, latest.chats)

    def _on_duty_at_first(self, rotation: str) -> OnDuty | None:
        """Whoever is put on call in this very moment, and cannot know of what is told now, is not passed over."""
        duty = self._on_duty(rotation)
        return duty and replace(duty, until=min(duty.until, self.now + LOOK_AGAIN))

    def _on_duty(self, rotation: str) -> OnDuty | None:
        assert self.finder is not None, "steps are taken where somebody can be found"
        return self.finder.on_duty(self.about.workspace_id, rotation, self.history.latest)
