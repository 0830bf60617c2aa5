"""Folds what happens into a ticket and its clocks.

The same events in the same order of their keys give the same clocks. Usually the next event is the latest one
and goes on top of what is there; one that comes late, or that needs what nobody has kept, raises OutOfOrder,
and the ticket is folded anew from all of its events. So the order of arrival never matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from services.escalation.domain import sla_clock
from services.escalation.domain.happening import Happening, Signals, apply
from services.escalation.domain.metrics import METRICS, Metric
from services.escalation.domain.promise import Measure, OnChange, Promise
from services.escalation.domain.sla_clock import NO_TARGET, POLICY_CHANGED, SlaClock, Why
from services.escalation.domain.sla_policy import Policies, PolicyHistory
from services.escalation.domain.ticket import Mark, Ticket
from shared.vocabulary import Agreement, SlaMetric

_MEASURED = {
    agreement: [(Measure(agreement, name), metric) for name, metric in METRICS.items()] for agreement in Agreement
}


class OutOfOrder(Exception):
    """The ticket has to be folded anew from all of its events."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A ticket with the newest clock of each measure, and those that made room for them in this fold."""

    ticket: Ticket
    clocks: Mapping[Measure, SlaClock] = field(default_factory=dict)
    earlier: tuple[SlaClock, ...] = ()

    def promised(self) -> Iterable[SlaClock]:
        """Clocks that somebody is told of, of each measure the newest last."""
        return (clock for clock in (*self.earlier, *self.clocks.values()) if clock.promise)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one step changes, for each measure to follow.

    was, now: the configuration before and after it; another one where it is what changes
    """

    before: Ticket
    after: Ticket
    why: Why
    signals: Signals
    was: Policies
    now: Policies

    @property
    def is_policy(self) -> bool:
        """Whether a new version of the configuration is what changes."""
        return self.was is not self.now


class _Terms(NamedTuple):
    """What one measure is promised, before a change and after it.

    have_changed: whether clocks may have to come over to another promise
    """

    was: Promise | None
    now: Promise | None
    have_changed: bool

    @classmethod
    def of(cls, was: Promise | None, now: Promise | None) -> "_Terms":
        return cls(was, now, was is not now and (now is None or not now.is_same(was)))


def forward(
    tracked: Tracked, happenings: Sequence[Happening], history: PolicyHistory, *, until: datetime | None = None
) -> Tracked:
    """What is there with what comes next on top.

    until: clocks are judged up to this moment, if any; everything that happened before is known
    Raises OutOfOrder.
    """
    for happening in sorted(happenings, key=lambda item: item.key):
        _require_next(tracked.ticket, happening, history)
        tracked = _step(tracked, happening, history, is_whole=False)
    return tracked if until is None else _judged(tracked, until, history)


def anew(
    ticket: Ticket, happenings: Iterable[Happening], history: PolicyHistory, *, until: datetime | None
) -> Tracked:
    """The ticket folded from all of its events, and judged up to a moment, if any."""
    tracked = Tracked(Ticket(workspace_id=ticket.workspace_id, ticket_id=ticket.ticket_id))
    for happening in sorted(happenings, key=lambda item: item.key):
        tracked = _step(tracked, happening, history, is_whole=True)
    return tracked if until is None else _judged(tracked, until, history)


def caught_up(tracked: Tracked, until: datetime, history: PolicyHistory) -> Tracked:
    """Clocks measured by the configuration that holds at a moment. Raises OutOfOrder."""
    for policies in history.between(tracked.ticket.policy_version, until):
        ticket = tracked.ticket
        if ticket.last is None or ticket.opened is None:
            # It is matched when it opens.
            continue
        if policies.since <= max(ticket.last.at, ticket.fired_until or ticket.last.at):
            raise OutOfOrder
        tracked = _repoliced(tracked, policies, history, is_whole=False)
    return tracked


def _require_next(ticket: Ticket, happening: Happening, history: PolicyHistory) -> None:
    if ticket.last is not None and happening.key <= ticket.last:
        raise OutOfOrder
    if ticket.fired_until is not None and happening.at <= ticket.fired_until:
        raise OutOfOrder
    # Its clocks have come over to that version, and counted until then.
    if ticket.opened is not None and happening.at < history.version(ticket.policy_version).since:
        raise OutOfOrder


def _judged(tracked: Tracked, until: datetime, history: PolicyHistory) -> Tracked:
    tracked = caught_up(tracked, until, history)
    return Tracked(
        replace(tracked.ticket, fired_until=until),
        {measure: sla_clock.judge(clock, until) for measure, clock in tracked.clocks.items()},
        tracked.earlier,
    )


def _step(tracked: Tracked, happening: Happening, history: PolicyHistory, *, is_whole: bool) -> Tracked:
    """One event on top. is_whole: whether silent clocks are at hand, because everything is folded."""
    if is_whole:
        for policies in history.between(tracked.ticket.policy_version, happening.at):
            if tracked.ticket.opened is not None:
                tracked = _repoliced(tracked, policies, history, is_whole=True)
    else:
        tracked = caught_up(tracked, happening.at, history)
    before = tracked.ticket
    after, signals = apply(before, happening)
    policies = history.at(happening.at) if before.opened is None else history.version(before.policy_version)
    if after.terms is not None and after.terms != before.terms:
        after = replace(after, policies=policies.match(after.terms), policy_version=policies.version)
    after = replace(after, last=happening.key)
    why = Why(at=happening.at, name=happening.name, event_id=happening.event_id)
    change = _Change(before, after, why, signals, policies, policies)
    return _turned(tracked, change, history, is_whole=is_whole)


def _repoliced(tracked: Tracked, policies: Policies, history: PolicyHistory, *, is_whole: bool) -> Tracked:
    """The ticket under a new version of the configuration, from when it holds."""
    before = tracked.ticket
    assert before.terms is not None
    after = replace(before, policies=policies.match(before.terms), policy_version=policies.version)
    why = Why(at=policies.since, name=POLICY_CHANGED)
    change = _Change(before, after, why, {}, history.version(before.policy_version), policies)
    return _turned(tracked, change, history, is_whole=is_whole)


def _turned(tracked: Tracked, change: _Change, history: PolicyHistory, *, is_whole: bool) -> Tracked:
    clocks = dict(tracked.clocks)
    earlier = list(tracked.earlier)
    for agreement in history.agreements:
        was, now = _promises(agreement, change)
        for measure, metric in _MEASURED[agreement]:
            old, promise = clocks.get(measure), now.get(measure.metric)
            if old is None and promise is None and not is_whole:
                # Nobody is promised anything, and silent clocks are not kept.
                continue
            terms = _Terms.of(was.get(measure.metric), promise)
            new = _follow(measure, metric, old, terms, change, is_whole=is_whole)
            if new is not None:
                clocks[measure] = new
            if old is not None and new is not None and old.origin != new.origin:
                earlier.append(_ended(metric, old, change))
    return Tracked(change.after, clocks, tuple(earlier))


def _follow(
    measure: Measure, metric: Metric, clock: SlaClock | None, terms: _Terms, change: _Change, *, is_whole: bool
) -> SlaClock | None:
    """The measure's newest clock after a change."""
    instance, was = metric.instance(change.after), metric.instance(change.before)
    if instance is None:
        return None if clock is None else _ended(metric, clock, change)
    is_new = was is None or was.event_id != instance.event_id
    if clock is not None and clock.origin == instance.event_id:
        return _went_on(metric, clock, terms, change, is_new=is_new)
    if is_new and not (metric.resumes and instance.event_id != change.why.event_id):
        if clock is not None and terms.now is None and not is_whole:
            return _ended(metric, clock, change)
        return _begun(measure, metric, instance, terms.now, clock, change)
    if clock is None and is_new and is_whole:
        # First seen when it was solved: nobody knows how long it had taken by then.
        return _begun(measure, metric, replace(instance, at=change.why.at), terms.now, clock, change)
    is_told = terms.now is not None if is_new else terms.have_changed and _would_tell(terms.now, change)
    if is_told and not is_whole:
        # It has been waiting for longer, and nobody was promised anything until now.
        raise OutOfOrder
    return clock


def _would_tell(promise: Promise | None, change: _Change) -> bool:
    """Whether a silent clock begins to count. A new configuration promises nothing for what was waiting before,
    unless it says so."""
    if promise is None or promise.on_change is OnChange.KEEP:
        return False
    return promise.on_change is not OnChange.CARRY or not change.is_policy


def _begun(
    measure: Measure,
    metric: Metric,
    instance: Mark,
    promise: Promise | None,
    previous: SlaClock | None,
    change: _Change,
) -> SlaClock:
    generation = previous.generation if previous else 0
    clock = sla_clock.start(measure, instance.event_id, instance.at, promise, generation, change.why)
    return sla_clock.pause(clock, change.why) if change.after.status in metric.stands_in else clock


def _went_on(metric: Metric, clock: SlaClock, terms: _Terms, change: _Change, *, is_new: bool) -> SlaClock:
    """The clock of what is still, or again, waited for."""
    why, promise = change.why, terms.now
    if not clock.is_live:
        if is_new and metric.resumes:
            clock = sla_clock.reopen(clock, promise, why)
            if promise is None and clock.promise is not None:
                # What was promised before it was solved is promised no more.
                return sla_clock.stop(clock, replace(why, name=NO_TARGET), is_met=False)
        elif promise and terms.have_changed and _returns(clock, promise):
            clock = sla_clock.reopen(_measurable(clock, promise), promise, why, promise.on_change)
        else:
            return clock
    elif terms.have_changed:
        clock = _repromised(clock, terms, change)
    stands = change.after.status in metric.stands_in
    if not clock.is_live or stands == (clock.running_since is None):
        return clock
    return sla_clock.pause(clock, why) if stands else sla_clock.resume(clock, why)


def _returns(clock: SlaClock, promise: Promise) -> bool:
    """Whether a clock that lost its target goes on with a new one. What was broken stays broken."""
    lost_its_target = bool(clock.history) and clock.history[-1].cause == NO_TARGET
    return lost_its_target and clock.breached_at is None and promise.on_change is not OnChange.KEEP


def _repromised(clock: SlaClock, terms: _Terms, change: _Change) -> SlaClock:
    promise = terms.now
    if promise is None:
        # Nothing is promised any more; silent clocks stay silent.
        is_kept = clock.promise is None or (terms.was or clock.promise).on_change is OnChange.KEEP
        return clock if is_kept else sla_clock.stop(clock, replace(change.why, name=NO_TARGET), is_met=False)
    if promise.on_change is OnChange.KEEP or (clock.promise is None and not _would_tell(promise, change)):
        return clock
    if clock.promise is not terms.was and promise.is_same(clock.promise):
        return clock
    return sla_clock.retarget(_measurable(clock, promise), promise, change.why, promise.on_change)


def _measurable(clock: SlaClock, promise: Promise) -> SlaClock:
    """The clock, with when it ran if that is needed. Raises OutOfOrder where only its events tell that."""
    if promise.on_change is not OnChange.RECOMPUTE:
        return clock
    measurable = sla_clock.with_spans(clock)
    if measurable is None:
        raise OutOfOrder
    return measurable


def _ended(metric: Metric, clock: SlaClock, change: _Change) -> SlaClock:
    """A clock whose instance has gone."""
    if not clock.is_live:
        return clock
    met_at = change.signals.get(metric.met_by)
    why = change.why if met_at is None else replace(change.why, at=met_at)
    return sla_clock.stop(clock, why, is_met=met_at is not None)


def _promises(agreement: Agreement, change: _Change) -> tuple[Mapping[SlaMetric, Promise], ...]:
    """What the ticket is promised before a change and after it."""
    now = _promised(agreement, change.now, change.after)
    if not change.is_policy and change.before.terms == change.after.terms:
        return now, now
    return _promised(agreement, change.was, change.before), now


def _promised(agreement: Agreement, policies: Policies, ticket: Ticket) -> Mapping[SlaMetric, Promise]:
    policy_id, terms = ticket.policies.get(agreement), ticket.terms
    return {} if policy_id is None or terms is None else policies.promises(policy_id, agreement, terms)
