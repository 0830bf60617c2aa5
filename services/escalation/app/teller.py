"""Tells the world about one ticket: sequences without gaps, times that never go back."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.escalation.app import outbound
from services.escalation.app.escalation_teller import EscalationTeller
from services.escalation.app.outbound import About
from services.escalation.domain.clock_record import ClockRecord, Told, Withdrawal
from services.escalation.domain.sla_clock import Entry, SlaClock, Turn
from services.escalation.domain.ticket import Ticket
from shared.events.contract import Contract
from shared.events.envelope import Cause


@dataclass(slots=True, kw_only=True)
class Teller(EscalationTeller):
    """Gathers the events of one ticket in one unit of work."""

    ticket: Ticket

    def clock(self, record: ClockRecord | None, clock: SlaClock, *, is_provisional: bool) -> ClockRecord:
        """Tells how a clock has moved on; a breach that is not so any more is withdrawn."""
        before = record.clock.history if record else ()
        told = record.told if record else Told(clock_id=self.ids.new())
        common = _common(before, clock.history)
        standing = _breaches(before) & _breaches(clock.history)
        for entry in before[common:]:
            if (
                entry.turn is Turn.BREACHED
                and _breach(entry) not in standing
                and entry.generation in told.breaches
            ):
                told = self._withdraw(told, clock, entry)
        generation = max((entry.generation for entry in before), default=0)
        for entry in clock.history[common:]:
            if entry.generation > generation:
                generation = entry.generation
                told = replace(
                    told, breach_told_at=None, is_provisional=False, is_escalated=False, warned=0, taken_back=None
                )
            if entry.turn is not Turn.BREACHED or _breach(entry) not in standing:
                told = self._turn(told, clock, entry, is_provisional=is_provisional)
        return ClockRecord(clock, told)

    def warning(self, record: ClockRecord, level: int, due_at: datetime) -> ClockRecord:
        """Tells that a share of the target is used up."""
        clock = record.clock
        contract = outbound.warned(
            self._about(record.told, clock, clock.generation), clock, level, self.now - due_at
        )
        told, _ = self._tell_clock(record.told, contract, due_at, None)
        return ClockRecord(clock, replace(told, warned=level, taken_back=None))

    def _turn(self, told: Told, clock: SlaClock, entry: Entry, *, is_provisional: bool) -> Told:
        about = self._about(told, clock, entry.generation)
        cause = self.causes.get(entry.event_id) if entry.event_id else None
        if entry.turn is not Turn.BREACHED:
            contract = outbound.turned(about, entry, clock)
            return told if contract is None else self._tell_clock(told, contract, self.now, cause)[0]
        contract = outbound.breached(about, entry, self.ticket, self.now, is_provisional=is_provisional)
        told, event_id = self._tell_clock(told, contract, entry.at, cause)
        return replace(
            told,
            breaches={**told.breaches, entry.generation: event_id},
            breach_told_at=self.now,
            is_provisional=is_provisional,
        )

    def _withdraw(self, told: Told, clock: SlaClock, breach: Entry) -> Told:
        generation, event_id = breach.generation, told.breaches[breach.generation]
        why = _undone_by(clock, breach)
        contract = outbound.withdrawn(self._about(told, clock, generation), event_id)
        cause = self.causes.get(why.event_id) if why.event_id else None
        told, _ = self._tell_clock(told, contract, self.now, cause)
        withdrawal = Withdrawal(
            generation=generation,
            breach_event_id=event_id,
            breached_at=breach.at,
            withdrawn_at=self.now,
            cause=why.cause,
            cause_event_id=why.event_id,
        )
        left = {key: breach for key, breach in told.breaches.items() if key != generation}
        return replace(
            told,
            breaches=left,
            withdrawn=(*told.withdrawn, withdrawal),
            breach_told_at=None,
            is_provisional=False,
            is_escalated=False,
        )

    def _about(self, told: Told, clock: SlaClock, generation: int) -> About:
        return About(
            clock_id=told.clock_id,
            ticket_id=self.ticket.ticket_id,
            agreement=clock.agreement,
            metric=clock.metric,
            generation=generation,
        )

    def _tell_clock(
        self, told: Told, contract: Contract, due_at: datetime, cause: Cause | None
    ) -> tuple[Told, UUID]:
        time = max(self.now, told.last_event_at or self.now)
        told = replace(told, sequence=told.sequence + 1, last_event_at=time)
        return told, self.publish(contract, told.sequence, time, due_at, cause)


def _undone_by(clock: SlaClock, breach: Entry) -> Entry:
    """The line of a clock's history that shows that a breach never was: the last one until it would have been."""
    return next((entry for entry in reversed(clock.history) if entry.at <= breach.at), clock.history[-1])


def _common(before: tuple[Entry, ...], after: tuple[Entry, ...]) -> int:
    """How many lines two histories begin with in common."""
    for position, (old, new) in enumerate(zip(before, after, strict=False)):
        if _line(old) != _line(new):
            return position
    return min(len(before), len(after))


def _line(entry: Entry) -> tuple[object, ...]:
    """What happened. What had elapsed by then may be counted otherwise now: zone data change, and so may code."""
    return entry.turn, entry.at, entry.cause, entry.event_id, entry.generation, entry.policy_version, entry.target


def _breach(entry: Entry) -> tuple[int, datetime]:
    return entry.generation, entry.at


def _breaches(history: tuple[Entry, ...]) -> set[tuple[int, datetime]]:
    """The generations that were broken, and when."""
    return {_breach(entry) for entry in history if entry.turn is Turn.BREACHED}
