"""Agents whom a queue keeps free for its own work."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Requirements
from services.router.domain.queue import Queue
from shared.conditions import compile_condition
from shared.vocabulary import AgentState, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, general

BOTH = frozenset({"general", "vip"})
VIP = general(
    rule_id="vip",
    condition=compile_condition('customer.tier == "vip"', FIELDS),
    requirements=Requirements(queue="vip"),
)


def a_desk(reserve: int, *names: str, general_reserve: int = 0) -> Desk:
    """Agents who serve both queues, with room for one item each."""
    return Desk.of(
        *(agent(name, queues=BOTH, capacity=20) for name in names),
        rules=[VIP, general()],
        queues=[Queue(queue_id="general", reserve=general_reserve), Queue(queue_id="vip", reserve=reserve)],
    )


def test_others_get_only_what_is_beyond_the_reserve() -> None:
    desk = a_desk(2, "ann", "bob", "cid")
    first = desk.open("first")[-1]
    assert isinstance(first, d.WorkOffered)
    assert desk.asked("first") == ["ann"]
    desk.open("second")
    assert desk.asked("second") == []
    for name, expected in (("vip-1", "bob"), ("vip-2", "cid")):
        desk.open(name, customer_tier="vip")
        assert desk.asked(name) == [expected]


def test_what_waits_for_others_is_given_out_once_one_more_is_free() -> None:
    desk = a_desk(1, "ann", "bob")
    desk.open("first")
    desk.accept("ann")
    desk.open("second")
    assert desk.asked("second") == []
    desk.now += timedelta(seconds=1)
    desk.status("first", TicketStatus.SOLVED)
    assert desk.asked("second") == ["bob"]


def test_whoever_is_let_go_because_another_comes_takes_work_that_other_may_not() -> None:
    desk = Desk.of(
        agent("ann", queues=BOTH, capacity=20),
        agent("only", queues=frozenset({"vip"}), capacity=20),
        available=False,
        rules=[VIP, general()],
        queues=[Queue(queue_id="general"), Queue(queue_id="vip", reserve=1)],
    )
    desk.set_state("ann")
    desk.open("t")
    assert desk.asked("t") == []
    desk.set_state("only")
    assert desk.asked("t") == ["ann"]


def test_who_has_something_in_hand_is_not_kept() -> None:
    desk = Desk.of(
        agent("ann", queues=BOTH, capacity=40),
        rules=[VIP, general()],
        queues=[Queue(queue_id="general"), Queue(queue_id="vip", reserve=1)],
    )
    desk.open("t")
    assert desk.asked("t") == []
    desk.open("vip", customer_tier="vip")
    desk.accept("ann")
    assert desk.asked("t") == ["ann"]


def test_queues_with_reserves_do_not_hold_each_other_back() -> None:
    desk = a_desk(1, "ann", general_reserve=1)
    desk.open("t")
    assert desk.asked("t") == ["ann"]


def test_a_record_counts_who_is_kept() -> None:
    desk = Desk.of(
        agent("ann", queues=BOTH),
        agent("dot"),
        rules=[VIP, general()],
        queues=[Queue(queue_id="general"), Queue(queue_id="vip", reserve=1)],
    )
    made = desk.open("t")[-1]
    assert explain(made) == (
        "Offered to dot, first of 1 who could be asked by longest idle. Not asked: 1 kept free for another queue."
    )


@pytest.mark.parametrize("state", [AgentState.AWAY, AgentState.OFFLINE])
def test_who_leaves_makes_the_others_scarce(state: AgentState) -> None:
    desk = a_desk(1, "ann", "bob")
    desk.set_state("ann", state)
    desk.open("t")
    assert desk.asked("t") == []
    desk.set_state("ann")
    assert desk.asked("t") == ["bob"]
