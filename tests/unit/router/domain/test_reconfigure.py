"""What a changed agent does to the indexes, which are not made anew for them."""

from collections import Counter

from services.router.domain import inputs
from services.router.domain.agent import AgentProfile
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements
from services.router.domain.queue import Queue
from shared.vocabulary import AgentState, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, kinds

GERMAN = general(requirements=Requirements(queue="general", skills=(("german", 3),)))
KEEPS = Queue(queue_id="general", reserve=1)
OTHER = Queue(queue_id="other")


def german(name: str, level: int = 3) -> AgentProfile:
    return agent(name, skills={"german": level})


def test_an_agent_who_learns_what_is_asked_for_is_asked_at_once() -> None:
    desk = Desk.of(agent("ann"), german("bob"), rules=[GERMAN])
    desk.set_state("bob", AgentState.AWAY)
    desk.open("one")
    (waits,) = desk.state.classes.values()
    desk.configure(german("ann"), german("bob"), rules=[GERMAN])
    assert desk.asked("one") == ["ann"]
    assert list(desk.state.classes.values()) == [waits], "nothing else was made anew"
    assert waits.members == {"ann", "bob"}
    assert +waits.unfit == Counter()


def test_an_agent_who_loses_what_is_asked_for_is_asked_no_more() -> None:
    desk = Desk.of(german("ann"), german("bob"), rules=[GERMAN])
    desk.open("one")
    said = [explain(made) for made in desk.configure(german("ann", 2), german("bob"), rules=[GERMAN])]
    assert said[0] == "The offer to ann was taken back because the agent may not have it any more."
    desk.open("two")
    assert (desk.asked("one"), desk.asked("two")) == (["bob"], ["bob"])
    (waits,) = desk.state.classes.values()
    assert +waits.unfit == Counter({"skill:german": 1})


def test_an_agent_who_is_gone_is_in_no_index() -> None:
    desk = Desk.of(german("ann"), agent("bob"), rules=[GERMAN])
    desk.open("one")
    desk.configure(rules=[GERMAN])
    (waits,) = desk.state.classes.values()
    assert (waits.members, +waits.unfit, +waits.conditions) == (set(), Counter(), Counter())
    desk.configure(german("ann"), rules=[GERMAN])
    desk.set_state("ann")
    assert desk.asked("one") == ["ann"]


def test_one_agent_more_lets_another_one_go_from_a_reserve() -> None:
    to_other = [general(requirements=Requirements(queue="other"))]
    both = agent("ann", queues=frozenset({"general", "other"}))
    desk = Desk.of(both, rules=to_other, queues=[KEEPS, OTHER])
    desk.open("one")
    assert desk.asked("one") == []
    desk.configure(both, agent("bob"), rules=to_other, queues=[KEEPS, OTHER])
    desk.set_state("bob")
    assert desk.asked("one") == ["ann"]
    desk.open("two")
    desk.configure(both, rules=to_other, queues=[KEEPS, OTHER])
    assert desk.asked("two") == ["ann"], "whoever has something in hand is not kept"


def test_a_stream_that_ended_while_nobody_worked_here_is_not_taken_for_open() -> None:
    desk = Desk.of(agent("ann"))
    desk.feed(inputs.Connected(agent_id="ann"))
    desk.configure()
    desk.feed(inputs.Disconnected(agent_ids=("ann",)))
    desk.configure(agent("ann"))
    assert not desk.state.agents["ann"].is_connected


def test_what_was_asked_of_several_who_are_gone_waits_again() -> None:
    queues = [Queue(queue_id="general", asked_at_once=2)]
    desk = Desk.of(agent("ann"), agent("bob"), queues=queues)
    desk.open("one")
    assert desk.asked("one") == ["ann", "bob"]
    made = desk.configure(queues=queues)
    assert kinds(made) == ["OfferEnded", "OfferEnded", "WorkRequeued", *["AgentStateSet"] * 2, "Configured"]
    assert desk.item("one").state is WorkState.QUEUED
