"""What mail servers say, and how they are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email.imap import replies
from services.intake.adapters.email.imap.client import _set
from services.intake.adapters.email.imap.errors import ImapError, shown
from services.intake.adapters.email.imap.replies import Fetched
from services.intake.adapters.email.imap.wire import Literal, Reply


def said(*parts: bytes | Literal) -> Reply:
    return Reply(parts)


BODY = Literal(b'(UID 9 {3} ")', 12)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (said(b"* 1 FETCH (UID 7 RFC822.SIZE 120)"), Fetched(7, 120, None)),
        (said(b"* 1 fetch (rfc822.size 120 uid 7)"), Fetched(7, 120, None)),
        (said(b"* 1 FETCH (UID 7 BODY[] ", BODY, b")"), Fetched(7, None, BODY)),
        (said(b"* 1 FETCH (BODY[] ", BODY, b" FLAGS (\\Seen $X) UID 7)"), Fetched(7, None, BODY)),
        (said(b"* 1 FETCH (FLAGS (\\Seen (\\X)) UID 7 BODY[]<0> ", BODY, b")"), Fetched(7, None, BODY)),
        (said(b'* 1 FETCH (UID 7 BODY[] "a \\"b\\" (c)")'), Fetched(7, None, Literal(b'a "b" (c)', 9))),
        (said(b"* 1 FETCH (UID 7 BODY[] NIL)"), Fetched(7, None, None)),
        (said(b'* 1 FETCH (ENVELOPE ("a)" NIL ((NIL NIL "x" "y"))) UID 7)'), Fetched(7, None, None)),
        (said(b"* 1 FETCH (FLAGS (\\Seen))"), None),
        (said(b"* 1 FETCH (UID x)"), None),
        (said(b"* 1 FETCH (UID " + b"9" * 5000 + b")"), None),
        (said(b"* 1 FETCH (UID 7 RFC822.SIZE " + b"9" * 5000 + b")"), Fetched(7, None, None)),
        (said(b"* " + b"9" * 5000 + b" FETCH (UID 7)"), None),
        (said(b"* 1 FETCH"), None),
        (said(b"* 12 EXISTS"), None),
    ],
)
def test_what_is_said_about_a_message(reply: Reply, expected: Fetched | None) -> None:
    assert replies.fetched(reply) == expected


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(BODY)), max_size=5))
def test_nothing_that_is_said_makes_it_stumble(parts: list[bytes | Literal]) -> None:
    reply = said(b"* 1 FETCH (UID 7 ", *parts)
    found = replies.fetched(reply)
    assert found is None or found.uid >= 0
    replies.count(reply)
    replies.code(reply)
    replies.capabilities(reply)


def test_counts_codes_and_capabilities() -> None:
    assert replies.count(said(b"* 12 EXISTS")) == ("EXISTS", 12)
    assert replies.count(said(b"* 12 EXPUNGE")) is None
    assert replies.code(said(b"* OK [UIDVALIDITY 3857529045] UIDs valid")) == ("UIDVALIDITY", 3857529045)
    assert replies.code(said(b"* OK [ALERT] Going down")) is None
    assert replies.count(said(b"* " + b"9" * 5000 + b" EXISTS")) is None
    assert replies.code(said(b"* OK [UIDNEXT " + b"9" * 5000 + b"]")) is None
    assert replies.capabilities(said(b"* CAPABILITY IMAP4rev1 idle")) == frozenset({"IMAP4REV1", "IDLE"})


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", b'"INBOX"'),
        ('a "b" \\c', b'"a \\"b\\" \\\\c"'),
        ("Entwürfe & Co", b'"Entw&APw-rfe &- Co"'),
        ("台北", b'"&U,BTFw-"'),
        ("🙂", b'"&2D3eQg-"'),
    ],
)
def test_folders_are_named_in_modified_utf_7(name: str, written: bytes) -> None:
    assert replies.folder_name(name) == written


@pytest.mark.parametrize("text", ["a\r\nA1 DELETE INBOX", "a\0", "a\n", "ü"])
def test_what_cannot_be_quoted_is_not_sent(text: str) -> None:
    with pytest.raises(ImapError):
        replies.quoted(text)


def test_neighbours_are_named_together() -> None:
    assert _set([5, 1, 2, 3, 9]) == b"1:3,5,9"


def test_what_a_server_says_is_made_fit_to_be_shown() -> None:
    assert shown(b"no \x1b[31m\r\nway \xff" + b"x" * 500) == ("no  [31m way  " + "x" * 500)[:200]
