"""What decisions leave behind."""

from datetime import timedelta

from services.router.domain.policy import Step
from services.router.domain.queue import Queue
from tests.unit.router.domain.desk import Desk, agent, general


def test_a_refusal_after_a_step_into_another_queue_opens_no_new_stint() -> None:
    moves = general(steps=(Step(after=timedelta(seconds=30), queue="billing"),))
    desk = Desk.of(
        agent("bill", queues=frozenset({"billing"})),
        rules=[moves],
        queues=[Queue(queue_id="general"), Queue(queue_id="billing")],
    )
    desk.open("t")
    desk.after(seconds=30)
    moved_at = desk.now
    assert desk.item("t").stint_at == moved_at
    desk.now += timedelta(seconds=5)
    desk.decline("bill")
    assert desk.item("t").stint_at == moved_at
