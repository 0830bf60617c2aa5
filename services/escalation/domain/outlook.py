"""What another version of the configuration would make of a ticket's clocks, before anybody has stored it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.escalation.domain import sla_clock
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock
from services.escalation.domain.tracking import Tracked


class Effect(StrEnum):
    """What would happen to a clock. Several may."""

    BREACHES = "breaches"
    WARNS = "warns"
    UNWARNS = "unwarns"
    STARTS = "starts"
    RESTARTS = "restarts"
    CANCELS = "cancels"
    EARLIER = "earlier"
    LATER = "later"
    TERMS = "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A clock that would change: as it stands now, and as it would.

    before: none where it would only begin; effects: `terms` where nothing changes but what it says
    """

    measure: Measure
    before: SlaClock | None
    after: SlaClock
    effects: frozenset[Effect]


def outlooks(records: Mapping[Measure, ClockRecord], tracked: Tracked, now: datetime) -> Iterator[Outlook]:
    """Of a ticket's newest clocks those that would change.

    records: as they stand; tracked: as they would, as of `now`
    """
    for measure, clock in tracked.clocks.items():
        record = records.get(measure)
        before = record.clock if record else None
        if clock.promise is None or (before is not None and not _differs(before, clock)):
            continue
        after = sla_clock.judge(clock, now)
        effects = _effects(record, after, now)
        yield Outlook(measure=measure, before=before, after=after, effects=effects)


def _differs(before: SlaClock, after: SlaClock) -> bool:
    return before is not after and (
        before.generation != after.generation
        or before.ended_at != after.ended_at
        or before.breached_at != after.breached_at
        or before.promise != after.promise
    )


def _effects(record: ClockRecord | None, after: SlaClock, now: datetime) -> frozenset[Effect]:
    before = record.clock if record else None
    if before is None or not before.is_live:
        effects = {Effect.STARTS}
    elif not after.is_live:
        effects = {Effect.CANCELS}
    elif after.generation != before.generation:
        effects = {Effect.RESTARTS}
    else:
        effects = {_moved(before, after)}
    if after.breached_at is None:
        _add_warnings(effects, record, after, now)
    elif before is None or before.breached_at is None:
        effects.add(Effect.BREACHES)
    return frozenset(effects)


def _add_warnings(effects: set[Effect], record: ClockRecord | None, after: SlaClock, now: datetime) -> None:
    """Levels that it would pass with the change, or that it would not have passed any more."""
    if after.promise is None or not after.is_live:
        return
    is_same = record is not None and record.clock.generation == after.generation
    told = record.told.warned if record else 0
    warned = told if is_same else 0
    elapsed, target = after.elapsed_at(now)[0], after.promise.target
    passed = [level for level in after.promise.warn_at if elapsed >= target * level / 100]
    if passed and passed[-1] > warned:
        effects.add(Effect.WARNS)
    if told and told not in passed:
        effects.add(Effect.UNWARNS)


def _moved(before: SlaClock, after: SlaClock) -> Effect:
    """Where its deadline goes; of a clock that stands still, by how much is left."""
    assert before.promise is not None
    assert after.promise is not None
    if before.due_at is not None and after.due_at is not None:
        difference = (after.due_at > before.due_at) - (after.due_at < before.due_at)
    else:
        left, was_left = after.promise.target - after.elapsed, before.promise.target - before.elapsed
        difference = (left > was_left) - (left < was_left)
    return (Effect.TERMS, Effect.LATER, Effect.EARLIER)[difference]
