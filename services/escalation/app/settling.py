"""What follows from a ticket's new state: what the world is told, and what becomes of its escalations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.escalation.app.chains import Chains
from services.escalation.app.escalation_teller import News
from services.escalation.app.finder import Finder
from services.escalation.app.ports import Case, Lateness
from services.escalation.app.tally import Tally
from services.escalation.app.teller import Teller
from services.escalation.domain.clock_record import PROVISIONAL, ClockRecord, Kind, warning_at
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.hand_over import hands_over, looked_at_again
from services.escalation.domain.notification import Notification
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock, Why, stop
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.tracking import Tracked
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import ClockState

Origin = tuple[Measure, UUID]
"""What a clock is known by, however often it is folded: its measure and the event that began it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """Timers are being fired.

    until: everything that was due by then; is_confirmed: everything that happened before is known
    """

    until: datetime
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """A case as it is to be kept, and what goes with it."""

    case: Case
    news: Sequence[News]
    notifications: tuple[Notification, ...]
    fired: Sequence[Lateness]


@dataclass(slots=True, kw_only=True)
class Settling:
    """One ticket within one unit of work."""

    ticket: Ticket
    now: datetime
    ids: IdFactory
    history: PolicyHistory
    causes: Mapping[UUID, Cause] = field(default_factory=dict)
    firing: Firing | None = None
    tally: Tally = field(default_factory=Tally)
    finder: Finder | None = None
    fired: list[Lateness] = field(default_factory=list)

    def settle(self, before: Case, tracked: Tracked) -> Settled:
        """Tells what has changed, warns, escalates."""
        teller = Teller(
            workspace_id=self.ticket.workspace_id,
            ticket=self.ticket,
            now=self.now,
            ids=self.ids,
            causes=self.causes,
        )
        chains = Chains(
            about=self.ticket,
            now=self.now,
            ids=self.ids,
            history=self.history,
            teller=teller,
            tally=self.tally,
            finder=self.finder,
        )
        records = self._told(teller, before, tracked)
        clocks = {record.told.clock_id: record for record in records}
        chains.escalations = [chains.followed(escalation, clocks) for escalation in before.escalations]
        records = [chains.armed(record) for record in records]
        if before.ticket.policy_version != self.ticket.policy_version:
            chains.escalations = [looked_at_again(item, self.now) for item in chains.escalations]
        chains.by_ticket(before.ticket)
        if self.firing:
            chains.escalations = [self._advanced(chains, item, self.firing) for item in chains.escalations]
            records = [self._fired(teller, chains, record, self.firing) for record in records]
        case = Case(self.ticket, tuple(records), tuple(chains.escalations))
        return Settled(case, teller.news, tuple(chains.notifications), self.fired)

    def _told(self, teller: Teller, before: Case, tracked: Tracked) -> list[ClockRecord]:
        is_provisional = self.firing is not None and not self.firing.is_confirmed
        known: dict[Origin, ClockRecord] = {
            (record.clock.measure, record.clock.origin): record for record in before.clocks
        }
        records = []
        for clock in tracked.promised():
            record = known.pop((clock.measure, clock.origin), None)
            told = teller.clock(record, clock, is_provisional=is_provisional)
            if clock.breached_at and (record is None or record.clock.breached_at is None) and self.firing:
                self._note(Kind.BREACH, clock.breached_at)
            records.append(told)
        # Folded anew, a clock may prove never to have begun.
        gone = [
            teller.clock(record, self._revised(record.clock), is_provisional=False) for record in known.values()
        ]
        return [*gone, *records]

    def _revised(self, clock: SlaClock) -> SlaClock:
        """Ended, with nothing of its history left: a breach of it never was."""
        if not clock.is_live:
            return clock
        never_broken = replace(clock, state=ClockState.RUNNING, due_at=None, breached_at=None)
        ended = stop(never_broken, Why(at=self.now, name="revised"), is_met=False)
        return replace(ended, history=ended.history[-1:])

    def _fired(self, teller: Teller, chains: Chains, record: ClockRecord, firing: Firing) -> ClockRecord:
        """With its warning or breach told, and what that sets off begun."""
        before = record.told.set_off
        record = self._warned(teller, record, firing)
        if record.told.set_off > before:
            chains.by_warning(record, before)
        if self._may_escalate(record, firing):
            chains.by_breach(record)
            record = ClockRecord(record.clock, replace(record.told, is_escalated=True))
        return record

    def _warned(self, teller: Teller, record: ClockRecord, firing: Firing) -> ClockRecord:
        """Levels that have been passed are told once, and only the highest of them.

        Passed again, after what they had set off was taken back, they set it off again and are not told.
        """
        promise = record.clock.promise
        for level in reversed(promise.warn_at if promise else ()):
            if level <= record.told.set_off:
                break
            due_at = warning_at(record.clock, level)
            if due_at is not None and due_at <= firing.until:
                self._note(Kind.WARNING, due_at)
                if level > record.told.warned:
                    return teller.warning(record, level, due_at)
                left = level if level < record.told.warned else None
                return ClockRecord(record.clock, replace(record.told, taken_back=left))
        return record

    def _advanced(self, chains: Chains, escalation: Escalation, firing: Firing) -> Escalation:
        if escalation.next_at is not None and escalation.next_at <= firing.until:
            self._note(Kind.STEP, escalation.next_at)
            escalation = chains.advanced(escalation)
        # Behind the step, which may have told whoever is on call by now.
        if hands_over(escalation, firing.until) and escalation.hand_off_at is not None:
            self._note(Kind.HAND_OFF, escalation.hand_off_at)
            escalation = chains.handed_over(escalation)
        return escalation

    def _may_escalate(self, record: ClockRecord, firing: Firing) -> bool:
        """Whether a breach is certain enough: nothing unread can undo it, or it has stood for a minute."""
        told_at = record.told.breach_told_at
        if not record.awaits_escalation or told_at is None:
            return False
        return firing.is_confirmed or self.now - told_at >= PROVISIONAL

    def _note(self, kind: Kind, due_at: datetime) -> None:
        self.fired.append(Lateness(kind=kind, due_at=due_at, fired_at=self.now))
