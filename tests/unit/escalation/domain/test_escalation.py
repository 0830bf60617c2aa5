"""Escalation chains: pure steps, waits, acknowledgement, resolution."""

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
    release,
    resolve,
)
from services.escalation.domain.escalation_policy import (
    Contact,
    Notify,
    RaisePriority,
    Requeue,
    Step,
    Wait,
    Webhook,
)
from services.escalation.domain.notification import ATTEMPTS, retry_at
from services.escalation.domain.recipient import Recipient, Way, recipients_of
from shared.errors import IllegalTransition
from shared.vocabulary import EscalationState
from tests.unit.escalation.builders import NAMESPACE, T0, at, minutes

RAISE = RaisePriority(by=1)
MOVE = Requeue(queue="urgent")


def an_escalation(*steps: Step) -> Escalation:
    return Escalation(
        escalation_id=NAMESPACE,
        workspace_id="acme",
        ticket_id=NAMESPACE,
        clock_id=None,
        metric=None,
        generation=None,
        trigger="manual",
        policy="chain",
        policy_version=1,
        steps=steps,
        next_at=T0,
        started_at=T0,
    )


def wait(count: float) -> Wait:
    return Wait(duration=minutes(count))


def reach(step: Notify) -> tuple[Recipient, ...]:
    contacts = {"ann": Contact(agent_id="ann", name=None, email="ann@example.org")}
    return recipients_of(step, contacts, {"pager": Webhook(webhook_id="pager", url="https://x.org", secret="s")})


def test_a_minute_raises_the_priority_and_five_move_the_queue() -> None:
    escalation = an_escalation(wait(1), RAISE, wait(4), MOVE)
    escalation, taken = advance(escalation, T0, reach)
    assert (taken, escalation.next_at) == ((), at(1))
    escalation, taken = advance(escalation, at(1), reach)
    assert [(item.step, item.level, item.action) for item in taken] == [(2, 1, RAISE)]
    escalation, taken = advance(escalation, at(5), reach)
    assert [(item.step, item.level, item.action) for item in taken] == [(4, 2, MOVE)]
    assert (escalation.next_at, escalation.position, escalation.level) == (None, 4, 2)


def test_a_wait_counts_from_when_the_step_before_it_was_really_taken() -> None:
    escalation, _ = advance(an_escalation(wait(1), RAISE, wait(4), MOVE), T0, reach)
    escalation, taken = advance(escalation, at(60), reach)
    assert len(taken) == 1
    assert escalation.next_at == at(64)


def test_nobody_found_takes_the_next_step_at_once() -> None:
    escalation, taken = advance(an_escalation(Notify(agents=("eve",)), wait(9), RAISE, wait(1), MOVE), T0, reach)
    assert [item.step for item in taken] == [1, 3]
    assert taken[0].recipients == (Recipient(way=Way.MAIL, name="eve", address=None),)
    assert escalation.next_at == at(1)


def test_everybody_is_told_once_and_those_who_cannot_be_reached_are_named() -> None:
    step = Notify(agents=("ann", "eve"), emails=("ann@example.org", "b@example.org"), webhooks=("pager", "gone"))
    assert [(found.way, found.name, found.address) for found in reach(step)] == [
        ("mail", "ann", "ann@example.org"),
        ("mail", "eve", None),
        ("mail", "b@example.org", "b@example.org"),
        ("webhook", "pager", "pager"),
        ("webhook", "gone", None),
    ]


def test_acknowledging_drops_what_is_to_come() -> None:
    waiting, _ = advance(an_escalation(RAISE, wait(1), MOVE), T0, reach)
    taken_on = acknowledge(waiting, "ann", at(0.5))
    assert (taken_on.state, taken_on.next_at) == (EscalationState.ACKNOWLEDGED, None)
    assert advance(taken_on, at(9), reach) == (taken_on, ())
    assert acknowledge(taken_on, "bob", at(2)) == taken_on


def test_what_is_resolved_stays_so() -> None:
    over = resolve(an_escalation(RAISE), "clock_met", at(1))
    assert resolve(over, "by_hand", at(2), "ann") == over
    assert advance(over, at(9), reach) == (over, ())
    with pytest.raises(IllegalTransition):
        acknowledge(over, "ann", at(2))


@given(st.lists(st.sampled_from((RAISE, MOVE, wait(1), wait(7))), min_size=1), st.lists(st.integers(0, 30)))
def test_looking_more_often_takes_the_same_steps_in_the_same_order(steps: list[Step], looks: list[int]) -> None:
    escalation, now = an_escalation(*steps), T0
    seen: list[int] = []
    for look in [*looks, *[10] * len(steps)]:
        now += minutes(look)
        escalation, taken = advance(escalation, now, reach)
        seen.extend(item.step for item in taken)
    assert seen == [number for number, step in enumerate(steps, 1) if not isinstance(step, Wait)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5))
def test_however_often_it_stands_still_a_wait_takes_its_time(pauses: list[tuple[int, int]]) -> None:
    escalation, _ = advance(an_escalation(wait(60), RAISE), T0, reach)
    now, ran = T0, timedelta(0)
    for runs, stands in pauses:
        now, ran = now + minutes(runs), ran + minutes(runs)
        escalation = hold(escalation, now)
        assert advance(escalation, now + timedelta(days=1), reach) == (escalation, ())
        now += minutes(stands)
        escalation = release(escalation, now)
    assert escalation.next_at == now + minutes(60) - ran


def test_holding_what_does_not_wait_changes_nothing() -> None:
    done, _ = advance(an_escalation(RAISE), T0, reach)
    assert release(hold(done, at(1)), at(2)) == done == replace(done, next_at=None)


def test_attempts_follow_the_published_schedule_and_end() -> None:
    waits = [(due - T0).total_seconds() for n in range(len(ATTEMPTS)) if (due := retry_at(n, T0))]
    assert waits == [0, 5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]
    assert retry_at(len(ATTEMPTS), T0) is None
