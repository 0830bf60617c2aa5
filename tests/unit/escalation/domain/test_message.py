"""What becomes of a message after an attempt: the schedule of Standard Webhooks, wishes, final answers."""

from datetime import timedelta

import pytest

from services.escalation.domain.message import ATTEMPTS, Answer, Message, Outcome, settled
from services.escalation.domain.notification import NotificationState
from services.escalation.domain.recipient import Way
from tests.unit.escalation.builders import NAMESPACE, T0

NOT_NOW = Outcome(answer=Answer.DEFERRED, code=503, detail="answered 503")


def a_message(attempts: int = 1) -> Message:
    return Message(
        message_id=NAMESPACE,
        workspace_id="acme",
        way=Way.WEBHOOK,
        address="pager",
        attempts=attempts,
        next_attempt_at=T0,
        created_at=T0,
    )


def test_attempts_follow_the_published_schedule_and_end() -> None:
    waits = []
    for attempts in range(1, 10):
        after = settled(a_message(attempts), NOT_NOW, T0, has_another_way=False)
        assert after.next_attempt_at is not None
        waits.append((after.next_attempt_at - T0).total_seconds())
    assert waits == [5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]
    last = settled(a_message(10), NOT_NOW, T0, has_another_way=False)
    assert (last.state, last.detail) == (NotificationState.FAILED, "answered 503")


def test_who_can_be_told_otherwise_does_not_wait_for_hours() -> None:
    assert settled(a_message(2), NOT_NOW, T0, has_another_way=True).state is NotificationState.PENDING
    assert settled(a_message(3), NOT_NOW, T0, has_another_way=True).state is NotificationState.FAILED


@pytest.mark.parametrize(("wish_s", "waits_s"), [(1, 5), (60, 60), (3600, 3600)])
def test_nobody_comes_sooner_than_asked_for(wish_s: int, waits_s: int) -> None:
    outcome = Outcome(answer=Answer.DEFERRED, code=429, wish=timedelta(seconds=wish_s))
    after = settled(a_message(), outcome, T0, has_another_way=False)
    assert after.next_attempt_at == T0 + timedelta(seconds=waits_s)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer.TAKEN, NotificationState.SENT),
        (Answer.REFUSED, NotificationState.FAILED),
        (Answer.GONE, NotificationState.DISABLED),
    ],
)
def test_a_final_answer_is_final(answer: Answer, state: NotificationState) -> None:
    after = settled(a_message(), Outcome(answer=answer), T0, has_another_way=False)
    assert (after.state, after.next_attempt_at, after.finished_at) == (state, None, T0)


def test_the_schedule_reaches_over_three_days() -> None:
    assert sum(ATTEMPTS, timedelta()) > timedelta(days=3)
