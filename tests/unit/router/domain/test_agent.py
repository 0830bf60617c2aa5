"""What agents have room for."""

from services.router.domain.agent import DEFAULT_LIMITS, ChannelLimit
from shared.vocabulary import ChannelKind, TicketStatus
from tests.unit.router.domain.desk import Desk, agent

VOICE, CHAT, EMAIL = ChannelKind.VOICE, ChannelKind.CHAT, ChannelKind.EMAIL


def a_desk(**limits: ChannelLimit) -> Desk:
    by_kind = {ChannelKind(kind): limit for kind, limit in limits.items()}
    return Desk.of(agent("ann", limits={**DEFAULT_LIMITS, **by_kind}))


def busy_with(desk: Desk, **counts: int) -> None:
    """Ann has so many items of each channel in hand; fails if there is no room for one of them."""
    for kind, count in counts.items():
        for number in range(count):
            desk.open(f"{kind}-{number}", channel_kind=ChannelKind(kind))
            desk.accept("ann")


def takes(desk: Desk, kind: ChannelKind) -> bool:
    """Whether Ann is asked for one more."""
    desk.open(f"one-more-{kind}", channel_kind=kind)
    return desk.asked(f"one-more-{kind}") == ["ann"]


def test_two_chats_and_two_mails_leave_room_for_a_call_that_fills_it() -> None:
    limit = ChannelLimit(cost=10, most=2)
    desk = a_desk(voice=ChannelLimit(cost=60, most=1), chat=limit, email=limit)
    busy_with(desk, chat=2, email=2)
    assert desk.state.agents["ann"].used == 40
    assert takes(desk, VOICE)
    assert desk.state.agents["ann"].used == 100


def test_without_a_tight_maximum_chats_take_the_room_of_a_call() -> None:
    chats = ChannelLimit(cost=10, most=5)
    desk = a_desk(voice=ChannelLimit(cost=60, most=1), chat=chats, email=ChannelLimit(cost=10, most=2))
    busy_with(desk, chat=5, email=2)
    assert desk.state.agents["ann"].used == 70
    assert not takes(desk, VOICE)


def laying_mails_aside() -> Desk:
    return a_desk(
        voice=ChannelLimit(cost=100, most=1),
        chat=ChannelLimit(cost=50, most=2),
        email=ChannelLimit(cost=10, most=20, is_interruptible=True),
    )


def test_mails_that_can_be_laid_aside_leave_room_for_a_call_and_none_comes_during_it() -> None:
    desk = laying_mails_aside()
    busy_with(desk, email=5)
    assert takes(desk, VOICE)
    assert desk.state.agents["ann"].used == 150
    desk.accept("ann")
    assert not takes(desk, EMAIL)
    desk.status("one-more-voice", TicketStatus.SOLVED)
    assert desk.asked("one-more-email") == ["ann"]


def test_what_can_be_laid_aside_counts_among_itself() -> None:
    desk = laying_mails_aside()
    busy_with(desk, email=10)
    assert not takes(desk, EMAIL)


def test_what_cannot_be_laid_aside_counts_for_all() -> None:
    desk = laying_mails_aside()
    busy_with(desk, chat=1, email=5)
    assert not takes(desk, VOICE)
    assert not takes(desk, EMAIL)
    assert takes(desk, CHAT)


def test_a_changed_limit_counts_for_what_is_in_hand() -> None:
    desk = laying_mails_aside()
    busy_with(desk, email=5)
    assert desk.state.agents["ann"].firm == 0
    desk.configure(agent("ann", limits={**DEFAULT_LIMITS, EMAIL: ChannelLimit(cost=10, most=20)}))
    assert desk.state.agents["ann"].firm == 50
    assert not takes(desk, VOICE)
