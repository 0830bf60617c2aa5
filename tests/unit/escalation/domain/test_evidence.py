"""Every second of a clock can be accounted for."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.evidence import Segment, Standing, segments
from services.escalation.domain.promise import Measure, OnChange
from services.escalation.domain.sla_clock import Entry, SlaClock, Turn
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.tracking import Tracked, anew, forward
from shared.calendar import ALWAYS, Calendar, parse_hours
from shared.vocabulary import Agreement, SlaMetric
from tests.unit.escalation.builders import T0, Story, a_ticket, at, history, minutes, policies
from tests.unit.escalation.domain.test_changes import moving, promising

M = SlaMetric
SPLIT = Calendar(
    time_zone="Europe/Berlin",
    weekly={day: (parse_hours("09:00-12:00"), parse_hours("13:00-18:00")) for day in range(5)},
)


def shown(clock: SlaClock, now: datetime, policies: PolicyHistory) -> list[Segment]:
    def calendar_of(entry: Entry) -> Calendar:
        return policies.version(entry.policy_version).calendars[entry.calendar] if entry.calendar else ALWAYS

    return list(segments(clock, now, calendar_of))


def wait(story: Story, now: float, policy: PolicyHistory) -> list[Segment]:
    """The segments of the one clock of `requester_wait`."""
    tracked = forward(Tracked(a_ticket()), story.happenings, policy, until=at(now))
    return shown(tracked.clocks[Measure(Agreement.SLA, M.REQUESTER_WAIT)], at(now), policy)


def test_each_stretch_names_the_events_at_its_ends() -> None:
    policy = history(policies({"requester_wait": minutes(60)}))
    story = Story().opened(0).status(10, "pending").status(40, "open").status(130, "solved").status(200, "open")
    told = [
        (part.standing, part.began.turn, part.ended and part.ended.turn, part.elapsed / minutes(1))
        for part in wait(story, 210, policy)
    ]
    assert told == [
        (Standing.RUNNING, Turn.STARTED, Turn.PAUSED, 10),
        (Standing.PAUSED, Turn.PAUSED, Turn.RESUMED, 0),
        (Standing.RUNNING, Turn.RESUMED, Turn.BREACHED, 50),
        (Standing.OVERDUE, Turn.BREACHED, Turn.LATE, 40),
        (Standing.ENDED, Turn.LATE, Turn.RESUMED, 0),
        # Reopened with more than its target: broken at once, in its next generation.
        (Standing.RUNNING, Turn.RESUMED, Turn.BREACHED, 0),
        (Standing.OVERDUE, Turn.BREACHED, None, 10),
    ]


def test_the_hours_that_counted_are_named() -> None:
    policy = history(policies({"requester_wait": minutes(600)}, calendar=SPLIT))
    # Monday, 10:00 in Berlin.
    (part,) = wait(Story().opened(0), 5 * 60, policy)
    assert part.hours == [(T0, at(120)), (at(180), at(300))]
    assert part.elapsed == minutes(240)
    assert part.elapsed_wall == minutes(300)


def test_what_a_changed_promise_did_to_the_time_is_told_apart_from_what_was_counted() -> None:
    first = policies({"requester_wait": minutes(600)}, calendar=SPLIT)
    second = policies({"requester_wait": minutes(600)}, version=2, since=at(180), on_change=OnChange.RECOMPUTE)
    before, after = wait(Story().opened(0), 240, history(first, second))
    assert (before.elapsed, before.adjusted) == (minutes(120), timedelta())
    assert (after.elapsed, after.adjusted, after.total) == (minutes(60), minutes(60), minutes(240))


@settings(max_examples=60, deadline=None)
@given(promising(), st.integers(0, 60).map(at))
def test_the_pieces_follow_each_other_and_add_up_to_the_elapsed_time(
    promised: PolicyHistory, until: datetime
) -> None:
    known = [item for item in moving().happenings if item.at <= until]
    tracked = anew(a_ticket(), known, promised, until=until)
    for clock in tracked.promised():
        parts = shown(clock, until, promised)
        assert [part.ends_at for part in parts[:-1]] == [part.starts_at for part in parts[1:]]
        total = sum((part.adjusted + part.elapsed for part in parts), timedelta())
        assert total == clock.elapsed_at(max(until, clock.history[-1].at))[0]
        for part in parts:
            assert sum((closes - opens for opens, closes in part.hours), timedelta()) == part.elapsed
            if part.began.turn not in (Turn.STARTED, Turn.RETARGETED, Turn.RESTARTED, Turn.RESUMED):
                assert part.adjusted == timedelta()
