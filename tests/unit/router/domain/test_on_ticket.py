"""What tickets do to work: snapshots, answers, changed facts."""

from datetime import timedelta

import pytest

from services.router.domain import inputs
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Preference, Requirements, Step
from services.router.domain.queue import OfferMode, Queue
from shared.conditions import compile_condition
from shared.vocabulary import AgentState, ChannelKind, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, facts, general, kinds, ticket_id

TIERS = (Queue(queue_id="general"), Queue(queue_id="billing"))
WRAP_UP = (Queue(queue_id="general", wrap_up=timedelta(minutes=10)),)


def snapshot(name: str, status: TicketStatus, **changes: object) -> inputs.TicketKnown:
    """A ticket as it stands."""
    return inputs.TicketKnown(ticket_id=ticket_id(name), facts=facts(**changes), status=status)


@pytest.mark.parametrize("status", [TicketStatus.SOLVED, TicketStatus.CLOSED])
def test_a_snapshot_ends_work_whose_end_was_never_heard_of(status: TicketStatus) -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    assert kinds(desk.feed(snapshot("t", status))) == ["OfferEnded", "WorkCancelled"]
    assert desk.state.agents["ann"].used == 0
    assert desk.state.tickets[ticket_id("t")].status is status


def test_a_snapshot_that_reopens_a_ticket_routes_it_by_its_new_facts() -> None:
    german = general(
        rule_id="german",
        condition=compile_condition('ticket.language == "de"', FIELDS),
        requirements=Requirements(queue="billing"),
    )
    desk = Desk.of(
        agent("ann"), agent("bill", queues=frozenset({"billing"})), rules=[german, general()], queues=TIERS
    )
    desk.open("t")
    desk.status("t", TicketStatus.SOLVED)
    assert kinds(desk.feed(snapshot("t", TicketStatus.OPEN, language="de"))) == ["WorkQueued", "WorkOffered"]
    assert desk.asked("t") == ["bill"]
    assert desk.feed(snapshot("t", TicketStatus.OPEN, language="de"))[1:] == []


def test_a_snapshot_that_moves_and_solves_leaves_no_offer_behind() -> None:
    german = general(
        rule_id="german",
        condition=compile_condition('ticket.language == "de"', FIELDS),
        requirements=Requirements(queue="billing"),
    )
    desk = Desk.of(agent("ann"), rules=[german, general()], queues=TIERS)
    desk.open("t")
    made = desk.feed(snapshot("t", TicketStatus.SOLVED, language="de"))
    assert kinds(made) == ["OfferEnded", "WorkRequeued", "WorkCancelled"]
    assert desk.state.agents["ann"].used == 0


@pytest.mark.parametrize("absence", [AgentState.AWAY, AgentState.OFFLINE])
def test_an_answer_to_an_absent_agent_goes_back_to_its_queue_after_a_while(absence: AgentState) -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.PENDING)
    desk.set_state("ann", absence)
    desk.after(hours=1)
    desk.status("t", TicketStatus.OPEN)
    desk.after(minutes=14)
    assert desk.item("t").agent_id == "ann"
    desk.after(minutes=1)
    assert desk.item("t").state is WorkState.QUEUED


def test_an_answer_stays_with_an_agent_who_comes_back_in_time() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.PENDING)
    desk.set_state("ann", AgentState.AWAY)
    desk.status("t", TicketStatus.OPEN)
    desk.set_state("ann", AgentState.BUSY)
    desk.after(hours=1)
    assert desk.item("t").agent_id == "ann"


def test_a_longer_absence_does_not_put_off_the_return_of_an_answer() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.PENDING)
    desk.set_state("ann", AgentState.AWAY)
    desk.status("t", TicketStatus.OPEN)
    due_at = desk.item("t").return_at
    desk.set_state("ann", AgentState.OFFLINE)
    desk.set_state("ann", AgentState.AWAY)
    assert due_at is not None
    assert desk.item("t").return_at == due_at


def test_a_call_stays_with_an_absent_agent_when_it_is_open_again() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t", channel_kind=ChannelKind.VOICE)
    desk.accept("ann")
    desk.status("t", TicketStatus.ON_HOLD)
    desk.set_state("ann", AgentState.OFFLINE)
    assert kinds(desk.status("t", TicketStatus.OPEN)) == []


def test_a_solved_ticket_that_becomes_pending_is_new_work_once_its_wrap_up_is_over() -> None:
    desk = Desk.of(agent("ann"), queues=WRAP_UP)
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    assert kinds(desk.status("t", TicketStatus.PENDING)) == ["WorkCompleted", "WorkQueued", "WorkOffered"]


def test_changed_facts_that_change_only_the_steps_begin_anew() -> None:
    soon = Step(after=timedelta(seconds=30), dropped=frozenset({"german"}))
    asked = Requirements(queue="general", skills=(("german", 1),))
    gold = general(
        rule_id="gold",
        condition=compile_condition('customer.tier == "gold"', FIELDS),
        requirements=asked,
        steps=(soon,),
    )
    desk = Desk.of(agent("ann"), rules=[gold, general(requirements=asked)])
    desk.open("t")
    desk.feed(inputs.TicketKnown(ticket_id=ticket_id("t"), facts=facts(customer_tier="gold"), status=None))
    assert desk.item("t").rule == "gold"
    desk.after(seconds=30)
    assert desk.asked("t") == ["ann"]


def test_an_owner_who_is_named_while_it_waits_is_asked_first() -> None:
    rule = general(preference=Preference(label="owner", wait=timedelta(minutes=5)))
    desk = Desk.of(agent("ann", capacity=20), agent("bob", capacity=20), rules=[rule])
    for name in ("x", "y", "t"):
        desk.open(name)
    desk.feed(inputs.TicketKnown(ticket_id=ticket_id("t"), facts=facts(labels={"owner": "bob"}), status=None))
    assert desk.item("t").preferred_agent_id == "bob"
    desk.accept("ann")
    desk.status("x", TicketStatus.SOLVED)
    assert desk.asked("t") == [], "it is held for bob"
    desk.accept("bob")
    desk.status("y", TicketStatus.SOLVED)
    assert desk.asked("t") == ["bob"]


@pytest.mark.parametrize(("kind", "load"), [(ChannelKind.EMAIL, 0), (ChannelKind.CHAT, 30)])
def test_who_gets_what_waits_for_its_customer_has_room_for_other_work(kind: ChannelKind, load: int) -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[Queue(queue_id="general", offer_mode=OfferMode.AUTO)])
    desk.open("t", channel_kind=kind)
    desk.status("t", TicketStatus.PENDING)
    assert desk.state.agents["ann"].used == load
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="knows it", actor_id="ann", agent_id="bob"))
    assert (desk.item("t").agent_id, desk.state.agents["bob"].used) == ("bob", load)
    desk.status("t", TicketStatus.OPEN)
    assert desk.state.agents["bob"].used == {0: 20, 30: 30}[load]


def test_who_accepts_what_waits_for_its_customer_has_room_for_other_work() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.status("t", TicketStatus.PENDING)
    assert desk.state.agents["ann"].used == 20
    desk.accept("ann")
    assert (desk.item("t").bears_load, desk.state.agents["ann"].used) == (False, 0)
