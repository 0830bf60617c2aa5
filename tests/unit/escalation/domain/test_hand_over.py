"""A hand-off passes what is open to the newcomer, once."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.escalation.domain.clock_record import Kind, escalation_timers
from services.escalation.domain.escalation import MANUAL, Escalation, acknowledge, resolve, resume, snooze
from services.escalation.domain.escalation_policy import Notify, Urgency, Wait
from services.escalation.domain.hand_over import OnDuty, handed_over, hands_over, looked_at_again, telling, told_by
from tests.unit.escalation.builders import T0, at, minutes

STEP = Notify(on_call=("desk", "leads"), emails=("lead@example.com",), webhooks=("pager",), urgency=Urgency.LOW)
DUTY = {"desk": OnDuty("ada", at(10)), "leads": OnDuty("lena", at(30))}


def an_escalation(**fields: Any) -> Escalation:
    """One that has told whoever was on call, and waits."""
    whole: dict[str, Any] = {
        "escalation_id": UUID(int=1),
        "workspace_id": "acme",
        "ticket_id": UUID(int=2),
        "clock_id": None,
        "metric": None,
        "generation": None,
        "trigger": MANUAL,
        "policy": "chain",
        "policy_version": 1,
        "steps": (STEP, Wait(duration=minutes(60)), Notify(agents=("kim",))),
        "position": 2,
        "next_at": at(60),
        "started_at": T0,
        **fields,
    }
    return told_by(Escalation(**whole), [STEP], DUTY.get)


def test_it_is_looked_at_again_when_the_first_of_them_hands_off() -> None:
    told = an_escalation()
    assert (told.on_call, told.hand_off_at) == ({"desk": "ada", "leads": "lena"}, at(10))
    assert not hands_over(told, at(9))
    assert hands_over(told, at(10))
    assert {timer.kind: timer.due_at for timer in escalation_timers(told)} == {
        Kind.STEP: at(60),
        Kind.HAND_OFF: at(10),
    }


def test_the_newcomer_is_told_once() -> None:
    later = {**DUTY, "desk": OnDuty("ben", at(20))}
    after, newcomers = handed_over(an_escalation(), later.get)
    assert (newcomers, after.hand_off_at) == (("ben",), at(20))
    again, nobody = handed_over(after, {**later, "desk": OnDuty("ben", at(40))}.get)
    assert (nobody, again.hand_off_at) == ((), at(30))


def test_who_was_told_for_another_rotation_is_not_told_again() -> None:
    assert handed_over(an_escalation(), {**DUTY, "desk": OnDuty("lena", at(20))}.get)[1] == ()


def test_in_a_gap_it_stays_with_whoever_was_told_and_goes_to_who_comes_after_it() -> None:
    after, nobody = handed_over(an_escalation(), {**DUTY, "desk": OnDuty(None, at(20))}.get)
    assert (nobody, after.on_call["desk"]) == ((), "ada")
    assert handed_over(after, {**DUTY, "desk": OnDuty("ada", at(40))}.get)[1] == ()
    assert handed_over(after, {**DUTY, "desk": OnDuty("ben", at(40))}.get)[1] == ("ben",)


def test_what_nobody_heard_of_in_a_gap_is_told_to_who_comes() -> None:
    silent = told_by(an_escalation(), [Notify(on_call=("desk",))], {"desk": OnDuty(None, at(10))}.get)
    assert handed_over(silent, {"desk": OnDuty("ada", at(20))}.get)[1] == ("ada",)


def test_it_is_looked_at_again_at_once_where_somebody_else_may_be_on_call() -> None:
    told = an_escalation()
    assert hands_over(looked_at_again(told, at(3)), at(3))
    assert looked_at_again(told, at(12)) == told
    snoozed = looked_at_again(snooze(told, at(9), "ada", at(2)), at(3))
    assert not hands_over(snoozed, at(3))
    assert hands_over(resume(snoozed), at(9))
    over = resolve(told, "by_hand", at(2))
    assert looked_at_again(over, at(3)) == over


def test_a_rotation_that_is_gone_hands_nothing_over() -> None:
    after, nobody = handed_over(an_escalation(), lambda _: None)
    assert (nobody, after.on_call, after.hand_off_at) == ((), {}, None)


@pytest.mark.parametrize(
    "later",
    [
        Notify(),
        Notify(manager=True),
        Notify(agents=("kim",)),
        Notify(chats=("ops",), webhooks=("pager",)),
        Notify(on_call=("gone",)),
    ],
)
def test_what_tells_nobody_on_call_leaves_the_hand_over_pending(later: Notify) -> None:
    assert told_by(an_escalation(), [later], DUTY.get) == an_escalation()
    assert told_by(an_escalation(), [], DUTY.get) == an_escalation()


def test_a_gap_in_a_later_rotation_is_kept_besides_what_was_told_before() -> None:
    after = told_by(an_escalation(), [Notify(on_call=("night",))], {"night": OnDuty(None, at(5))}.get)
    assert (after.on_call, after.hand_off_at) == ({"desk": "ada", "leads": "lena", "night": None}, at(5))


def test_somebody_else_on_call_takes_the_place_of_whoever_was_told_before() -> None:
    after = told_by(an_escalation(), [Notify(on_call=("night",))], {"night": OnDuty("yan", at(50))}.get)
    assert (after.on_call, after.hand_off_at) == ({"night": "yan"}, at(50))


def test_rotations_that_are_told_at_one_moment_are_kept_together() -> None:
    steps = [Notify(on_call=("desk",)), Notify(agents=("kim",)), Notify(on_call=("leads",))]
    after = told_by(an_escalation(on_call={"night": None}), steps, DUTY.get)
    assert (after.on_call, after.hand_off_at) == ({"desk": "ada", "leads": "lena"}, at(10))


@pytest.mark.parametrize("end", ["acknowledged", "snoozed", "resolved"])
def test_what_is_not_open_is_not_handed_over(end: str) -> None:
    told = an_escalation()
    left = {
        "acknowledged": acknowledge(told, "ada", at(5)),
        "snoozed": snooze(told, at(90), "ada", at(5)),
        "resolved": resolve(told, "by_hand", at(5)),
    }[end]
    assert not hands_over(left, at(20))
    assert Kind.HAND_OFF not in {timer.kind for timer in escalation_timers(left)}
    if end == "snoozed":
        assert hands_over(resume(left), at(90))


def test_the_newcomer_is_told_as_urgently_as_the_step_did_and_so_are_its_systems() -> None:
    urgently = Notify(agents=("ben",), webhooks=("pager",), urgency=Urgency.LOW)
    assert telling(an_escalation(), ("ben",)) == urgently
    assert telling(replace(an_escalation(), position=0), ("ben",)) == urgently
    assert telling(replace(an_escalation(), steps=()), ("ben",)) == Notify(agents=("ben",))
