"""The fold: the golden timeline, every order of arrival, and changes of what is promised."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.happening import Happening
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock, Turn
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.tracking import OutOfOrder, Tracked, anew, caught_up, forward
from shared.calendar import Calendar, parse_hours
from shared.vocabulary import Agreement, ClockState, SlaMetric
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies

M = SlaMetric
LONG = history(policies(timedelta(days=300)))


def told(tracked: Tracked) -> list[SlaClock]:
    """Every clock with a promise, in a settled order."""
    return sorted(tracked.promised(), key=lambda clock: (*clock.measure, clock.generation, clock.origin))


def ends(tracked: Tracked, metric: SlaMetric) -> list[tuple[str, float]]:
    """How every instance and generation of a metric ended, and its elapsed minutes then."""
    return [
        (entry.turn.value, entry.elapsed / minutes(1))
        for clock in sorted(tracked.promised(), key=lambda clock: (clock.started_at, clock.generation))
        if clock.metric is metric
        for entry in clock.history
        if entry.turn in (Turn.MET, Turn.LATE, Turn.CANCELLED)
    ]


def golden() -> Story:
    story = Story().opened(0).customer(0).queued(0).assigned(10).status(10, "open")
    story.reply(30).status(30, "pending").customer(90).status(90, "open").customer(100)
    story.reply(130).status(130, "on_hold").status(250, "open").reply(260).status(300, "solved")
    return story.customer(1740).status(1740, "open").reply(1770).status(1770, "solved")


GOLDEN: dict[SlaMetric, list[tuple[str, float]]] = {
    M.TIME_TO_ASSIGN: [("met", 10)],
    M.TIME_IN_QUEUE: [("met", 10)],
    M.FIRST_REPLY: [("met", 30)],
    M.NEXT_REPLY: [("met", 40), ("met", 30)],
    M.PERIODIC_UPDATE: [("met", 100), ("met", 130), ("cancelled", 40), ("cancelled", 0)],
    M.PAUSABLE_UPDATE: [("met", 40), ("met", 130), ("cancelled", 40), ("cancelled", 0)],
    M.REQUESTER_WAIT: [("met", 240), ("met", 270)],
    M.AGENT_WORK: [("met", 120), ("met", 150)],
    M.TOTAL_RESOLUTION: [("met", 300), ("met", 330)],
}


@pytest.mark.parametrize("metric", SlaMetric)
def test_the_golden_timeline(metric: SlaMetric) -> None:
    assert ends(forward(Tracked(a_ticket()), golden().happenings, LONG), metric) == GOLDEN[metric]


def test_generations_count_instances_and_resumptions() -> None:
    clocks = told(forward(Tracked(a_ticket()), golden().happenings, LONG))
    assert [clock.generation for clock in clocks if clock.metric is M.PERIODIC_UPDATE] == [1, 2, 3, 4]
    (resolution,) = [clock for clock in clocks if clock.metric is M.TOTAL_RESOLUTION]
    assert [(entry.turn, entry.generation) for entry in resolution.history] == [
        (Turn.STARTED, 1),
        (Turn.MET, 1),
        (Turn.RESUMED, 2),
        (Turn.MET, 2),
    ]


def arrive(
    batches: list[list[Happening]],
    policies: PolicyHistory,
    ticks: dict[int, datetime] | None = None,
    carries: dict[int, datetime] | None = None,
) -> Tracked:
    """What the consumer does: on top where that goes, anew from everything where it does not.

    ticks: up to when timers fire after a batch; carries: the versions until then hold for what comes later
    """
    tracked, seen, until, holding = Tracked(a_ticket()), [], None, None
    for number, batch in enumerate(batches):
        seen.extend(batch)
        holding = (carries or {}).get(number, holding)
        tracked = _on_top(tracked, batch, seen, policies, None, until, holding)
        if tick := (ticks or {}).get(number):
            tracked = _on_top(tracked, [], seen, policies, tick, tick, holding)
            until = tick
    return tracked


def _on_top(
    tracked: Tracked,
    batch: list[Happening],
    seen: list[Happening],
    policies: PolicyHistory,
    tick: datetime | None,
    until: datetime | None,
    holding: datetime | None,
) -> Tracked:
    try:
        tracked = forward(kept(tracked), batch, policies, until=tick)
        return tracked if holding is None else caught_up(tracked, holding, policies)
    except OutOfOrder:
        tracked = anew(tracked.ticket, seen, policies, until=until)
        return tracked if holding is None else caught_up(tracked, holding, policies)


def kept(tracked: Tracked) -> Tracked:
    """What the rows give back: silent clocks are not among them."""
    newest: dict[Measure, SlaClock] = {}
    for clock in tracked.promised():
        newest[clock.measure] = replace(clock, spans=None)
    rest = tuple(clock for clock in tracked.promised() if newest[clock.measure] != clock)
    return Tracked(tracked.ticket, newest, rest)


def interleavings(story: Story) -> st.SearchStrategy[list[list[Happening]]]:
    """Both topics in their own order, mixed and cut into batches at will."""

    @st.composite
    def mix(draw: st.DrawFn) -> list[list[Happening]]:
        lanes = [
            [item for item in story.happenings if item.key.subject == subject] for subject in ("ticket", "work")
        ]
        batches: list[list[Happening]] = [[]]
        while any(lanes):
            lane = draw(st.sampled_from([lane for lane in lanes if lane]))
            batches[-1].append(lane.pop(0))
            if draw(st.booleans()):
                batches.append([])
        return batches

    return mix()


def busy() -> Story:
    """A story in which both topics change the same clocks, and a target changes on the way."""
    story = Story().opened(0).queued(1).requeued(2, "offered").assigned(4).requeued(9, "assigned", "second", 2)
    story.updated(12, priority="high").assigned(20, "second", 2).reply(21).status(21, "pending")
    story.requeued(25, "assigned", "default").customer(30).status(30, "open").updated(31, priority="normal")
    story.assigned(40).status(50, "solved").status(60, "open").reply(70).status(75, "on_hold")
    return story.requeued(80, "wrapping").status(90, "solved").status(99, "closed")


TARGETS = policies(
    {"total_resolution": minutes(55), "time_in_queue": minutes(10), "time_to_assign": minutes(3)},
    by_priority={"high": {"time_in_queue": minutes(5), "first_reply": minutes(8), "requester_wait": minutes(30)}},
)
SHORTER = policies({"total_resolution": minutes(52), "time_in_queue": minutes(12)}, version=2, since=at(33))


@settings(max_examples=50)
@given(interleavings(golden()))
def test_every_interleaving_of_the_golden_timeline_gives_the_same_clocks(batches: list[list[Happening]]) -> None:
    assert told(arrive(batches, LONG)) == told(forward(Tracked(a_ticket()), golden().happenings, LONG))


@settings(max_examples=100)
@given(interleavings(busy()), st.dictionaries(st.integers(0, 10), st.integers(5, 100).map(at), max_size=4))
def test_every_interleaving_with_targets_and_timers_gives_the_same_clocks(
    batches: list[list[Happening]], ticks: dict[int, datetime]
) -> None:
    for policy in (history(TARGETS), history(TARGETS, SHORTER)):
        rising = {number: max(t for n, t in ticks.items() if n <= number) for number in ticks}
        last = max((rising[number] for number in rising if number < len(batches)), default=None)
        expected = anew(a_ticket(), busy().happenings, policy, until=last)
        assert told(arrive(batches, policy, rising)) == told(expected)


def clock(tracked: Tracked, metric: SlaMetric) -> SlaClock:
    return tracked.clocks[Measure(Agreement.SLA, metric)]


def test_a_reply_exactly_at_the_due_time_meets() -> None:
    policy = history(policies({"first_reply": minutes(10)}))
    met = forward(Tracked(a_ticket()), Story().opened(0).reply(10).happenings, policy)
    assert clock(met, M.FIRST_REPLY).state is ClockState.MET
    late = forward(Tracked(a_ticket()), Story().opened(0).reply(10.0001).happenings, policy)
    assert clock(late, M.FIRST_REPLY).state is ClockState.BREACHED
    assert [entry.turn for entry in clock(late, M.FIRST_REPLY).history] == [Turn.STARTED, Turn.BREACHED, Turn.LATE]
    assert clock(late, M.FIRST_REPLY).breached_at == at(10)


def test_a_reply_in_time_that_is_read_after_the_breach_meets() -> None:
    policy = history(policies({"first_reply": minutes(10)}))
    story = Story().opened(0).reply(9)
    fired = forward(Tracked(a_ticket()), story.happenings[:1], policy, until=at(11))
    assert clock(fired, M.FIRST_REPLY).state is ClockState.BREACHED
    with pytest.raises(OutOfOrder):
        forward(fired, story.happenings[1:], policy)
    assert clock(anew(fired.ticket, story.happenings, policy, until=at(11)), M.FIRST_REPLY).state is ClockState.MET


def test_an_assignment_that_comes_before_its_ticket_is_kept_and_applied() -> None:
    story = Story().opened(0).queued(0).assigned(5)
    opened, *work = story.happenings
    early = arrive([work, [opened]], LONG)
    assert clock(early, M.TIME_TO_ASSIGN).elapsed == minutes(5)
    assert clock(early, M.TIME_IN_QUEUE).state is ClockState.MET
    assert (early.ticket.agent_id, early.ticket.queue) == ("ada", "default")


def test_work_whose_clock_runs_ahead_of_its_ticket_s_is_applied() -> None:
    story = Story().opened(1).queued(0.5).assigned(0.9)
    tracked = forward(Tracked(a_ticket()), story.happenings, LONG)
    assert clock(tracked, M.TIME_TO_ASSIGN).state is ClockState.MET
    assert clock(tracked, M.TIME_TO_ASSIGN).elapsed == minutes(0)
    assert clock(tracked, M.TIME_IN_QUEUE).state is ClockState.MET


@pytest.mark.parametrize(
    ("target", "due"), [(4 * 60, "2026-03-30T10:00"), (60, "2026-03-30T08:00")], ids=["shorter", "passed"]
)
def test_a_raised_priority_carries_what_has_elapsed(target: int, due: str) -> None:
    berlin = Calendar(time_zone="Europe/Berlin", weekly={day: (parse_hours("09:00-17:00"),) for day in range(5)})
    policy = history(
        policies(
            {"total_resolution": minutes(480)},
            calendar=berlin,
            since=datetime.fromisoformat("2026-01-01T00:00Z"),
            by_priority={"high": {"total_resolution": minutes(target)}},
        )
    )
    opened = (datetime.fromisoformat("2026-03-27T16:00+01:00") - at(0)) / minutes(1)
    raised = (datetime.fromisoformat("2026-03-30T10:00+02:00") - at(0)) / minutes(1)
    story = Story().opened(opened).updated(raised, priority="high")
    tracked = forward(Tracked(a_ticket()), story.happenings, policy, until=at(raised))
    resolution = clock(tracked, M.TOTAL_RESOLUTION)
    assert resolution.due_at == datetime.fromisoformat(due + "Z")
    assert resolution.history[1].elapsed == minutes(120)
    if target == 60:
        assert resolution.breached_at == at(raised)
        assert resolution.history[-1].cause == "target_changed"


def test_a_promise_made_by_a_raised_priority_counts_from_the_beginning() -> None:
    policy = history(policies({}, by_priority={"high": {"requester_wait": minutes(60)}}))
    story = Story().opened(0).status(10, "pending").status(30, "open").updated(40, priority="high")
    with pytest.raises(OutOfOrder):
        forward(kept(forward(Tracked(a_ticket()), story.happenings[:3], policy)), story.happenings[3:], policy)
    wait = clock(anew(a_ticket(), story.happenings, policy, until=None), M.REQUESTER_WAIT)
    assert (wait.elapsed, wait.due_at, wait.generation) == (minutes(20), at(80), 1)


def test_a_target_that_is_taken_back_cancels_and_one_that_returns_goes_on() -> None:
    policy = history(policies({"total_resolution": minutes(60)}, by_priority={}))
    gone = policies({}, version=2, since=at(10))
    back = policies({"total_resolution": minutes(60)}, version=3, since=at(30))
    story = Story().opened(0).updated(40, language="de")
    tracked = forward(Tracked(a_ticket()), story.happenings, history(policy.latest, gone, back))
    turns = [(entry.turn, entry.at) for entry in clock(tracked, M.TOTAL_RESOLUTION).history]
    assert turns == [(Turn.STARTED, at(0)), (Turn.CANCELLED, at(10)), (Turn.RESUMED, at(30))]
    assert clock(tracked, M.TOTAL_RESOLUTION).due_at == at(80)


def test_a_new_configuration_carries_running_clocks_and_leaves_finished_ones() -> None:
    first, second = policies(minutes(100)), policies(minutes(50), version=2, since=at(40))
    story = Story().opened(0).reply(10)
    before = forward(Tracked(a_ticket()), story.happenings, history(first))
    after = caught_up(before, at(45), history(first, second))
    assert clock(after, M.TOTAL_RESOLUTION).due_at == at(50)
    assert clock(after, M.FIRST_REPLY) == clock(before, M.FIRST_REPLY)
    assert clock(after, M.TOTAL_RESOLUTION).history[-1].cause == "policy_changed"
    assert after.ticket.policy_version == 2


def test_a_new_configuration_promises_nothing_for_what_was_waiting_before() -> None:
    second = policies(minutes(50), version=1, since=at(40))
    story = Story().opened(0).reply(60)
    tracked = anew(a_ticket(), story.happenings, history(second), until=None)
    assert {clock.metric for clock in tracked.promised()} == {M.PERIODIC_UPDATE, M.PAUSABLE_UPDATE}


def test_a_closed_ticket_has_no_running_clock() -> None:
    for ending in (golden().status(2000, "closed"), Story().opened(0).queued(0).reply(5).status(9, "closed")):
        tracked = forward(Tracked(a_ticket()), ending.happenings, LONG)
        assert not [clock for clock in tracked.promised() if clock.is_live]


def test_a_reopened_ticket_that_was_late_is_late_again_in_its_next_generation() -> None:
    policy = history(policies({"total_resolution": minutes(60)}))
    story = Story().opened(0).status(70, "solved").status(100, "open").status(130, "solved")
    resolution = clock(forward(Tracked(a_ticket()), story.happenings, policy), M.TOTAL_RESOLUTION)
    assert [(entry.turn, entry.generation, entry.elapsed) for entry in resolution.history] == [
        (Turn.STARTED, 1, minutes(0)),
        (Turn.BREACHED, 1, minutes(60)),
        (Turn.LATE, 1, minutes(70)),
        (Turn.RESUMED, 2, minutes(70)),
        (Turn.BREACHED, 2, minutes(70)),
        (Turn.LATE, 2, minutes(100)),
    ]


def test_pausing_and_resuming_at_one_instant_changes_nothing_that_counts() -> None:
    policy = history(policies({"requester_wait": minutes(60)}))
    plain = forward(Tracked(a_ticket()), Story().opened(0).happenings, policy)
    story = Story().opened(0).status(20, "pending").status(20, "open")
    paused = forward(Tracked(a_ticket()), story.happenings, policy)
    assert clock(paused, M.REQUESTER_WAIT).due_at == clock(plain, M.REQUESTER_WAIT).due_at
