"""Who may be handed work by name, and what is flagged."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, Step
from services.router.domain.queue import Queue
from shared.errors import Conflict
from shared.vocabulary import AgentState, ChannelKind, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, kinds, ticket_id

ONE_MAIL = {"capacity": 20}


def pass_on(desk: Desk, name: str, to: str) -> list[d.Decision]:
    return desk.feed(inputs.Transfer(ticket_id=ticket_id(name), reason="yours", actor_id="boss", agent_id=to))


def give(desk: Desk, name: str, to: str) -> list[d.Decision]:
    return desk.feed(inputs.Assign(ticket_id=ticket_id(name), agent_id=to, actor_id="boss"))


def anns_mail(*others: object) -> Desk:
    """Ann has one mail, of tier 2."""
    rule = general(requirements=Requirements(queue="general", support_tier=2, skills=(("billing", 2),)))
    ann = agent("ann", support_tier=2, skills={"billing": 5})
    desk = Desk.of(ann, *others, rules=[rule])  # type: ignore[arg-type] # agents
    desk.open("t")
    desk.accept("ann")
    return desk


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (agent("bob", support_tier=2, queues=frozenset({"billing"})), "queue"),
        (agent("bob", support_tier=1), "support_tier"),
    ],
)
def test_nobody_is_handed_work_of_queues_that_are_not_theirs_or_of_a_higher_tier(other: object, why: str) -> None:
    desk = anns_mail(other)
    with pytest.raises(Conflict, match=why):
        pass_on(desk, "t", "bob")
    assert desk.item("t").agent_id == "ann"


def test_who_hands_work_over_judges_skills_themselves_and_may_hand_it_up() -> None:
    desk = anns_mail(agent("bob", support_tier=3))
    assert kinds(pass_on(desk, "t", "bob")) == ["WorkRequeued", "WorkAssigned"]
    assert desk.item("t").agent_id == "bob"


def test_who_has_no_room_is_not_handed_work_by_a_colleague() -> None:
    desk = Desk.of(agent("ann"), agent("bob", **ONE_MAIL))
    desk.open("t")
    desk.accept("ann")
    desk.set_state("ann", AgentState.BUSY)
    desk.open("full")
    desk.accept("bob")
    with pytest.raises(Conflict, match="capacity"):
        pass_on(desk, "t", "bob")


def test_who_is_being_asked_has_kept_room_for_it() -> None:
    desk = Desk.of(
        agent("ann", **ONE_MAIL), agent("bob", **ONE_MAIL), queues=[Queue(queue_id="general", asked_at_once=2)]
    )
    desk.open("t")
    made = pass_on(desk, "t", "bob")
    assert kinds(made) == ["OfferEnded", "OfferEnded", "WorkAssigned"]
    assert (desk.item("t").agent_id, desk.item("t").over_capacity) == ("bob", False)
    assert (desk.state.agents["ann"].used, desk.state.agents["bob"].used) == (0, 20)


def test_a_supervisor_may_exceed_capacity_and_that_is_flagged_until_it_is_over() -> None:
    desk = Desk.of(agent("ann", **ONE_MAIL))
    desk.open("first")
    desk.accept("ann")
    desk.open("more")
    made = give(desk, "more", "ann")
    assigned = next(each for each in made if isinstance(each, d.WorkAssigned))
    assert (assigned.over_capacity, desk.item("more").over_capacity) == (True, True)
    assert explain(assigned) == "Assigned to ann by hand, over their capacity: boss."
    assert desk.state.agents["ann"].used == 40
    desk.feed(inputs.Release(ticket_id=ticket_id("more"), reason="r", actor_id="boss"))
    assert not desk.item("more").over_capacity


def test_what_fits_is_not_flagged() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    give(desk, "t", "ann")
    assert not desk.item("t").over_capacity


def test_the_answer_to_a_parked_ticket_may_exceed_capacity_and_that_is_flagged() -> None:
    desk = Desk.of(agent("ann", **ONE_MAIL))
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.PENDING)
    desk.open("other")
    desk.accept("ann")
    desk.status("t", TicketStatus.OPEN)
    assert (desk.item("t").over_capacity, desk.state.agents["ann"].used) == (True, 40)
    desk.open("more")
    assert desk.item("more").state is WorkState.QUEUED


def test_a_supervisor_reassigns_from_agent_to_agent() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    desk.accept("ann")
    assert kinds(give(desk, "t", "bob")) == ["WorkRequeued", "WorkAssigned"]
    assert (desk.item("t").agent_id, desk.state.agents["ann"].used) == ("bob", 0)


def test_what_was_given_by_hand_nothing_automatic_takes_back() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    give(desk, "t", "bob")
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    desk.after(days=3)
    assert (desk.item("t").agent_id, desk.offers("ann")) == ("bob", [])


def test_the_sender_is_not_asked_again_unless_they_are_named() -> None:
    desk = Desk.of(
        agent("ann", queues=frozenset({"general", "billing"})),
        queues=[Queue(queue_id="general"), Queue(queue_id="billing")],
    )
    desk.open("t")
    desk.accept("ann")
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="bill", actor_id="ann", queue="billing"))
    assert desk.item("t").state is WorkState.QUEUED
    pass_on(desk, "t", "ann")
    assert desk.item("t").agent_id == "ann"


def test_a_call_that_is_over_is_handed_on_as_no_call() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[Queue(queue_id="general", wrap_up_by={})])
    desk.open("t", channel_kind=ChannelKind.VOICE)
    give(desk, "t", "ann")
    desk.feed(inputs.CallEnded(ticket_id=ticket_id("t"), call_id=ticket_id("call")))
    desk.accept("ann")
    desk.open("mail")
    give(desk, "mail", "bob")
    made = pass_on(desk, "t", "bob")
    assert kinds(made) == ["WorkRequeued", "WorkAssigned"]
    assert desk.state.agents["bob"].used == 40


def test_work_may_go_where_somebody_could_take_it_once_its_steps_have_loosened_it() -> None:
    german = Requirements(queue="general", skills=(("german", 3),))
    steps = (Step(after=timedelta(minutes=1), dropped=frozenset({"german"})),)
    queues = [Queue(queue_id="general"), Queue(queue_id="second"), Queue(queue_id="empty")]
    rules = [general(requirements=german, steps=steps)]
    desk = Desk.of(agent("bob", queues=frozenset({"second"})), rules=rules, queues=queues)
    desk.open("t")

    def transfer(queue: str) -> None:
        desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="theirs", actor_id="boss", queue=queue))

    with pytest.raises(Conflict, match="could ever take it"):
        transfer("empty")
    transfer("second")
    assert desk.asked("t") == []
    desk.after(minutes=1)
    assert desk.asked("t") == ["bob"]
