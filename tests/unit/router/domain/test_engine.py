"""The engine on everyday situations."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import ChannelLimit
from services.router.domain.engine import run
from services.router.domain.floor_decision import SetAside
from services.router.domain.on_offer import OfferNotPending
from services.router.domain.policy import Requirements, Step, TierMode
from services.router.domain.queue import OfferMode, Queue, Ranking
from shared.conditions import compile_condition
from shared.errors import Conflict, IllegalTransition, NotFound
from shared.ids import SystemIds
from shared.vocabulary import AgentState, AssignmentMode, ChannelKind, Priority, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, facts, general, kinds, ticket_id

TIERS = (Queue(queue_id="general"), Queue(queue_id="billing"))


def when(source: str) -> object:
    from services.router.domain.facts import FIELDS

    return compile_condition(source, FIELDS)


def test_a_ticket_is_offered_to_the_agent_who_idles_longest() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    assert kinds(desk.open("t")) == ["WorkQueued", "WorkOffered"]
    assert desk.asked("t") == ["ann"]


def test_an_accepted_offer_assigns_and_its_repeat_changes_nothing() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    offer = desk.offers("ann")[0]
    desk.accept("ann")
    item = desk.item("t")
    assert (item.state, item.agent_id) == (WorkState.ASSIGNED, "ann")
    assert desk.feed(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id="ann")) == []


def test_a_timer_that_cannot_be_decided_is_set_aside_and_the_others_go_on() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("offered")
    desk.set_state("bob", AgentState.AWAY)
    desk.open("held")
    broken = desk.item("offered")
    # A partner's deadline, and no partner: nothing that is decided leaves an item so.
    broken.done_by = desk.now + timedelta(seconds=5)
    desk.state.watch(broken)
    desk.now += timedelta(hours=1)
    made = list(run(desk.state, inputs.Tick(), desk.now, SystemIds()))
    assert {each.what for each in made if isinstance(each, SetAside)} == {"order_lapses"}
    assert kinds(made).count("OfferEnded") == 2
    assert list(run(desk.state, inputs.Tick(), desk.now, SystemIds())) == []


def test_an_offer_cannot_be_accepted_after_its_deadline_nor_by_another() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    offer = desk.offers("ann")[0]
    with pytest.raises(NotFound):
        desk.feed(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id="bob"))
    desk.now = offer.expires_at
    with pytest.raises(OfferNotPending):
        desk.feed(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id="ann"))


def test_an_expired_offer_sends_the_agent_away_and_the_item_to_the_next() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    made = desk.after(seconds=120)
    assert kinds(made) == ["OfferEnded", "WorkRequeued", "AgentStateSet", "WorkOffered"]
    assert desk.state.agents["ann"].state is AgentState.AWAY
    assert desk.asked("t") == ["bob"]


def test_who_declines_is_not_asked_again_until_they_come_back() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.decline("ann")
    assert desk.item("t").state is WorkState.QUEUED
    desk.open("other")
    assert desk.asked("other") == ["ann"]
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    assert desk.asked("t") == ["ann"]


def test_a_declined_item_keeps_its_place() -> None:
    desk = Desk.of(agent("ann"), available=False)
    desk.open("first")
    desk.now += timedelta(seconds=5)
    desk.open("second")
    one_at_a_time = agent("ann", capacity=20)
    desk.feed(inputs.Configure(configuration=Desk.of(one_at_a_time).state.configuration))
    desk.set_state("ann")
    assert desk.asked("first") == ["ann"]
    desk.decline("ann")
    assert desk.asked("second") == ["ann"]
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    assert desk.asked("first") == ["ann"]


def test_the_most_pressing_then_the_oldest_waiting_item_comes_first() -> None:
    desk = Desk.of(agent("ann", capacity=20), available=False)
    for name, priority in (
        ("low", Priority.LOW),
        ("old", Priority.NORMAL),
        ("new", Priority.NORMAL),
        ("hot", Priority.URGENT),
    ):
        desk.now += timedelta(seconds=1)
        desk.open(name, priority=priority)
    desk.set_state("ann")
    served = []
    for _ in range(4):
        name = next(
            name
            for name in ("low", "old", "new", "hot")
            if desk.state.live_item(ticket_id(name)) and desk.asked(name)
        )
        served.append(name)
        desk.accept("ann")
        desk.status(name, TicketStatus.SOLVED)
    assert served == ["hot", "old", "new", "low"]


def test_capacity_is_by_channel_and_in_all() -> None:
    limits = {
        ChannelKind.EMAIL: ChannelLimit(cost=10, most=2),
        ChannelKind.CHAT: ChannelLimit(cost=10, most=5),
        ChannelKind.VOICE: ChannelLimit(cost=60, most=1),
    }
    desk = Desk.of(agent("ann", limits=limits))
    for number in range(3):
        desk.open(f"mail-{number}")
    assert [len(desk.item(f"mail-{n}").offers) for n in range(3)] == [1, 1, 0]
    desk.open("call", channel_kind=ChannelKind.VOICE)
    assert desk.asked("call") == ["ann"]
    assert desk.state.agents["ann"].used == 80


def test_skills_tiers_and_queues_decide_who_may() -> None:
    rule = general(requirements=Requirements(queue="general", support_tier=2, skills=(("billing", 3),)))
    desk = Desk.of(
        agent("tier-1", skills={"billing": 5}),
        agent("unskilled", support_tier=2),
        agent("beginner", support_tier=2, skills={"billing": 2}),
        agent("elsewhere", support_tier=2, skills={"billing": 5}, queues=frozenset({"billing"})),
        agent("fit", support_tier=2, skills={"billing": 3}),
        rules=[rule],
        queues=TIERS,
    )
    made = desk.open("t")
    assert desk.asked("t") == ["fit"]
    offered = made[-1]
    assert isinstance(offered, d.WorkOffered)
    assert offered.reasons.choice is not None
    assert offered.reasons.choice.eligible == 1
    assert offered.reasons.choice.others == {"support_tier": 1, "skill:billing": 2, "queue": 1}


def test_the_first_rule_that_holds_decides_and_the_record_tells_the_way_there() -> None:
    rules = [
        general(
            rule_id="gold", condition=when('customer.tier == "gold"'), requirements=Requirements(queue="billing")
        ),
        general(rule_id="labelled", condition=when('ticket.labels.product == "x"')),
        general(),
    ]
    desk = Desk.of(agent("ann"), rules=rules, queues=TIERS)
    made = desk.open("t")
    queued = made[1]
    assert isinstance(queued, d.WorkQueued)
    assert queued.reasons.trail == (
        ("gold", "does not hold"),
        ("labelled", "reads a field that is not there"),
        ("everything", "holds"),
    )


def test_steps_loosen_requirements_at_times_counted_from_the_start() -> None:
    rule = general(
        requirements=Requirements(queue="general", skills=(("billing", 4), ("german", 1))),
        steps=(
            Step(after=timedelta(seconds=30), lowered=(("billing", 3),)),
            Step(after=timedelta(seconds=60), dropped=frozenset({"german"})),
        ),
    )
    desk = Desk.of(
        agent("a", skills={"billing": 4, "german": 1}),
        agent("b", skills={"billing": 3, "german": 1}),
        agent("c", skills={"billing": 3}),
        rules=[rule],
        queues=[Queue(queue_id="general", offer_timeout=timedelta(seconds=20))],
    )
    desk.open("t")
    started = desk.item("t").started_at
    assert desk.asked("t") == ["a"]
    desk.after(seconds=20)  # a does not answer and is away
    assert desk.asked("t") == []
    desk.now = started
    desk.after(seconds=30)
    assert desk.asked("t") == ["b"]
    desk.decline("b")
    assert desk.asked("t") == []
    desk.now = started
    desk.after(seconds=60)
    assert desk.asked("t") == ["c"]


def test_a_pending_offer_survives_a_step() -> None:
    rule = general(
        requirements=Requirements(queue="general", skills=(("german", 1),)),
        steps=(Step(after=timedelta(seconds=30), dropped=frozenset({"german"})),),
    )
    desk = Desk.of(agent("a", skills={"german": 1}), agent("b"), rules=[rule])
    desk.open("t")
    desk.after(seconds=30)
    assert desk.asked("t") == ["a"]


def test_at_least_takes_the_lowest_sufficient_tier_first() -> None:
    rule = general(requirements=Requirements(queue="general", support_tier=2, tier_mode=TierMode.AT_LEAST))
    desk = Desk.of(agent("three", support_tier=3), agent("two", support_tier=2), agent("one"), rules=[rule])
    desk.open("t")
    assert desk.asked("t") == ["two"]


def test_auto_queues_assign_without_asking() -> None:
    desk = Desk.of(agent("ann"), queues=[Queue(queue_id="general", offer_mode=OfferMode.AUTO)])
    made = desk.open("t")
    assert isinstance(made[-1], d.WorkAssigned)
    assert made[-1].mode is AssignmentMode.AUTO


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [(Ranking.LONGEST_IDLE, "ann"), (Ranking.LEAST_LOADED, "bob"), (Ranking.ROUND_ROBIN, "bob")],
)
def test_the_queue_says_how_agents_are_ranked(ranking: Ranking, expected: str) -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[Queue(queue_id="general", ranking=ranking)])
    desk.open("t")
    desk.accept("ann")
    desk.set_state("bob", AgentState.AWAY)
    desk.set_state("bob")
    desk.open("u")
    assert desk.asked("u") == [expected]


def test_a_solved_ticket_ends_its_work_and_a_reopened_one_prefers_its_last_agent() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    desk.accept("ann")
    assert kinds(desk.status("t", TicketStatus.SOLVED)) == ["WorkCompleted"]
    assert desk.state.agents["ann"].used == 0
    made = desk.status("t", TicketStatus.OPEN)
    assert kinds(made) == ["WorkQueued", "WorkOffered"]
    assert desk.asked("t") == ["ann"]


def test_wrap_up_holds_the_agent_until_it_is_over_or_ended_by_hand() -> None:
    desk = Desk.of(agent("ann", capacity=20), queues=[Queue(queue_id="general", wrap_up=timedelta(seconds=30))])
    desk.open("t")
    desk.accept("ann")
    with pytest.raises(IllegalTransition):
        desk.feed(inputs.Complete(ticket_id=ticket_id("t"), actor_id="ann"))
    assert kinds(desk.status("t", TicketStatus.SOLVED)) == ["WrapUpStarted"]
    desk.open("u")
    assert desk.asked("u") == []
    assert kinds(desk.after(seconds=30)) == ["WorkCompleted", "WorkOffered"]


def test_a_pending_ticket_leaves_room_and_takes_it_back_over_capacity() -> None:
    desk = Desk.of(agent("ann", capacity=20))
    desk.open("t")
    desk.accept("ann")
    desk.open("u")
    assert desk.asked("u") == []
    desk.status("t", TicketStatus.PENDING)
    assert desk.asked("u") == ["ann"]
    desk.accept("ann")
    desk.status("t", TicketStatus.OPEN)
    assert desk.state.agents["ann"].used == 40
    assert desk.item("t").agent_id == "ann"


def test_who_leaves_loses_offers_at_once_and_work_after_a_while() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("kept")
    desk.accept("ann")
    desk.set_state("bob", AgentState.AWAY)
    desk.open("offered")
    assert desk.asked("offered") == ["ann"]
    desk.set_state("bob")
    made = desk.set_state("ann", AgentState.OFFLINE)
    assert kinds(made) == ["OfferEnded", "WorkRequeued", "AgentStateSet", "ReturnScheduled", "WorkOffered"]
    assert desk.asked("offered") == ["bob"]
    desk.accept("bob")
    desk.after(minutes=14)
    assert desk.item("kept").agent_id == "ann"
    desk.after(minutes=1)
    assert desk.item("kept").agent_id is None
    assert desk.asked("kept") == ["bob"]


def test_who_comes_back_in_time_keeps_their_work() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    desk.set_state("ann", AgentState.OFFLINE)
    desk.after(minutes=10)
    desk.set_state("ann")
    desk.after(minutes=10)
    assert desk.item("t").agent_id == "ann"


def test_transfer_moves_work_and_refuses_what_cannot_take_it() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2), agent("off"), queues=TIERS)
    desk.set_state("off", AgentState.OFFLINE)
    desk.open("t")
    desk.accept("ann")
    hand = {"ticket_id": ticket_id("t"), "reason": "too hard", "actor_id": "ann"}
    with pytest.raises(NotFound):
        desk.feed(inputs.Transfer(**hand, queue="nowhere"))  # type: ignore[arg-type] # shared arguments
    with pytest.raises(Conflict):
        desk.feed(inputs.Transfer(**hand, queue="billing"))  # type: ignore[arg-type] # shared arguments
    with pytest.raises(Conflict):
        desk.feed(inputs.Transfer(**hand, agent_id="off"))  # type: ignore[arg-type] # shared arguments
    assert desk.item("t").agent_id == "ann"
    made = desk.feed(inputs.Transfer(**hand, support_tier=2))  # type: ignore[arg-type] # shared arguments
    assert kinds(made) == ["WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["expert"]


def test_released_work_is_not_offered_back_at_once() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    desk.accept("ann")
    desk.feed(inputs.Release(ticket_id=ticket_id("t"), reason="not mine", actor_id="ann"))
    assert desk.asked("t") == ["bob"]
    desk.decline("bob")
    assert desk.asked("t") == []


def test_assigning_by_hand_may_exceed_capacity() -> None:
    desk = Desk.of(agent("ann", capacity=20))
    desk.open("t")
    desk.accept("ann")
    desk.open("u")
    desk.feed(inputs.Assign(ticket_id=ticket_id("u"), agent_id="ann", actor_id="boss"))
    assert desk.item("u").agent_id == "ann"
    assert desk.state.agents["ann"].used == 40


def test_changed_facts_bring_waiting_work_to_where_it_belongs_now() -> None:
    rules = [
        general(
            rule_id="bills",
            condition=when('has(ticket.labels.product) && ticket.labels.product == "bill"'),
            requirements=Requirements(queue="billing"),
        ),
        general(),
    ]
    desk = Desk.of(agent("ann"), agent("bill", queues=frozenset({"billing"})), rules=rules, queues=TIERS)
    desk.open("t")
    assert desk.asked("t") == ["ann"]
    made = desk.feed(
        inputs.TicketKnown(ticket_id=ticket_id("t"), facts=facts(labels={"product": "bill"}), status=None)
    )
    assert kinds(made) == ["OfferEnded", "WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["bill"]


def test_a_closed_or_merged_ticket_cancels_its_work() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    assert kinds(desk.status("t", TicketStatus.CLOSED)) == ["OfferEnded", "WorkCancelled"]
    desk.open("u")
    desk.accept("ann")
    assert kinds(desk.feed(inputs.TicketGone(ticket_id=ticket_id("u")))) == ["WorkCancelled"]
    assert desk.state.agents["ann"].used == 0


def test_an_agent_who_is_removed_leaves_nothing_behind() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    desk.accept("ann")
    desk.set_state("bob", AgentState.AWAY)
    desk.open("u")
    desk.set_state("bob")
    desk.feed(inputs.Configure(configuration=Desk.of(agent("bob")).state.configuration))
    assert "ann" not in desk.state.agents
    assert desk.asked("t") == ["bob"]
    assert desk.asked("u") == ["bob"]
