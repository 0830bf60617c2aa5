"""What becomes of clocks when something else is promised: keep, carry, restart, recompute."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.happening import Happening, TicketSeen
from services.escalation.domain.promise import Measure, OnChange
from services.escalation.domain.sla_clock import SlaClock, Turn
from services.escalation.domain.sla_policy import Policies, PolicyHistory
from services.escalation.domain.tracking import OutOfOrder, Tracked, anew, caught_up, forward
from shared.calendar import ALWAYS, Calendar, parse_hours
from shared.vocabulary import Agreement, ClockState, SlaMetric, TicketStatus
from tests.unit.escalation.builders import T0, Story, a_ticket, at, facts, history, minutes, policies
from tests.unit.escalation.domain.test_tracking import arrive, interleavings, kept, told

M = SlaMetric
BERLIN = Calendar(time_zone="Europe/Berlin", weekly={day: (parse_hours("09:00-17:00"),) for day in range(5)})
MORNINGS = Calendar(time_zone="Europe/Berlin", weekly={day: (parse_hours("09:00-12:00"),) for day in range(5)})
LONG_AGO = datetime.fromisoformat("2026-01-01T00:00Z")


def clock(tracked: Tracked, metric: SlaMetric, agreement: Agreement = Agreement.SLA) -> SlaClock:
    return tracked.clocks[Measure(agreement, metric)]


def minute(instant: str) -> float:
    return (datetime.fromisoformat(instant) - T0) / minutes(1)


OPENED, RAISED = minute("2026-03-27T16:00+01:00"), minute("2026-03-30T10:00+02:00")


def raised(on_change: OnChange, target: int) -> Tracked:
    """A target of 8 hours and another one once its priority is raised, of which 2 are used by then."""
    policy = policies(
        {"total_resolution": minutes(480)},
        calendar=BERLIN,
        since=LONG_AGO,
        by_priority={"high": {"total_resolution": minutes(target)}},
        on_change=on_change,
    )
    story = Story().opened(OPENED).updated(RAISED, priority="high")
    return forward(Tracked(a_ticket()), story.happenings, history(policy), until=at(RAISED))


@pytest.mark.parametrize(
    ("on_change", "due"),
    [("keep", "2026-03-30T14:00Z"), ("carry", "2026-03-30T10:00Z"), ("restart", "2026-03-30T12:00Z")],
)
def test_a_priority_is_raised(on_change: str, due: str) -> None:
    resolution = clock(raised(OnChange(on_change), 240), M.TOTAL_RESOLUTION)
    assert resolution.due_at == datetime.fromisoformat(due)
    assert resolution.generation == (2 if on_change == "restart" else 1)


@pytest.mark.parametrize("on_change", OnChange)
def test_a_target_that_has_passed_breaches_now_unless_it_is_kept_or_begins_anew(on_change: OnChange) -> None:
    resolution = clock(raised(on_change, 60), M.TOTAL_RESOLUTION)
    if on_change in (OnChange.KEEP, OnChange.RESTART):
        assert resolution.breached_at is None
    else:
        assert resolution.breached_at == at(RAISED), "never backdated"
        assert resolution.history[-1].cause == "target_changed"


def edited(on_change: OnChange) -> SlaClock:
    """8 hours of whole days; from Monday noon only mornings count. Opened on Friday at 16:00."""
    before = policies({"total_resolution": minutes(480)}, calendar=BERLIN, since=LONG_AGO)
    after = policies(
        {"total_resolution": minutes(480)},
        calendar=MORNINGS,
        version=2,
        since=datetime.fromisoformat("2026-03-30T14:00+02:00"),
        on_change=on_change,
    )
    tracked = forward(Tracked(a_ticket()), Story().opened(OPENED).happenings, history(before))
    return clock(caught_up(kept(tracked), after.since, history(before, after)), M.TOTAL_RESOLUTION)


@pytest.mark.parametrize(
    ("on_change", "elapsed", "due"),
    [
        # One hour on Friday, five on Monday: two are left.
        ("keep", 0, "2026-03-30T14:00Z"),
        ("carry", 360, "2026-03-31T09:00Z"),
        # Of that only three hours on Monday morning count.
        ("recompute", 180, "2026-04-01T09:00Z"),
        ("restart", 0, "2026-04-02T09:00Z"),
    ],
)
def test_a_calendar_is_edited(on_change: str, elapsed: int, due: str) -> None:
    resolution = edited(OnChange(on_change))
    assert resolution.due_at == datetime.fromisoformat(due)
    assert resolution.elapsed == minutes(elapsed)


def test_a_kept_promise_holds_to_the_end_whatever_else_is_edited() -> None:
    first = policies(minutes(100), on_change=OnChange.KEEP)
    second = policies(minutes(50), version=2, since=at(10), on_change=OnChange.KEEP)
    third = policies(minutes(50), version=3, since=at(20), on_change=OnChange.CARRY)
    tracked = forward(Tracked(a_ticket()), Story().opened(0).happenings, history(first))
    for until in (10, 20):
        tracked = caught_up(kept(tracked), at(until), history(first, second, third))
        assert clock(tracked, M.TOTAL_RESOLUTION).due_at == at(100)


def without_promises(before: Policies, minute: float) -> Policies:
    return replace(before, version=before.version + 1, since=at(minute), sla=())


def test_promises_that_are_to_be_kept_outlive_their_policy() -> None:
    first = policies(minutes(100))
    # Nothing but the way of coming over is edited.
    keeping = policies(minutes(100), version=2, since=at(10), on_change=OnChange.KEEP)
    gone = without_promises(keeping, 20)
    story = Story().opened(0).happenings
    tracked = anew(a_ticket(), story, history(first, keeping, gone), until=at(110))
    assert clock(tracked, M.TOTAL_RESOLUTION).breached_at == at(100)
    dropped = anew(a_ticket(), story, history(first, without_promises(first, 20)), until=at(110))
    assert clock(dropped, M.TOTAL_RESOLUTION).history[-1].cause == "no_target"


@pytest.mark.parametrize("solved", [10, 30])
def test_a_promise_that_was_taken_back_does_not_return_with_the_ticket(solved: float) -> None:
    first = policies(minutes(100))
    told = history(first, without_promises(first, 20))
    story = Story().opened(0).status(solved, "solved").status(40, "open")
    tracked = anew(a_ticket(), story.happenings, told, until=at(500))
    resolution = clock(tracked, M.TOTAL_RESOLUTION)
    assert (resolution.is_live, resolution.breached_at) == (False, None)
    assert resolution.history[-1].cause == "no_target"
    stored = arrive([[item] for item in story.happenings], told, {2: at(500)})
    assert clock(stored, M.TOTAL_RESOLUTION) == resolution


def test_what_was_broken_in_a_queue_is_not_broken_again_on_every_return() -> None:
    policy = history(by_queue({"first": minutes(30)}))
    story = Story().opened(0).queued(0, "first")
    for turn in range(3):
        story.requeued(40 + 20 * turn, "queued", "second").requeued(50 + 20 * turn, "queued", "first")
    tracked = anew(a_ticket(), story.happenings, policy, until=at(300))
    resolution = clock(tracked, M.TOTAL_RESOLUTION, Agreement.OLA)
    assert [entry.at for entry in resolution.history if entry.turn is Turn.BREACHED] == [at(30)]


def test_a_ticket_that_is_first_seen_solved_is_measured_from_its_return() -> None:
    seen = TicketSeen(
        number=1,
        facts=facts(),
        by_customer=True,
        status=TicketStatus.SOLVED,
        opened_at=at(0),
        first_replied_at=at(5),
        solved_at=at(9),
    )
    story = Story().tell(20, seen).customer(30).status(30, "open").status(40, "pending").status(60, "open")
    tracked = arrive([[item] for item in story.happenings], history(policies(minutes(100))))
    assert clock(tracked, M.REQUESTER_WAIT).due_at == at(150)
    assert clock(tracked, M.TOTAL_RESOLUTION).due_at == at(130)


@pytest.mark.parametrize("returns", ["by edit", "by priority"])
def test_a_breach_that_a_change_leaves_no_time_before_says_so(returns: str) -> None:
    """A paused clock whose target gets shorter breaks when it runs again."""
    long, short = minutes(300), minutes(30)
    by_priority = {"high": {"requester_wait": short}} if returns == "by priority" else {}
    first = policies({"requester_wait": long}, by_priority=by_priority)
    versions = [first]
    story = Story().opened(0).status(60, "pending")
    if returns == "by edit":
        versions.append(policies({"requester_wait": short}, version=2, since=at(70)))
    else:
        story.updated(70, priority="high")
    story.status(90, "open")
    tracked = anew(a_ticket(), story.happenings, history(*versions), until=at(100))
    breach = clock(tracked, M.REQUESTER_WAIT).history[-1]
    cause = "policy_changed" if returns == "by edit" else "target_changed"
    assert (breach.turn, breach.at, breach.cause) == (Turn.BREACHED, at(90), cause)


def test_a_restart_warns_and_breaches_again() -> None:
    policy = policies(
        {"total_resolution": minutes(60)},
        by_priority={"high": {"total_resolution": minutes(20)}},
        on_change=OnChange.RESTART,
    )
    story = Story().opened(0).updated(50, priority="high")
    resolution = clock(
        forward(Tracked(a_ticket()), story.happenings, history(policy), until=at(90)), M.TOTAL_RESOLUTION
    )
    assert [(entry.turn, entry.generation, entry.at) for entry in resolution.history] == [
        (Turn.STARTED, 1, at(0)),
        (Turn.RESTARTED, 2, at(50)),
        (Turn.BREACHED, 2, at(70)),
    ]


def test_a_paused_clock_that_restarts_stands_still_at_nothing() -> None:
    policy = policies(
        {"requester_wait": minutes(60)},
        by_priority={"high": {"requester_wait": minutes(20)}},
        on_change=OnChange.RESTART,
    )
    story = Story().opened(0).status(30, "pending").updated(50, priority="high").status(80, "open")
    wait = clock(forward(Tracked(a_ticket()), story.happenings, history(policy)), M.REQUESTER_WAIT)
    assert [(entry.turn, entry.elapsed, entry.due_at) for entry in wait.history][2:] == [
        (Turn.RESTARTED, minutes(0), None),
        (Turn.RESUMED, minutes(0), at(100)),
    ]


@pytest.mark.parametrize("on_change", OnChange)
def test_a_finished_clock_never_changes(on_change: OnChange) -> None:
    first, second = policies(minutes(100)), policies(minutes(5), version=2, since=at(40), on_change=on_change)
    story = Story().opened(0).reply(10).status(20, "solved")
    before = forward(Tracked(a_ticket()), story.happenings, history(first))
    after = caught_up(kept(before), at(45), history(first, second))
    assert told(after) == told(before)


@pytest.mark.parametrize("on_change", OnChange)
def test_a_broken_promise_stays_broken(on_change: OnChange) -> None:
    first, second = policies(minutes(10)), policies(minutes(500), version=2, since=at(40), on_change=on_change)
    tracked = forward(Tracked(a_ticket()), Story().opened(0).happenings, history(first), until=at(30))
    after = caught_up(kept(tracked), at(45), history(first, second))
    resolution = clock(after, M.TOTAL_RESOLUTION)
    assert resolution.breached_at == at(10)
    assert resolution.promise is not None
    assert resolution.promise.version == 1


@pytest.mark.parametrize(
    ("on_change", "elapsed"), [("keep", None), ("carry", None), ("restart", 0), ("recompute", 30)]
)
def test_what_was_waiting_before_a_promise_was_configured(on_change: str, elapsed: int | None) -> None:
    """Opened at 0, paused from 10 to 20, configured at 40."""
    first = policies({"requester_wait": minutes(60)}, since=at(40), on_change=OnChange(on_change))
    story = Story().opened(0).status(10, "pending").status(20, "open")
    opened = forward(Tracked(a_ticket()), story.happenings, history())
    if elapsed is None:
        assert list(caught_up(kept(opened), at(50), history(first)).promised()) == []
        return
    with pytest.raises(OutOfOrder):
        caught_up(kept(opened), at(50), history(first))
    whole = anew(a_ticket(), story.happenings, history(first), until=at(50))
    wait = clock(whole, M.REQUESTER_WAIT)
    assert (wait.elapsed, wait.due_at) == (minutes(elapsed), at(100 - elapsed))


def test_teams_and_customers_are_promised_things_of_their_own() -> None:
    to_customers = policies({"first_reply": minutes(60)})
    among_teams = policies({"first_reply": minutes(30)}, agreement=Agreement.OLA)
    both = replace(to_customers, sla=[*to_customers.sla, *among_teams.sla])
    story = Story().opened(0).reply(40)
    tracked = forward(Tracked(a_ticket()), story.happenings, history(both), until=at(50))
    assert clock(tracked, M.FIRST_REPLY).state is ClockState.MET
    assert clock(tracked, M.FIRST_REPLY, Agreement.OLA).breached_at == at(30)


class InQueue:
    """A condition on the queue."""

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def holds(self, variables: object) -> bool:
        assert isinstance(variables, dict)
        return bool(variables["ticket"]["queue"] == self._queue)


def by_queue(within: dict[str, timedelta], on_change: OnChange = OnChange.CARRY) -> Policies:
    """One internal policy a queue."""
    made = [
        replace(
            policies({"time_in_queue": target, "total_resolution": target}, on_change=on_change).sla[0],
            policy_id=queue,
            agreement=Agreement.OLA,
            condition=InQueue(queue),
        )
        for queue, target in within.items()
    ]
    return Policies(version=1, since=T0 - timedelta(days=400), sla=made, calendars={"hours": ALWAYS})


def test_a_move_ends_the_old_queues_agreement_and_starts_the_new_ones() -> None:
    policy = history(by_queue({"first": minutes(10), "second": minutes(20)}))
    story = Story().opened(0).queued(0, "first").requeued(4, "queued", "second").assigned(9, "second")
    tracked = anew(a_ticket(), story.happenings, policy, until=None)
    stints = [item for item in tracked.promised() if item.metric is M.TIME_IN_QUEUE]
    assert [(item.promise and item.promise.policy, item.state, item.elapsed) for item in stints] == [
        ("first", ClockState.CANCELLED, minutes(4)),
        ("second", ClockState.MET, minutes(5)),
    ]
    # What both promise of the ticket goes on.
    (resolution,) = [item for item in tracked.promised() if item.metric is M.TOTAL_RESOLUTION]
    assert (resolution.promise and resolution.promise.policy, resolution.due_at) == ("second", at(20))


def test_a_queue_without_an_agreement_takes_it_back() -> None:
    policy = history(by_queue({"first": minutes(10)}))
    story = Story().opened(0).queued(0, "first").requeued(4, "queued", "second")
    tracked = anew(a_ticket(), story.happenings, policy, until=None)
    assert clock(tracked, M.TOTAL_RESOLUTION, Agreement.OLA).history[-1].cause == "no_target"


def moving() -> Story:
    story = Story().opened(0).queued(1, "first").requeued(3, "queued", "second").assigned(5, "second")
    story.updated(8, priority="high").status(10, "pending").customer(14).status(14, "open")
    story.requeued(16, "assigned", "third").updated(18, priority="normal").assigned(22, "third").reply(23)
    return story.requeued(26, "assigned", "first").status(30, "solved").customer(34).status(34, "open")


@st.composite
def promising(draw: st.DrawFn) -> PolicyHistory:
    """Up to three versions, each with targets to customers and in queues, and a way of coming over to them."""
    versions = []
    for number in range(draw(st.integers(1, 3))):
        mode = draw(st.sampled_from(OnChange))
        target = st.integers(3, 60).map(minutes)
        calendar = draw(st.sampled_from([ALWAYS, BERLIN, MORNINGS]))
        to_customers = policies(
            draw(st.dictionaries(st.sampled_from([metric.value for metric in M]), target, max_size=5)),
            by_priority={"high": draw(st.dictionaries(st.sampled_from(["requester_wait"]), target))},
            calendar=calendar,
            on_change=mode,
        )
        in_queues = by_queue(
            draw(st.dictionaries(st.sampled_from(["first", "second"]), target)), draw(st.sampled_from(OnChange))
        )
        since = T0 - timedelta(days=9) if number == 0 else at(draw(st.integers(number * 12, number * 12 + 11)))
        versions.append(
            replace(to_customers, version=number + 1, since=since, sla=[*to_customers.sla, *in_queues.sla])
        )
    return history(*versions)


@settings(max_examples=150, deadline=None)
@given(
    interleavings(moving()),
    st.dictionaries(st.integers(0, 10), st.integers(5, 50).map(at), max_size=4),
    promising(),
)
def test_every_interleaving_gives_the_same_clocks_whatever_is_promised(
    batches: list[list[Happening]], ticks: dict[int, datetime], promised: PolicyHistory
) -> None:
    rising = {number: max(t for n, t in ticks.items() if n <= number) for number in ticks}
    last = max((rising[number] for number in rising if number < len(batches)), default=None)
    expected = anew(a_ticket(), moving().happenings, promised, until=last)
    assert told(arrive(batches, promised, rising)) == told(expected)


def _moments() -> st.SearchStrategy[dict[int, datetime]]:
    """Rising, after some batches."""
    return st.lists(st.integers(5, 50), max_size=4).flatmap(
        lambda minutes: st.lists(
            st.integers(0, 10), min_size=len(minutes), max_size=len(minutes), unique=True
        ).map(lambda numbers: dict(zip(sorted(numbers), map(at, sorted(minutes)), strict=True)))
    )


@settings(max_examples=300, deadline=None)
@given(interleavings(moving()), _moments(), _moments(), promising(), st.integers(1, 12))
def test_whenever_a_ticket_comes_over_to_new_versions_its_clocks_are_the_same(
    batches: list[list[Happening]],
    ticks: dict[int, datetime],
    carries: dict[int, datetime],
    promised: PolicyHistory,
    read: int,
) -> None:
    """Versions are stored while events are still on their way: what is read late happened before they held."""
    batches = batches[:read]
    fired = max((moment for number, moment in ticks.items() if number < len(batches)), default=None)
    holding = max((moment for number, moment in carries.items() if number < len(batches)), default=T0)
    seen = [happening for batch in batches for happening in batch]
    expected = caught_up(anew(a_ticket(), seen, promised, until=fired), holding, promised)
    assert told(arrive(batches, promised, ticks, carries)) == told(expected)


def test_what_happened_before_the_version_it_was_carried_to_is_measured_by_the_version_before() -> None:
    policy = history(
        policies({"requester_wait": minutes(120)}),
        policies({"requester_wait": minutes(180)}, version=2, since=at(60)),
    )
    story = Story().opened(0).status(10, "pending").status(70, "open")
    opened, *late = story.happenings
    carried = arrive([[opened], late], policy, carries={0: at(60)})
    waiting = clock(carried, M.REQUESTER_WAIT, Agreement.SLA)
    assert (waiting.elapsed, waiting.due_at) == (minutes(10), at(240))
