"""Calls that end: wrap-up, and what is left to do."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.queue import Queue
from shared.errors import IllegalTransition
from shared.vocabulary import AgentState, ChannelKind, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, configuration, kinds, ticket_id

MINUTE = timedelta(minutes=1)
WRAPPED_UP = (Queue(queue_id="general", wrap_up_by={ChannelKind.VOICE: MINUTE}),)


def on_the_phone(*others: str, queues: tuple[Queue, ...] = WRAPPED_UP) -> Desk:
    """Ann talks with somebody."""
    desk = Desk.of(agent("ann"), *map(agent, others), queues=queues)
    desk.open("t", channel_kind=ChannelKind.VOICE, channel="hotline")
    desk.accept("ann")
    desk.status("t", TicketStatus.OPEN)
    return desk


def hang_up(desk: Desk, call: str = "call") -> list[d.Decision]:
    return desk.feed(inputs.CallEnded(ticket_id=ticket_id("t"), call_id=ticket_id(call)))


def test_the_agent_wraps_up_after_the_call_though_the_ticket_is_unsolved() -> None:
    desk = on_the_phone()
    assert kinds(hang_up(desk)) == ["CallNoted", "WrapUpStarted"]
    assert (desk.item("t").state, desk.state.agents["ann"].used) == (WorkState.WRAPPING, 100)


def test_a_ticket_that_is_solved_meanwhile_needs_nobody_after_the_wrap_up() -> None:
    desk = on_the_phone()
    hang_up(desk)
    assert kinds(desk.status("t", TicketStatus.SOLVED)) == []
    assert kinds(desk.after(minutes=1)) == ["WorkCompleted"]
    assert desk.state.live_item(ticket_id("t")) is None


def test_a_ticket_that_is_unsolved_after_the_wrap_up_is_new_work_for_its_last_agent_and_holds_no_call() -> None:
    desk = on_the_phone("bob")
    desk.after(hours=1)
    hang_up(desk)
    assert kinds(desk.after(minutes=1)) == ["WorkCompleted", "WorkQueued", "WorkOffered"]
    item = desk.item("t")
    assert (item.channel, item.channel_kind, item.preferred_agent_id) == ("hotline", ChannelKind.EMAIL, "ann")
    assert desk.asked("t") == ["ann"]
    assert desk.state.agents["ann"].used == 20


def test_without_wrap_up_the_agent_is_free_for_the_next_call_at_once() -> None:
    desk = on_the_phone(queues=(Queue(queue_id="general"),))
    desk.open("next", channel_kind=ChannelKind.VOICE)
    assert desk.item("next").state is WorkState.QUEUED
    made = hang_up(desk)
    assert kinds(made)[:3] == ["CallNoted", "WorkCompleted", "WorkQueued"]
    assert desk.item("t").channel_kind is ChannelKind.EMAIL


def test_what_the_agent_sets_while_wrapping_up_does_not_end_the_wrap_up() -> None:
    desk = on_the_phone()
    hang_up(desk)
    assert kinds(desk.status("t", TicketStatus.PENDING)) == []
    assert desk.item("t").state is WorkState.WRAPPING


def test_who_is_done_with_the_wrap_up_says_so_though_the_ticket_is_unsolved() -> None:
    desk = on_the_phone()
    with pytest.raises(IllegalTransition):
        desk.feed(inputs.Complete(ticket_id=ticket_id("t"), actor_id="ann"))
    hang_up(desk)
    assert kinds(desk.feed(inputs.Complete(ticket_id=ticket_id("t"), actor_id="ann"))) == [
        "WorkCompleted",
        "WorkQueued",
        "WorkOffered",
    ]


def test_the_corrected_end_of_a_call_ends_nothing_again() -> None:
    desk = on_the_phone()
    hang_up(desk)
    desk.after(minutes=1)
    desk.accept("ann")
    assert hang_up(desk) == []
    assert kinds(hang_up(desk, "another")) == ["CallNoted"]
    assert desk.item("t").state is WorkState.ASSIGNED


def test_a_call_that_somebody_else_took_is_asked_for_as_a_call_no_more() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t", channel_kind=ChannelKind.VOICE)
    assert desk.state.agents["ann"].used == 100
    queued_at = desk.item("t").queued_at
    desk.now += MINUTE
    assert kinds(hang_up(desk)) == ["CallNoted", "OfferEnded", "WorkRequeued", "WorkOffered"]
    assert (desk.state.agents["ann"].used, desk.item("t").queued_at) == (20, queued_at)


def test_a_reopened_ticket_whose_call_is_over_holds_no_call() -> None:
    desk = on_the_phone()
    hang_up(desk)
    desk.status("t", TicketStatus.SOLVED)
    desk.after(minutes=1)
    desk.status("t", TicketStatus.OPEN)
    assert desk.item("t").channel_kind is ChannelKind.EMAIL


def test_work_of_other_channels_does_not_end_with_a_call() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    assert kinds(hang_up(desk)) == ["CallNoted"]


def test_the_call_of_an_agent_who_is_removed_while_wrapping_up_is_not_forgotten() -> None:
    desk = on_the_phone("bob")
    hang_up(desk)
    desk.feed(inputs.Configure(configuration=configuration([agent("bob")], queues=WRAPPED_UP, version=2)))
    assert desk.asked("t") == ["bob"]


def test_a_call_stays_with_an_absent_agent_until_it_ends_and_then_others_are_asked() -> None:
    desk = on_the_phone("bob")
    desk.set_state("ann", AgentState.OFFLINE)
    desk.after(hours=1)
    assert desk.item("t").agent_id == "ann"
    hang_up(desk)
    desk.after(minutes=1)
    assert desk.asked("t") == ["bob"]


def test_each_kind_of_channel_has_its_own_wrap_up() -> None:
    queue = Queue(queue_id="q", wrap_up=MINUTE, wrap_up_by={ChannelKind.VOICE: 2 * MINUTE})
    assert (queue.wrap_up_for(ChannelKind.VOICE), queue.wrap_up_for(ChannelKind.CHAT)) == (2 * MINUTE, MINUTE)
