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
        effects = frozenset(_effects(record, after, now))
        yield Outlook(measure=measure, before=before, after=after, effects=effects)


def _differs(before: SlaClock, after: SlaClock) -> bool:
    was, would = (
        (clock.promise, clock.generation, clock.ended_at, clock.breached_at) for clock in (before, after)
    )
    return was != would


def _effects(record: ClockRecord | None, after: SlaClock, now: datetime) -> Iterator[Effect]:
    before = record.clock if record else None
    if after.breached_at is not None and (before is None or before.breached_at is None):
        yield Effect.BREACHES
    else:
        yield from _warnings(record, after, now)
    if before is None or not before.is_live:
        yield Effect.STARTS
    elif not after.is_live:
        yield Effect.CANCELS
    elif after.generation != before.generation:
        yield Effect.RESTARTS
    else:
        yield _moved(before, after)


def _warnings(record: ClockRecord | None, after: SlaClock, now: datetime) -> Iterator[Effect]:
    """Levels that it would pass with the change, or that it would not have passed any more."""
    if after.promise is None or not after.is_live or after.breached_at is not None:
        return
    is_same = record is not None and record.clock.generation == after.generation
    warned = record.told.warned if record and is_same else 0
    elapsed = after.elapsed_at(now)[0]
    passed = [level for level in after.promise.warn_at if elapsed >= after.promise.target * level / 100]
    if any(level > warned for level in passed):
        yield Effect.WARNS
    if record and record.told.warned and record.told.warned not in passed:
        yield Effect.UNWARNS


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
