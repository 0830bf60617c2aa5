"""Agents who take the next item themselves."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Requirements
from services.router.domain.queue import OfferMode, Queue
from shared.conditions import compile_condition
from shared.errors import Conflict, NotFound
from shared.vocabulary import AgentState, AssignmentMode, Priority, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, kinds, ticket_id

PULLED = (Queue(queue_id="general", offer_mode=OfferMode.PULL),)


def test_nobody_is_asked_for_what_agents_take_themselves() -> None:
    desk = Desk.of(agent("ann"), queues=PULLED)
    assert kinds(desk.open("t")) == ["WorkQueued"]
    made = desk.take_next("ann")
    assert [(each.agent_id, each.mode) for each in made if isinstance(each, d.WorkAssigned)] == [
        ("ann", AssignmentMode.ACCEPTED)
    ]
    assert desk.item("t").agent_id == "ann"


def test_the_most_pressing_and_then_the_oldest_is_next() -> None:
    desk = Desk.of(agent("ann"), queues=PULLED)
    for name, priority in (("old", Priority.NORMAL), ("new", Priority.NORMAL), ("hot", Priority.URGENT)):
        desk.now += timedelta(seconds=1)
        desk.open(name, priority=priority)
    for name in ("hot", "old", "new"):
        desk.take_next("ann")
        assert desk.item(name).agent_id == "ann"


@pytest.mark.parametrize(("ranks", "first"), [({}, "bill"), ({"general": 5}, "old")])
def test_over_all_queues_the_one_of_the_lowest_rank_is_first(ranks: dict[str, int], first: str) -> None:
    bills = general(
        rule_id="bills",
        condition=compile_condition('ticket.language == "de"', FIELDS),
        requirements=Requirements(queue="billing"),
    )
    queues = (
        Queue(queue_id="general", offer_mode=OfferMode.PULL),
        Queue(queue_id="billing", offer_mode=OfferMode.PULL, rank=10),
    )
    desk = Desk.of(
        agent("ann", queues=frozenset({"general", "billing"}), ranks=ranks),
        rules=[bills, general()],
        queues=queues,
    )
    desk.open("old")
    desk.now += timedelta(seconds=1)
    desk.open("bill", language="de")
    desk.take_next("ann")
    assert desk.item(first).agent_id == "ann"


def test_what_they_may_not_serve_or_have_no_room_for_is_not_next_for_them() -> None:
    desk = Desk.of(agent("ann", capacity=20), agent("bill", queues=frozenset({"billing"})), queues=PULLED)
    desk.open("t")
    desk.now += timedelta(seconds=1)
    desk.open("more")
    assert desk.take_next("bill") == []
    desk.take_next("ann")
    assert desk.take_next("ann") == []
    assert desk.item("more").state is WorkState.QUEUED


def test_what_they_gave_back_is_not_next_for_them() -> None:
    desk = Desk.of(agent("ann"), queues=PULLED)
    desk.open("t")
    desk.take_next("ann")
    desk.feed(inputs.Release(ticket_id=ticket_id("t"), reason="not mine", actor_id="ann"))
    assert desk.take_next("ann") == []


@pytest.mark.parametrize("state", [AgentState.AWAY, AgentState.BUSY, AgentState.OFFLINE])
def test_who_is_not_available_takes_nothing(state: AgentState) -> None:
    desk = Desk.of(agent("ann"), queues=PULLED)
    desk.open("t")
    desk.set_state("ann", state)
    with pytest.raises(Conflict, match="become available"):
        desk.take_next("ann")


def test_nobody_unknown_takes_anything() -> None:
    with pytest.raises(NotFound):
        Desk.of(agent("ann")).take_next("zoe")
