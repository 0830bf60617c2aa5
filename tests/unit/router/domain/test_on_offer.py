"""Offers: several at once, refused by all, missed again and again."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import Presence
from services.router.domain.on_offer import ALL_DECLINED, OfferNotPending
from services.router.domain.policy import Step
from services.router.domain.queue import OfferMode, Queue
from services.router.domain.work_item import OfferState
from shared.vocabulary import AgentState, ChannelKind, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, kinds, ticket_id

THREE_AT_ONCE = (Queue(queue_id="general", asked_at_once=3),)
ONE_MAIL = {"capacity": 20}


def crew(*names: str, available: bool = True, **parts: object) -> Desk:
    """Agents with room for one mail each, three of whom are asked at once."""
    return Desk.of(
        *(agent(name, **ONE_MAIL) for name in names), available=available, queues=THREE_AT_ONCE, **parts
    )


def notes(decisions: list[d.Decision]) -> list[str | None]:
    return [each.reasons.note for each in decisions if isinstance(each, d.WorkRequeued)]


def test_several_are_asked_at_once_and_the_room_of_each_is_held() -> None:
    desk = crew("ann", "bob", "cid", "dot")
    assert kinds(desk.open("t")) == ["WorkQueued", "WorkOffered", "WorkOffered", "WorkOffered"]
    assert desk.asked("t") == ["ann", "bob", "cid"]
    assert [desk.state.agents[name].used for name in ("ann", "bob", "cid", "dot")] == [20, 20, 20, 0]
    desk.open("other")
    assert desk.asked("other") == ["dot"]


def test_the_first_who_accepts_has_it_and_the_others_offers_are_revoked() -> None:
    desk = crew("ann", "bob", "cid")
    desk.open("t")
    late = desk.offers("cid")[0]
    made = desk.accept("bob")
    assert kinds(made) == ["OfferEnded", "OfferEnded", "WorkAssigned"]
    assert {(each.agent_id, each.state) for each in made if isinstance(each, d.OfferEnded)} == {
        ("ann", OfferState.REVOKED),
        ("cid", OfferState.REVOKED),
    }
    assert [desk.state.agents[name].used for name in ("ann", "bob", "cid")] == [0, 20, 0]
    with pytest.raises(OfferNotPending):
        desk.feed(inputs.AcceptOffer(offer_id=late.offer_id, agent_id="cid"))


def test_whoever_declines_makes_room_for_one_more() -> None:
    desk = crew("ann", "bob", "cid", "dot")
    desk.open("t")
    assert kinds(desk.decline("bob")) == ["OfferEnded", "WorkOffered"]
    assert desk.asked("t") == ["ann", "cid", "dot"]
    assert desk.item("t").state is WorkState.OFFERED


def test_who_becomes_ready_later_is_asked_too_while_fewer_were_there() -> None:
    desk = crew("ann", "bob", "cid", "dot", available=False)
    desk.open("t")
    for name, asked in (("ann", 1), ("bob", 2), ("cid", 3), ("dot", 3)):
        desk.set_state(name)
        assert len(desk.asked("t")) == asked


def test_nobody_is_asked_twice_however_much_room_they_have() -> None:
    desk = Desk.of(agent("ann"), queues=THREE_AT_ONCE)
    desk.open("t")
    assert desk.asked("t") == ["ann"]


def test_who_is_asked_later_is_told_how_many_were_asked_already() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=THREE_AT_ONCE)
    offered = [each for each in desk.open("t") if isinstance(each, d.WorkOffered)]
    choices = [each.reasons.choice for each in offered]
    assert [(choice.eligible, choice.others.get("asked")) for choice in choices if choice] == [(2, None), (1, 1)]


def test_a_more_pressing_item_in_line_gets_its_agents_first() -> None:
    desk = crew("ann", "bob", available=False)
    desk.open("first")
    desk.now += timedelta(seconds=1)
    desk.open("second")
    desk.set_state("ann")
    desk.set_state("bob")
    assert (desk.asked("first"), desk.asked("second")) == (["ann", "bob"], [])


def test_an_offered_item_that_a_step_takes_to_another_queue_asks_no_more_than_that_queue_may() -> None:
    moves = general(steps=(Step(after=timedelta(seconds=30), queue="single"),))
    both = frozenset({"general", "single"})
    desk = Desk.of(
        agent("ann", queues=both),
        agent("bob", queues=both),
        rules=[moves],
        queues=(*THREE_AT_ONCE, Queue(queue_id="single")),
        available=False,
    )
    desk.set_state("ann")
    desk.open("t")
    desk.after(seconds=30)
    desk.set_state("bob")
    assert desk.asked("t") == ["ann"]


def test_offers_of_an_item_that_is_moved_are_all_revoked() -> None:
    desk = Desk.of(
        agent("ann"),
        agent("bob"),
        agent("bill", queues=frozenset({"billing"})),
        queues=(*THREE_AT_ONCE, Queue(queue_id="billing")),
    )
    desk.open("t")
    made = desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="a bill", actor_id="boss", queue="billing"))
    assert kinds(made) == ["OfferEnded", "OfferEnded", "WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["bill"]


def test_a_configuration_that_asks_more_at_once_asks_them_now() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    assert desk.asked("t") == ["ann"]
    more = Desk.of(agent("ann"), agent("bob"), queues=THREE_AT_ONCE).state.configuration
    desk.feed(inputs.Configure(configuration=more))
    assert desk.asked("t") == ["ann", "bob"]


def test_it_is_recorded_when_everybody_who_is_there_has_refused() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), agent("away"), available=False)
    desk.set_state("ann")
    desk.set_state("bob")
    desk.open("t")
    assert notes(desk.decline("ann")) == [None]
    assert notes(desk.decline("bob")) == [ALL_DECLINED]


def test_who_lets_the_last_offer_expire_has_refused_too() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    assert notes(desk.after(seconds=120)) == [ALL_DECLINED]


def test_not_everybody_has_refused_while_one_is_only_without_room() -> None:
    desk = Desk.of(agent("ann", **ONE_MAIL), agent("bob", **ONE_MAIL), available=False)
    desk.set_state("ann")
    desk.open("old")
    desk.accept("ann")
    desk.set_state("bob")
    desk.open("t")
    assert notes(desk.decline("bob")) == [None]


def test_of_offers_at_once_only_the_last_refusal_says_that_all_declined() -> None:
    desk = crew("ann", "bob")
    desk.open("t")
    assert notes(desk.decline("ann")) == []
    assert notes(desk.decline("bob")) == [ALL_DECLINED]


def patient(times: int) -> Desk:
    """Ann, who may let some offers expire."""
    desk = Desk.of(agent("ann"), available=False, presence=Presence(away_after=times))
    desk.set_state("ann")
    return desk


def test_an_agent_is_away_only_after_so_many_missed_offers_in_a_row() -> None:
    desk = patient(2)
    desk.open("first")
    desk.after(seconds=120)
    assert desk.state.agents["ann"].state is AgentState.AVAILABLE
    assert desk.item("first").state is WorkState.QUEUED
    desk.open("second")
    desk.after(seconds=120)
    assert (desk.state.agents["ann"].state, desk.state.agents["ann"].reason) == (AgentState.AWAY, "offer_expired")


def test_an_accepted_offer_forgives_those_that_were_missed() -> None:
    desk = patient(2)
    desk.open("first")
    desk.after(seconds=120)
    desk.open("second")
    desk.accept("ann")
    desk.open("third")
    desk.after(seconds=120)
    assert desk.state.agents["ann"].state is AgentState.AVAILABLE


def test_who_comes_back_starts_over() -> None:
    desk = patient(2)
    desk.open("first")
    desk.after(seconds=120)
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    desk.after(seconds=120)
    assert desk.state.agents["ann"].state is AgentState.AVAILABLE


@pytest.mark.parametrize(
    ("kind", "asks"), [(ChannelKind.VOICE, True), (ChannelKind.CHAT, True), (ChannelKind.EMAIL, False)]
)
def test_by_channel_whoever_waits_on_the_line_is_asked_for_and_the_rest_is_simply_given(
    kind: ChannelKind, asks: bool
) -> None:
    desk = Desk.of(agent("ann"), queues=(Queue(queue_id="general", offer_mode=OfferMode.BY_CHANNEL),))
    desk.open("t", channel_kind=kind)
    assert desk.item("t").state is (WorkState.OFFERED if asks else WorkState.ASSIGNED)


def test_who_has_refused_work_is_not_asked_again_because_somebody_else_gives_it_back() -> None:
    desk = crew("ann", "bob")
    desk.open("t")
    desk.decline("ann")
    desk.accept("bob")
    back = inputs.Release(ticket_id=ticket_id("t"), reason="too hard", actor_id="bob")
    desk.feed(back)
    assert desk.asked("t") == []
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    assert desk.asked("t") == ["ann"]
