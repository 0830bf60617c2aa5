"""The index of who may be asked."""

from services.router.domain import decision as d
from services.router.domain.policy import Requirements
from shared.vocabulary import AgentState, ChannelKind, TicketStatus
from tests.unit.router.domain.desk import Desk, agent


def test_the_index_of_a_quiet_class_does_not_grow_with_the_work_of_others() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("mail")
    desk.accept("ann")
    desk.open("chat", channel_kind=ChannelKind.CHAT)
    desk.status("chat", TicketStatus.CLOSED)
    quiet = desk.state.class_for(Requirements(queue="general"), ChannelKind.CHAT)
    for _ in range(200):
        desk.after(seconds=1)
        desk.status("mail", TicketStatus.PENDING)
        desk.after(seconds=1)
        desk.status("mail", TicketStatus.OPEN)
    assert len(quiet.ready) < 100
    desk.open("again", channel_kind=ChannelKind.CHAT)
    assert desk.asked("again") == ["ann"]


def test_everybody_who_refused_is_counted_however_many_come_before_them() -> None:
    desk = Desk.of(*(agent(name) for name in "abcde"))
    desk.open("t")
    desk.after(seconds=1)
    desk.decline("a")
    offered = desk.decline("b")[-1]
    assert isinstance(offered, d.WorkOffered)
    assert offered.reasons.choice is not None
    assert len(offered.reasons.choice.ranked) == 3
    assert (offered.reasons.choice.eligible, offered.reasons.choice.others) == (3, {"refused": 2})


def test_who_becomes_ready_again_stands_in_line_once() -> None:
    desk = Desk.of(agent("ann"))
    quiet = desk.state.class_for(Requirements(queue="general"), ChannelKind.EMAIL)
    for presence in (AgentState.AWAY, AgentState.AVAILABLE, AgentState.BUSY, AgentState.AVAILABLE):
        desk.set_state("ann", presence)
    assert [agent_id for _, agent_id, _ in quiet.candidates()] == ["ann"]
