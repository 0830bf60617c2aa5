"""Folds what happens into a ticket and its clocks.

The same events in the same order of their keys give the same clocks. Usually the next event is the latest one
and goes on top of what is there; one that comes late, or that needs what nobody has kept, raises OutOfOrder,
and the ticket is folded anew from all of its events. So the order of arrival never matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.escalation.domain import sla_clock
from services.escalation.domain.happening import Happening, Opened, Signals, apply
from services.escalation.domain.metrics import METRICS, Metric
from services.escalation.domain.sla_clock import NO_TARGET, POLICY_CHANGED, SlaClock, Why
from services.escalation.domain.sla_policy import Policies, PolicyHistory, Promise
from services.escalation.domain.ticket import Mark, Ticket
from shared.vocabulary import SlaMetric


class OutOfOrder(Exception):
    """The ticket has to be folded anew from all of its events."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A ticket with the newest clock of each metric, and those that made room for them in this fold."""

    ticket: Ticket
    clocks: Mapping[SlaMetric, SlaClock] = field(default_factory=dict)
    earlier: tuple[SlaClock, ...] = ()

    def promised(self) -> Iterable[SlaClock]:
        """Clocks that somebody is told of, of each metric the newest last."""
        return (clock for clock in (*self.earlier, *self.clocks.values()) if clock.promise)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one step changes, for each metric to follow.

    has_new_facts: whether promises may be others now; is_policy: whether by a new version of the configuration
    """

    before: Ticket
    after: Ticket
    why: Why
    signals: Signals
    policies: Policies
    has_new_facts: bool
    is_policy: bool = False


def forward(
    tracked: Tracked, happenings: Sequence[Happening], history: PolicyHistory, *, until: datetime | None = None
) -> Tracked:
    """What is there with what comes next on top.

    until: clocks are judged up to this moment, if any; everything that happened before is known
    Raises OutOfOrder.
    """
    for happening in sorted(happenings, key=lambda item: item.key):
        _require_next(tracked.ticket, happening)
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
        tracked = _repoliced(tracked, policies)
    return tracked


def _require_next(ticket: Ticket, happening: Happening) -> None:
    if ticket.last is not None and happening.key <= ticket.last:
        raise OutOfOrder
    if ticket.fired_until is not None and happening.at <= ticket.fired_until:
        raise OutOfOrder


def _judged(tracked: Tracked, until: datetime, history: PolicyHistory) -> Tracked:
    tracked = caught_up(tracked, until, history)
    return Tracked(
        replace(tracked.ticket, fired_until=until),
        {metric: sla_clock.judge(clock, until) for metric, clock in tracked.clocks.items()},
        tracked.earlier,
    )


def _step(tracked: Tracked, happening: Happening, history: PolicyHistory, *, is_whole: bool) -> Tracked:
    """One event on top. is_whole: whether silent clocks are at hand, because everything is folded."""
    if is_whole:
        for policies in history.between(tracked.ticket.policy_version, happening.at):
            if tracked.ticket.opened is not None:
                tracked = _repoliced(tracked, policies)
    else:
        tracked = caught_up(tracked, happening.at, history)
    before = tracked.ticket
    after, signals = apply(before, happening)
    policies = history.at(happening.at) if before.opened is None else history.version(before.policy_version)
    has_new_facts = after.facts != before.facts
    if has_new_facts and after.facts is not None:
        after = replace(after, policy=policies.match(after.facts), policy_version=policies.version)
    after = replace(after, last=happening.key)
    change = _Change(
        before=before,
        after=after,
        why=Why(at=happening.at, name=happening.name, event_id=happening.event_id),
        signals=signals,
        policies=policies,
        has_new_facts=has_new_facts and not isinstance(happening.what, Opened),
    )
    return _turned(tracked, change, is_whole=is_whole)


def _repoliced(tracked: Tracked, policies: Policies) -> Tracked:
    """The ticket under a new version of the configuration, from when it holds."""
    before = tracked.ticket
    assert before.facts is not None
    after = replace(before, policy=policies.match(before.facts), policy_version=policies.version)
    why = Why(at=policies.since, name=POLICY_CHANGED)
    change = _Change(before, after, why, {}, policies, has_new_facts=True, is_policy=True)
    return _turned(tracked, change, is_whole=True)


def _turned(tracked: Tracked, change: _Change, *, is_whole: bool) -> Tracked:
    clocks = dict(tracked.clocks)
    earlier = list(tracked.earlier)
    for name, metric in METRICS.items():
        old = clocks.get(name)
        new = _follow(name, metric, old, change, is_whole=is_whole)
        if new is not None:
            clocks[name] = new
        if old is not None and new is not None and old.origin != new.origin:
            earlier.append(_ended(metric, old, change))
    return Tracked(change.after, clocks, tuple(earlier))


def _follow(
    name: SlaMetric, metric: Metric, clock: SlaClock | None, change: _Change, *, is_whole: bool
) -> SlaClock | None:
    """The metric's newest clock after a change."""
    instance, was = metric.instance(change.after), metric.instance(change.before)
    if instance is None:
        return None if clock is None else _ended(metric, clock, change)
    promise = _promise(name, change)
    is_new = was is None or was.event_id != instance.event_id
    if clock is not None and clock.origin == instance.event_id:
        return _went_on(metric, clock, promise, change, is_new=is_new)
    if is_new and not (metric.resumes and instance.event_id != change.why.event_id):
        if promise is None and not is_whole:
            # Silent clocks are not kept: none is made where nobody will ask it.
            return None if clock is None else _ended(metric, clock, change)
        return _begun(name, metric, instance, promise, clock, change)
    # It has been waiting for longer, and nobody was promised anything until now.
    if promise is not None and not change.is_policy and (change.has_new_facts or is_new) and not is_whole:
        raise OutOfOrder
    return clock


def _begun(
    name: SlaMetric,
    metric: Metric,
    instance: Mark,
    promise: Promise | None,
    previous: SlaClock | None,
    change: _Change,
) -> SlaClock:
    generation = previous.generation if previous else 0
    clock = sla_clock.start(name, instance.event_id, instance.at, promise, generation, change.why)
    return sla_clock.pause(clock, change.why) if change.after.status in metric.stands_in else clock


def _went_on(
    metric: Metric, clock: SlaClock, promise: Promise | None, change: _Change, *, is_new: bool
) -> SlaClock:
    """The clock of what is still, or again, waited for."""
    why = change.why
    if not clock.is_live:
        lost_its_target = bool(clock.history) and clock.history[-1].cause == NO_TARGET
        if (is_new and metric.resumes) or (lost_its_target and change.has_new_facts and promise):
            clock = sla_clock.reopen(clock, promise, why)
        else:
            return clock
    elif change.has_new_facts:
        clock = _repromised(clock, promise, change)
    stands = change.after.status in metric.stands_in
    if not clock.is_live or stands == (clock.running_since is None):
        return clock
    return sla_clock.pause(clock, why) if stands else sla_clock.resume(clock, why)


def _repromised(clock: SlaClock, promise: Promise | None, change: _Change) -> SlaClock:
    if promise is None:
        # Nothing is promised any more; silent clocks stay silent.
        return sla_clock.stop(clock, replace(change.why, name=NO_TARGET), is_met=False) if clock.promise else clock
    if clock.promise is None:
        # A new configuration promises nothing for what was waiting before.
        return clock if change.is_policy else sla_clock.retarget(clock, promise, change.why)
    return clock if promise.is_same(clock.promise) else sla_clock.retarget(clock, promise, change.why)


def _ended(metric: Metric, clock: SlaClock, change: _Change) -> SlaClock:
    """A clock whose instance has gone."""
    if not clock.is_live:
        return clock
    met_at = change.signals.get(metric.met_by)
    why = change.why if met_at is None else replace(change.why, at=met_at)
    return sla_clock.stop(clock, why, is_met=met_at is not None)


def _promise(name: SlaMetric, change: _Change) -> Promise | None:
    ticket = change.after
    if ticket.facts is None:
        return None
    return change.policies.promise(ticket.policy, name, ticket.facts.priority)
