"""Presence by heartbeat, and what a lost connection does to work."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import CONNECTION_LOST, Presence
from services.router.domain.queue import Queue
from shared.vocabulary import AgentState, ChannelKind, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, configuration, kinds

AVAILABLE, AWAY, BUSY, OFFLINE = AgentState.AVAILABLE, AgentState.AWAY, AgentState.BUSY, AgentState.OFFLINE
LOST = (AWAY, CONNECTION_LOST)


def connect(desk: Desk, *agents: str) -> list[d.Decision]:
    return [made for name in agents for made in desk.feed(inputs.Connected(agent_id=name))]


def disconnect(desk: Desk, *agents: str) -> list[d.Decision]:
    return desk.feed(inputs.Disconnected(agent_ids=agents))


def state_of(desk: Desk, name: str) -> tuple[AgentState, str | None]:
    return desk.state.agents[name].state, desk.state.agents[name].reason


def with_stream(*names: str, queues: tuple[Queue, ...] = (Queue(queue_id="general"),)) -> Desk:
    """Available agents with streams."""
    desk = Desk.of(*map(agent, names), queues=queues)
    connect(desk, *names)
    return desk


def test_an_agent_without_stream_for_too_long_is_away_and_their_offers_go_to_others() -> None:
    desk = with_stream("ann", "bob")
    desk.open("t")
    disconnect(desk, "ann")
    desk.after(seconds=59)
    assert state_of(desk, "ann") == (AVAILABLE, None)
    made = desk.after(seconds=1)
    assert kinds(made) == ["ConnectionLost", "OfferEnded", "WorkRequeued", "AgentStateSet", "WorkOffered"]
    assert state_of(desk, "ann") == LOST
    assert desk.asked("t") == ["bob"]


def test_a_page_that_is_loaded_anew_changes_nothing() -> None:
    desk = with_stream("ann")
    desk.open("t")
    disconnect(desk, "ann")
    desk.after(seconds=30)
    connect(desk, "ann")
    desk.after(seconds=40)
    assert (state_of(desk, "ann"), desk.asked("t")) == ((AVAILABLE, None), ["ann"])


def test_each_loss_is_counted_from_its_own_beginning() -> None:
    desk = with_stream("ann")
    disconnect(desk, "ann")
    desk.after(seconds=30)
    connect(desk, "ann")
    disconnect(desk, "ann")
    desk.after(seconds=59)
    assert state_of(desk, "ann") == (AVAILABLE, None)


def test_who_never_opens_a_stream_is_not_affected() -> None:
    desk = Desk.of(agent("tool"))
    assert disconnect(desk, "tool") == []
    desk.after(days=1)
    assert state_of(desk, "tool") == (AVAILABLE, None)


@pytest.mark.parametrize("state", [AVAILABLE, BUSY])
def test_who_was_away_for_want_of_a_stream_is_again_what_they_were_when_it_is_back(state: AgentState) -> None:
    desk = with_stream("ann")
    desk.set_state("ann", state)
    disconnect(desk, "ann")
    desk.after(minutes=5)
    assert state_of(desk, "ann") == LOST
    connect(desk, "ann")
    assert state_of(desk, "ann") == (state, None)


@pytest.mark.parametrize("state", [AWAY, OFFLINE])
def test_who_was_absent_on_purpose_stays_so(state: AgentState) -> None:
    desk = with_stream("ann")
    desk.set_state("ann", state)
    disconnect(desk, "ann")
    desk.after(minutes=5)
    assert state_of(desk, "ann") == (state, None)
    connect(desk, "ann")
    assert state_of(desk, "ann") == (state, None)


def test_who_was_set_to_something_else_meanwhile_stays_that() -> None:
    desk = with_stream("ann")
    disconnect(desk, "ann")
    desk.after(minutes=5)
    desk.set_state("ann", OFFLINE)
    connect(desk, "ann")
    assert state_of(desk, "ann") == (OFFLINE, None)


def test_who_is_back_may_be_asked_again_for_what_they_refused() -> None:
    desk = with_stream("ann")
    desk.open("t")
    desk.decline("ann")
    disconnect(desk, "ann")
    desk.after(minutes=5)
    connect(desk, "ann")
    assert desk.asked("t") == ["ann"]


def at_work(kind: ChannelKind, reconnect_within: int = 60) -> Desk:
    """Ann, with a stream, has an item of this kind; Bob is there too."""
    queue = Queue(queue_id="general", reconnect_within=timedelta(seconds=reconnect_within))
    desk = with_stream("ann", "bob", queues=(queue,))
    desk.open("t", channel_kind=kind)
    desk.accept("ann")
    return desk


def test_a_chat_whose_agent_lost_their_connection_goes_to_somebody_else() -> None:
    desk = at_work(ChannelKind.CHAT)
    disconnect(desk, "ann")
    desk.after(seconds=59)
    assert desk.item("t").agent_id == "ann"
    made = desk.after(seconds=1)
    assert desk.asked("t") == ["bob"]
    assert kinds(made).count("ReturnScheduled") == 1


def test_a_chat_waits_for_its_agent_as_long_as_its_queue_says_from_the_loss_on() -> None:
    desk = at_work(ChannelKind.CHAT, reconnect_within=100)
    disconnect(desk, "ann")
    desk.after(seconds=60)
    assert (state_of(desk, "ann"), desk.item("t").agent_id) == (LOST, "ann")
    desk.after(seconds=39)
    assert desk.item("t").agent_id == "ann"
    desk.after(seconds=1)
    assert desk.asked("t") == ["bob"]


def test_a_chat_stays_with_an_agent_who_is_back_in_time() -> None:
    desk = at_work(ChannelKind.CHAT, reconnect_within=100)
    disconnect(desk, "ann")
    desk.after(seconds=70)
    connect(desk, "ann")
    desk.after(hours=1)
    assert (state_of(desk, "ann"), desk.item("t").agent_id) == ((AVAILABLE, None), "ann")


def test_a_chat_of_who_was_away_on_purpose_goes_when_their_connection_is_lost_too() -> None:
    desk = at_work(ChannelKind.CHAT)
    desk.set_state("ann", AWAY)
    desk.after(hours=1)
    assert desk.item("t").agent_id == "ann"
    disconnect(desk, "ann")
    desk.after(seconds=60)
    assert desk.asked("t") == ["bob"]


def test_a_chat_of_who_has_gone_offline_waits_a_minute() -> None:
    desk = at_work(ChannelKind.CHAT)
    desk.set_state("ann", OFFLINE)
    desk.after(seconds=59)
    assert desk.item("t").agent_id == "ann"
    desk.after(seconds=1)
    assert desk.asked("t") == ["bob"]


def test_a_chat_of_who_missed_another_offer_goes_on() -> None:
    desk = at_work(ChannelKind.CHAT)
    desk.set_state("bob", AWAY)
    desk.open("missed")
    desk.after(minutes=2)
    assert state_of(desk, "ann") == (AWAY, "offer_expired")
    desk.after(minutes=10)
    assert desk.item("t").agent_id == "ann"


def test_a_chat_that_waits_for_its_customer_stays() -> None:
    desk = at_work(ChannelKind.CHAT)
    desk.status("t", TicketStatus.PENDING)
    disconnect(desk, "ann")
    desk.after(hours=1)
    assert desk.item("t").agent_id == "ann"


@pytest.mark.parametrize("kind", [ChannelKind.VOICE, ChannelKind.EMAIL])
def test_calls_and_mails_stay_with_an_agent_whose_connection_is_lost(kind: ChannelKind) -> None:
    desk = at_work(kind)
    disconnect(desk, "ann")
    desk.after(hours=3)
    assert (desk.item("t").agent_id, desk.item("t").state) == ("ann", WorkState.ASSIGNED)


def test_another_patience_holds_for_who_is_without_stream_already() -> None:
    desk = with_stream("ann")
    disconnect(desk, "ann")
    patient = configuration([agent("ann")], presence=Presence(lost_after=timedelta(minutes=10)), version=2)
    desk.feed(inputs.Configure(configuration=patient))
    desk.after(minutes=9)
    assert state_of(desk, "ann") == (AVAILABLE, None)
    desk.after(minutes=1)
    assert state_of(desk, "ann") == LOST


def test_who_is_set_available_without_a_stream_after_the_loss_stays_so() -> None:
    desk = with_stream("ann")
    disconnect(desk, "ann")
    desk.after(minutes=1)
    desk.set_state("ann")
    desk.after(hours=1)
    assert state_of(desk, "ann") == (AVAILABLE, None)


def test_a_chat_stays_with_who_was_away_on_purpose_and_is_seen_again_in_time() -> None:
    desk = at_work(ChannelKind.CHAT, 300)
    desk.set_state("ann", AgentState.AWAY)
    disconnect(desk, "ann")
    assert kinds(desk.after(seconds=61)) == ["ConnectionLost", "ReturnScheduled"]
    assert kinds(connect(desk, "ann")) == ["AgentConnected", "ReturnScheduled"]
    desk.after(minutes=10)
    assert desk.item("t").agent_id == "ann"
