"""What a preview tells is what comes of saving, although it reads no more of a clock than it needs."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.clock_record import ClockRecord, Told
from services.escalation.domain.outlook import Effect, outlooks
from services.escalation.domain.promise import Measure, OnChange
from services.escalation.domain.sla_clock import NO_TARGET, SlaClock
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.tracking import OutOfOrder, Tracked, anew, caught_up, forward
from shared.vocabulary import Agreement, SlaMetric
from tests.unit.escalation.builders import NAMESPACE, Story, a_ticket, at, history, minutes, policies
from tests.unit.escalation.domain.test_changes import moving, promising
from tests.unit.escalation.domain.test_tracking import kept

WAIT = Measure(Agreement.SLA, SlaMetric.REQUESTER_WAIT)


def brief(tracked: Tracked) -> Tracked:
    """As the preview reads it: no history, but for the last line of a clock that lost its target."""
    clocks = {
        measure: replace(clock, history=clock.history[-1:] if clock.history[-1].cause == NO_TARGET else ())
        for measure, clock in kept(tracked).clocks.items()
    }
    return Tracked(tracked.ticket, clocks)


def standing(tracked: Tracked) -> dict[Measure, tuple[object, ...]]:
    return {
        measure: (clock.promise, clock.state, clock.generation, clock.elapsed, clock.running_since, clock.due_at)
        for measure, clock in kept(tracked).clocks.items()
    }


@settings(max_examples=80, deadline=None)
@given(promising(), st.integers(2, 60))
def test_a_brief_reading_comes_over_to_a_new_version_as_the_whole_does(promised: PolicyHistory, now: int) -> None:
    """Where it cannot, it says so, and everything is folded."""
    *before, latest = promised.versions
    known = [item for item in moving().happenings if item.at < at(now) and item.at < latest.since]
    tracked = anew(a_ticket(), known, PolicyHistory(tuple(before)), until=None)
    try:
        previewed = caught_up(brief(tracked), latest.since, promised)
    except OutOfOrder:
        return
    carried = anew(a_ticket(), known, promised, until=None)
    assert standing(previewed) == standing(caught_up(carried, latest.since, promised))


def effects(story: Story, within: timedelta, *, now: float, warned: int = 0) -> frozenset[Effect]:
    """What shortening a target of 100 minutes does to the one clock."""
    first = policies({"requester_wait": minutes(100)}, warn_at=(75,))
    second = policies({"requester_wait": within}, version=2, since=at(now), warn_at=(75,))
    tracked = forward(Tracked(a_ticket()), story.happenings, history(first))
    records = {WAIT: ClockRecord(tracked.clocks[WAIT], Told(clock_id=NAMESPACE, warned=warned))}
    after = caught_up(kept(tracked), at(now), history(first, second))
    return next(iter(outlooks(records, after, at(now)))).effects


def test_a_shorter_target_warns_or_breaks_at_once() -> None:
    assert effects(Story().opened(0), minutes(60), now=50) == {Effect.WARNS, Effect.EARLIER}
    assert effects(Story().opened(0), minutes(60), now=61) == {Effect.BREACHES, Effect.EARLIER}


def test_a_warning_is_taken_back_only_where_the_level_is_not_passed_any_more() -> None:
    paused = Story().opened(0).status(80, "pending")
    assert effects(paused, minutes(95), now=90, warned=75) == {Effect.EARLIER}
    assert effects(paused, minutes(200), now=90, warned=75) == {Effect.UNWARNS, Effect.LATER}


def test_a_clock_that_was_broken_and_lost_its_target_has_nothing_to_expect() -> None:
    first = policies({"requester_wait": minutes(10)})
    gone = replace(first, version=2, since=at(30), sla=())
    back = policies({"requester_wait": minutes(10)}, version=3, since=at(50), on_change=OnChange.RESTART)
    tracked = anew(a_ticket(), Story().opened(0).happenings, history(first, gone), until=at(40))
    clock: SlaClock = brief(tracked).clocks[WAIT]
    assert caught_up(brief(tracked), at(50), history(first, gone, back)).clocks[WAIT] == clock
