from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.chat import (
    ChatOffer,
    ChatState,
    ChatStatus,
    Conversation,
    Farewell,
    Visitor,
    accepts_origin,
    due_at,
    farewell,
    next_state,
    shown_status,
)
from services.intake.domain.message import Identity, IdentityKind, email_identity
from shared.vocabulary import TicketStatus
from tests.unit.intake.builders import NOW, an_id

IDLE, GONE = timedelta(minutes=15), timedelta(minutes=2)
OFFER = ChatOffer(
    public_key="key",
    origins=frozenset({"https://www.example.com"}),
    idle_after=IDLE,
    abandon_after=GONE,
)


def a_chat(**overrides: object) -> Conversation:
    chat = Conversation(
        workspace_id="acme",
        conversation_id=an_id(1),
        channel="web",
        ticket_id=an_id(2),
        visitor=Visitor(identity=Identity(kind=IdentityKind.HANDLE, value="visitor:1")),
        state=ChatState.OPEN,
        last_seq=2,
        last_at=NOW,
        is_answered=True,
        seen_at=NOW,
        replied_at=NOW,
    )
    return replace(chat, **overrides)  # type: ignore[arg-type] # a builder takes any field


def state_at(chat: Conversation, after: timedelta, *, is_solved: bool = False) -> ChatState:
    return next_state(chat, OFFER, NOW + after, is_solved=is_solved)


def test_an_answer_that_nobody_goes_on_with_ends_the_chat() -> None:
    assert state_at(a_chat(), IDLE - timedelta(seconds=1)) is ChatState.OPEN
    assert state_at(a_chat(), IDLE) is ChatState.IDLE
    assert state_at(a_chat(), IDLE, is_solved=True) is ChatState.SOLVED


def test_a_visitor_who_waits_for_us_ends_nothing() -> None:
    waiting = a_chat(is_answered=False)
    assert state_at(waiting, IDLE * 100) is ChatState.OPEN
    assert state_at(waiting, IDLE, is_solved=True) is ChatState.SOLVED


def test_a_visitor_who_has_gone_before_a_human_answered_has_abandoned_the_chat() -> None:
    unanswered = a_chat(replied_at=None, is_answered=False)
    assert state_at(unanswered, GONE - timedelta(seconds=1)) is ChatState.OPEN
    assert state_at(unanswered, GONE) is ChatState.ABANDONED
    assert state_at(unanswered, GONE, is_solved=True) is ChatState.OPEN
    assert state_at(replace(unanswered, seen_at=NOW + GONE), GONE) is ChatState.OPEN
    assert state_at(a_chat(is_answered=False), GONE) is ChatState.OPEN


@pytest.mark.parametrize("state", [state for state in ChatState if state is not ChatState.OPEN])
def test_what_has_ended_stays_so(state: ChatState) -> None:
    ended = a_chat(state=state)
    assert state_at(ended, IDLE * 2) is state
    assert due_at(ended, OFFER, NOW) is None


moments = st.integers(0, 3600).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(
    st.builds(
        a_chat,
        last_at=moments,
        seen_at=moments,
        replied_at=st.none() | moments,
        is_answered=st.booleans(),
    ),
    moments,
    st.booleans(),
)
def test_nothing_changes_before_it_is_looked_at_and_nothing_is_looked_at_in_a_loop(
    chat: Conversation, now: datetime, is_solved: bool
) -> None:
    due = due_at(chat, OFFER, now)
    assert due is not None
    assert now + timedelta(seconds=1) <= due <= now + timedelta(hours=1) + IDLE
    if next_state(chat, OFFER, now, is_solved=is_solved) is ChatState.OPEN:
        before = due - timedelta(microseconds=1)
        late = due == now + timedelta(seconds=1)
        assert late or next_state(chat, OFFER, before, is_solved=is_solved) is ChatState.OPEN


@pytest.mark.parametrize(
    ("state", "ticket", "has_agent", "shown"),
    [
        (ChatState.OPEN, TicketStatus.NEW, False, ChatStatus.WAITING),
        (ChatState.OPEN, TicketStatus.OPEN, True, ChatStatus.JOINED),
        (ChatState.OPEN, TicketStatus.SOLVED, True, ChatStatus.SOLVED),
        (ChatState.IDLE, TicketStatus.SOLVED, True, ChatStatus.CLOSED_IDLE),
        (ChatState.LEFT, TicketStatus.SOLVED, True, ChatStatus.ENDED),
        (ChatState.ABANDONED, TicketStatus.NEW, False, ChatStatus.WAITING),
    ],
)
def test_what_the_visitor_is_shown(
    state: ChatState, ticket: TicketStatus, has_agent: bool, shown: ChatStatus
) -> None:
    assert shown_status(state, ticket, has_agent=has_agent) is shown


def test_only_the_configured_sites_are_let_in() -> None:
    assert accepts_origin(OFFER, "https://WWW.example.com")
    for other in (
        None,
        "",
        "null",
        "http://www.example.com",
        "https://www.example.com:8443",
        "https://example.com",
    ):
        assert not accepts_origin(OFFER, other)


def test_only_an_address_that_the_site_says_is_vouched_for() -> None:
    ada = Identity(kind=IdentityKind.EMAIL, value="ada@example.org")
    assert Visitor(identity=ada, email="ada@Example.org", is_verified=True).has_own_email
    assert not Visitor(identity=ada, email="ada@example.org").has_own_email
    by_id = Identity(kind=IdentityKind.HANDLE, value="external:1")
    assert not Visitor(identity=by_id, email="ada@example.org", is_verified=True).has_own_email


def test_an_answer_that_has_not_arrived_is_missed() -> None:
    assert a_chat(received_seq=1).lacks_an_answer
    assert not a_chat(received_seq=2).lacks_an_answer
    assert not a_chat(received_seq=1, is_answered=False).lacks_an_answer


MAILING = replace(OFFER, offers_transcript=True, mail_channel="mail")
NAMED = Visitor(identity=Identity(kind=IdentityKind.HANDLE, value="visitor:1"), email="ada@example.org")
VOUCHED = Visitor(identity=email_identity("ada@example.org"), email="ada@example.org", is_verified=True)


@pytest.mark.parametrize(
    ("chat", "state", "asked_or_not", "asked_only"),
    [
        (a_chat(replied_at=None), ChatState.ABANDONED, Farewell.MISSED, None),
        (a_chat(), ChatState.LEFT, Farewell.TRANSCRIPT, None),
        (a_chat(received_seq=2), ChatState.LEFT, None, None),
        (a_chat(received_seq=2, wants_transcript=True), ChatState.IDLE, Farewell.TRANSCRIPT, Farewell.TRANSCRIPT),
        (a_chat(replied_at=None, wants_transcript=True), ChatState.IDLE, None, None),
    ],
)
def test_who_must_not_be_contacted_is_mailed_what_they_have_asked_for_and_no_more(
    chat: Conversation, state: ChatState, asked_or_not: Farewell | None, asked_only: Farewell | None
) -> None:
    named = replace(chat, visitor=NAMED)
    assert farewell(named, MAILING, state, may_contact=True) is asked_or_not
    assert farewell(named, MAILING, state, may_contact=False) is asked_only
    assert farewell(chat, MAILING, state, may_contact=True) is None
    assert farewell(named, OFFER, state, may_contact=True) is None


def test_whom_the_site_vouches_for_may_have_what_nobody_of_ours_has_answered() -> None:
    chat = a_chat(replied_at=None, wants_transcript=True, visitor=VOUCHED)
    assert farewell(chat, MAILING, ChatState.IDLE, may_contact=True) is Farewell.TRANSCRIPT


def test_replies_go_by_mail_once_the_visitor_has_left_for_good() -> None:
    chat = a_chat(visitor=NAMED, mail_channel="mail")
    assert chat.mail_to is None
    assert replace(chat, state=ChatState.LEFT).mail_to == "ada@example.org"
    assert replace(chat, state=ChatState.LEFT, mail_channel=None).mail_to is None
