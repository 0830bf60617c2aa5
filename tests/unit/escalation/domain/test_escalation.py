"""Escalation chains: pure steps, waits, gates, repeats, acknowledgement, snoozing, resolution."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.escalation import (
    Escalation,
    acknowledge,
    advance,
    hold,
    may_step,
    release,
    resolve,
    resume,
    snooze,
)
from services.escalation.domain.escalation_policy import Gate, Notify, Often, Repeat, Step, Wait
from services.escalation.domain.recipient import Recipient, Way
from shared.calendar import ALWAYS, Calendar
from shared.errors import IllegalTransition
from shared.vocabulary import EscalationState
from tests.unit.escalation.builders import T0, at, minutes
from tests.unit.escalation.chains import (
    MOVE,
    NOBODY,
    OFFICE,
    RAISE,
    TELL,
    an_escalation,
    day,
    reach,
    seen,
    wait,
)


def run(escalation: Escalation, *moments: float) -> tuple[Escalation, list[int]]:
    """The escalation after looking at these minutes, and the steps that were taken."""
    steps: list[int] = []
    for moment in moments:
        escalation, taken = advance(escalation, at(moment), seen())
        steps.extend(item.step for item in taken)
    return escalation, steps


def test_a_minute_raises_the_priority_and_five_move_the_queue() -> None:
    escalation = an_escalation(wait(1), RAISE, wait(4), MOVE)
    escalation, taken = advance(escalation, T0, seen())
    assert (taken, escalation.next_at) == ((), at(1))
    escalation, taken = advance(escalation, at(1), seen())
    assert [(item.step, item.level, item.action) for item in taken] == [(2, 1, RAISE)]
    escalation, taken = advance(escalation, at(5), seen())
    assert [(item.step, item.level, item.action) for item in taken] == [(4, 2, MOVE)]
    assert (escalation.next_at, escalation.position, escalation.level) == (None, 4, 2)


def test_a_wait_counts_from_when_the_step_before_it_was_really_taken() -> None:
    escalation, taken = run(an_escalation(wait(1), RAISE, wait(4), MOVE), 0, 60)
    assert taken == [2]
    assert escalation.next_at == at(64)


def test_a_wait_may_pass_in_the_hours_of_a_calendar() -> None:
    friday = day("2026-06-05 14:30")
    escalation = replace(an_escalation(wait(60, OFFICE), RAISE), next_at=friday)
    escalation, _ = advance(escalation, friday, seen())
    assert escalation.next_at == day("2026-06-08 07:30")
    held = hold(escalation, day("2026-06-06 12:00"))
    assert held.wait_left == minutes(30)
    assert release(held, day("2026-06-07 12:00")).next_at == day("2026-06-08 07:30")


def test_a_calendar_that_never_opens_again_silences_nobody() -> None:
    _, taken = run(an_escalation(wait(5, Calendar(time_zone="UTC", weekly={})), RAISE), 0, 5)
    assert taken == [2]


def test_nobody_found_takes_the_next_step_at_once() -> None:
    escalation, taken = advance(an_escalation(NOBODY, wait(9), RAISE, wait(1), MOVE), T0, seen())
    assert [item.step for item in taken] == [1, 3]
    assert taken[0].recipients == (Recipient(way=Way.MAIL, name="eve", address=None),)
    assert escalation.next_at == at(1)


@pytest.mark.parametrize("told", [(TELL, NOBODY), (NOBODY, TELL), (TELL, NOBODY, NOBODY)])
def test_whoever_was_told_gets_the_wait_also_where_another_step_finds_nobody(told: tuple[Step, ...]) -> None:
    escalation, taken = advance(an_escalation(*told, wait(15), MOVE), T0, seen())
    assert [item.step for item in taken] == [*range(1, len(told) + 1)]
    assert escalation.next_at == at(15)


def test_what_was_told_before_a_wait_is_nobody_told_after_it() -> None:
    assert run(an_escalation(TELL, wait(0), NOBODY, wait(9), MOVE), 0)[1] == [1, 3, 5]


def test_everybody_is_told_once_and_those_who_cannot_be_reached_are_named() -> None:
    step = Notify(agents=("ann", "eve"), emails=("ann@example.org", "b@example.org"), webhooks=("pager", "gone"))
    assert [(found.way, found.name, found.address) for found in reach(step)] == [
        ("mail", "ann", "ann@example.org"),
        ("mail", "eve", None),
        ("mail", "b@example.org", "b@example.org"),
        ("webhook", "pager", "pager"),
        ("webhook", "gone", None),
    ]


@pytest.mark.parametrize(
    ("gate", "is_unassigned", "now", "begun", "is_taken"),
    [
        (Gate(is_unassigned=True), True, "2026-06-05 12:00", 1, True),
        (Gate(is_unassigned=True), False, "2026-06-05 12:00", 1, False),
        (Gate(within=OFFICE), True, "2026-06-05 12:00", 1, True),
        (Gate(within=OFFICE), True, "2026-06-05 15:00", 1, False),
        (Gate(within=OFFICE), True, "2026-06-06 12:00", 1, False),
        (Gate(outside=OFFICE), True, "2026-06-05 12:00", 1, False),
        (Gate(outside=OFFICE), True, "2026-06-06 12:00", 1, True),
        (Gate(more_than=Often(count=5, per=minutes(60))), True, "2026-06-05 12:00", 5, False),
        (Gate(more_than=Often(count=5, per=minutes(60))), True, "2026-06-05 12:00", 6, True),
        (Gate(within=OFFICE, is_unassigned=True), False, "2026-06-05 12:00", 1, False),
    ],
)
def test_a_step_is_taken_only_where_its_gate_holds(
    gate: Gate, is_unassigned: bool, now: str, begun: int, is_taken: bool
) -> None:
    moment = day(now)
    escalation = replace(an_escalation(replace(RAISE, only_if=gate), MOVE), next_at=moment)
    sees = seen(is_unassigned=is_unassigned, begun={minutes(60): begun})
    _, taken = advance(escalation, moment, sees)
    assert [item.step for item in taken] == ([1, 2] if is_taken else [2])
    assert [item.level for item in taken] == list(range(1, len(taken) + 1))


def test_a_chain_goes_back_so_many_times_and_then_on() -> None:
    chain = an_escalation(TELL, wait(1), Repeat(times=2), MOVE)
    escalation, taken = run(chain, 0, 1, 2, 3, 4)
    assert taken == [1, 1, 1, 4]
    assert (escalation.level, escalation.next_at, escalation.rounds) == (4, None, 0)


def test_stretches_of_a_chain_are_repeated_each_by_itself() -> None:
    chain = an_escalation(TELL, wait(1), Repeat(times=2), MOVE, wait(1), Repeat(times=1, first=3), RAISE)
    assert run(chain, *range(9))[1] == [1, 1, 1, 4, 4, 7]


def test_what_reaches_nobody_is_repeated_only_after_its_wait() -> None:
    escalation, taken = run(an_escalation(NOBODY, wait(10), Repeat(times=5)), 0)
    assert (taken, escalation.next_at) == ([1], at(10))


def test_a_repeat_may_have_a_gate_too() -> None:
    chain = an_escalation(TELL, wait(1), Repeat(times=5, only_if=Gate(is_unassigned=True)), MOVE)
    chain, _ = run(chain, 0, 1)
    _, taken = advance(chain, at(2), seen(is_unassigned=False))
    assert [item.step for item in taken] == [4]


def test_acknowledging_drops_what_is_to_come() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(1), MOVE), 0)
    taken_on = acknowledge(waiting, "ann", at(0.5))
    assert (taken_on.state, taken_on.next_at, taken_on.resumes_at) == (EscalationState.ACKNOWLEDGED, None, None)
    assert run(taken_on, 9) == (taken_on, [])
    assert acknowledge(taken_on, "bob", at(2)) == taken_on


def test_an_acknowledgement_that_leads_to_nothing_is_over_in_time() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(60), MOVE, ack_timeout=minutes(30)), 0)
    taken_on = acknowledge(waiting, "ann", at(5))
    assert (taken_on.next_at, taken_on.resumes_at) == (None, at(35))
    assert release(taken_on, at(6)) == taken_on
    goes_on = release(resume(taken_on), at(35))
    assert goes_on.state is EscalationState.RAISED
    # The wait was for somebody to acknowledge: that has happened, so the next step is due.
    assert run(goes_on, 35)[1] == [3]


def test_an_acknowledgement_behind_the_last_step_has_nothing_to_go_on_with() -> None:
    done, _ = run(an_escalation(RAISE, ack_timeout=minutes(30)), 0)
    assert acknowledge(done, "ann", at(5)).resumes_at is None


def test_what_is_snoozed_goes_on_where_it_was() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(10), MOVE), 0)
    asleep = snooze(waiting, at(100), "ann", at(4))
    assert (asleep.next_at, asleep.wait_left, asleep.resumes_at) == (None, minutes(6), at(100))
    assert release(asleep, at(50)) == asleep
    awake = release(resume(asleep), at(100))
    assert (awake.next_at, awake.state) == (at(106), EscalationState.RAISED)


def test_snoozing_what_somebody_acknowledged_hands_it_back_afterwards() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(10), MOVE), 0)
    asleep = snooze(acknowledge(waiting, "ann", at(1)), at(100), "ann", at(4))
    assert asleep.state is EscalationState.RAISED
    assert run(release(resume(asleep), at(100)), 100)[1] == [3]


def test_snoozing_again_moves_the_time_and_acknowledging_ends_it() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(10), MOVE), 0)
    longer = snooze(snooze(waiting, at(50), "ann", at(4)), at(100), "bob", at(20))
    assert (longer.wait_left, longer.resumes_at, longer.snoozed_by) == (minutes(6), at(100), "bob")
    assert acknowledge(longer, "ann", at(30)).resumes_at is None


def test_whoever_acknowledges_what_somebody_else_acknowledged_and_snoozed_has_it() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(10), MOVE), 0)
    asleep = snooze(acknowledge(waiting, "kim", at(0)), at(30), "kim", at(1))
    taken = acknowledge(asleep, "lena", at(3))
    assert (taken.state, taken.acknowledged_by) == (EscalationState.ACKNOWLEDGED, "lena")
    assert (taken.resumes_at, run(taken, 30)[1]) == (None, [])


def test_a_step_may_be_taken_where_it_is_due_or_held_up_by_what_may_be_over() -> None:
    waiting, _ = run(an_escalation(RAISE, wait(10), MOVE), 0)
    assert [may_step(waiting, at(minute)) for minute in (9, 10)] == [False, True]
    asleep = snooze(waiting, at(50), "ann", at(4))
    assert [may_step(asleep, at(minute)) for minute in (49, 50)] == [False, True]
    assert may_step(hold(waiting, at(4)), at(5))
    assert not may_step(acknowledge(waiting, "ann", at(1)), at(99))
    assert not may_step(run(an_escalation(RAISE), 0)[0], at(99))


def test_what_is_over_or_done_is_not_snoozed() -> None:
    done, _ = run(an_escalation(RAISE), 0)
    for escalation in (done, acknowledge(done, "ann", at(1)), resolve(done, "by_hand", at(1))):
        with pytest.raises(IllegalTransition):
            snooze(escalation, at(9), "ann", at(2))


def test_what_is_resolved_stays_so() -> None:
    over = resolve(snooze(an_escalation(RAISE), at(9), "ann", T0), "clock_met", at(1))
    assert (over.next_at, over.wait_left, over.resumes_at) == (None, None, None)
    assert resolve(over, "by_hand", at(2), "ann") == over
    assert run(over, 9) == (over, [])
    with pytest.raises(IllegalTransition):
        acknowledge(over, "ann", at(2))


def test_holding_what_does_not_wait_changes_nothing() -> None:
    done, _ = run(an_escalation(RAISE), 0)
    assert release(hold(done, at(1)), at(2)) == done == replace(done, next_at=None)


WAITS = st.sampled_from((wait(1), wait(7), wait(3, OFFICE)))
ACTIONS = st.sampled_from((RAISE, MOVE, TELL))


@st.composite
def chains(draw: st.DrawFn) -> tuple[Step, ...]:
    """Chains that a configuration may hold: stretches that end, if they do, with a wait and a repeat of them."""
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 4))):
        first = len(steps)
        steps += draw(st.lists(st.one_of(ACTIONS, WAITS), min_size=1, max_size=4))
        if draw(st.booleans()):
            steps += [draw(WAITS), Repeat(times=draw(st.integers(1, 5)), first=first)]
    return tuple(steps)


def written_out(steps: tuple[Step, ...]) -> list[tuple[int, Step]]:
    """A chain without its repeats: what they repeat stands there as often as it is done."""
    plain: list[tuple[int, Step]] = []
    for number, step in enumerate(steps, 1):
        if isinstance(step, Repeat):
            stretch = [(at, other) for at, other in enumerate(steps[: number - 1], 1) if at > step.first]
            plain += stretch * step.times
        else:
            plain.append((number, step))
    return plain


LOOKS = st.lists(st.integers(0, 5000), max_size=40)


@given(chains(), LOOKS)
def test_each_step_is_taken_once_and_in_order_and_no_wait_is_shortened(
    steps: tuple[Step, ...], looks: list[int]
) -> None:
    escalation, now = an_escalation(*steps), T0
    moments: list[tuple[int, float]] = []
    plain = written_out(steps)
    for look in [*looks, *[5 * 1440] * (len(plain) + 1)]:
        now += minutes(look)
        escalation, taken = advance(escalation, now, seen())
        moments += [(item.step, (now - T0).total_seconds()) for item in taken]
    assert [step for step, _ in moments] == [number for number, step in plain if not isinstance(step, Wait)]
    assert escalation.level == len(moments)
    assert escalation.next_at is None
    # Between two steps lies at least what the waits between them say.
    taken_at = iter(moments)
    previous, owed = 0.0, 0.0
    for _, step in plain:
        if isinstance(step, Wait):
            owed += step.duration.total_seconds()
        else:
            _, moment = next(taken_at)
            assert moment - previous >= owed
            previous, owed = moment, 0.0


@given(chains(), st.integers(0, 3000))
def test_being_late_takes_the_same_steps_and_moves_the_waits(steps: tuple[Step, ...], late: int) -> None:
    around_the_clock = [replace(step, calendar=ALWAYS) if isinstance(step, Wait) else step for step in steps]
    in_time = delayed = an_escalation(*around_the_clock)
    shift = timedelta()
    while in_time.next_at is not None:
        due = in_time.next_at
        in_time, expected = advance(in_time, due, seen())
        shift += minutes(late)
        delayed, taken = advance(delayed, due + shift, seen())
        assert taken == expected
        assert delayed.next_at == (in_time.next_at and in_time.next_at + shift)


@given(chains(), st.integers(1, 600))
def test_looking_before_anything_is_due_changes_nothing(steps: tuple[Step, ...], early: int) -> None:
    escalation = an_escalation(*steps)
    while escalation.next_at is not None:
        assert advance(escalation, escalation.next_at - minutes(early), seen()) == (escalation, ())
        escalation, _ = advance(escalation, escalation.next_at, seen())


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5))
def test_however_often_it_stands_still_a_wait_takes_its_time(pauses: list[tuple[int, int]]) -> None:
    escalation, _ = run(an_escalation(wait(60), RAISE), 0)
    now, ran = T0, timedelta(0)
    for runs, stands in pauses:
        now, ran = now + minutes(runs), ran + minutes(runs)
        escalation = hold(escalation, now)
        assert advance(escalation, now + timedelta(days=1), seen()) == (escalation, ())
        now += minutes(stands)
        escalation = release(escalation, now)
    assert escalation.next_at == now + minutes(60) - ran


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 4000)), max_size=5))
def test_a_wait_of_a_calendar_takes_its_open_time_however_often_it_stands_still(
    pauses: list[tuple[int, int]],
) -> None:
    escalation, _ = run(an_escalation(wait(3000, OFFICE), RAISE), 0)
    now, ran = T0, timedelta(0)
    for runs, stands in pauses:
        if escalation.next_at is None or now + minutes(runs) >= escalation.next_at:
            break
        ran += OFFICE.elapsed(now, now + minutes(runs))
        now += minutes(runs)
        escalation = hold(escalation, now)
        now += minutes(stands)
        escalation = release(escalation, now)
    assert escalation.next_at is not None
    assert ran + OFFICE.elapsed(now, escalation.next_at) == minutes(3000)
