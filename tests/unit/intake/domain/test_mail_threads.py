"""Which ticket a mail points to. Only what we issued, or have seen in this workspace, points anywhere."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.mail_threads import (
    Hint,
    awaits,
    hints,
    id_key,
    own_messages,
    people,
    recognised_by,
    refers_to,
    repeat_key,
)
from services.intake.domain.reply_token import (
    issue_token,
    loop_mark,
    outgoing_message_id,
    read_message_id,
    read_token,
    reply_address,
    without_tag,
)
from services.intake.domain.subject_tag import plain_subject, subject_tag, tagged
from tests.unit.intake.mails import SECRET, SUPPORT, a_mail

MESSAGE = UUID(int=7)
numbers = st.integers(min_value=0, max_value=2**63 - 1)
workspaces = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


def pointed(
    *recipients: str, workspace_id: str = "acme", is_about_ours: bool = False, **overrides: Any
) -> list[Hint]:
    """What surely points to a ticket."""
    return list(
        hints(
            a_mail(**overrides),
            envelope_recipients=recipients,
            workspace_id=workspace_id,
            secret=SECRET,
            is_about_ours=is_about_ours,
        ).sure
    )


@given(workspaces, numbers)
def test_a_token_names_its_ticket(workspace_id: str, number: int) -> None:
    token = issue_token(SECRET, workspace_id, number)
    assert read_token(SECRET, workspace_id, token) == number
    assert read_token(SECRET, workspace_id, token.upper()) == number
    assert len(f"support+t.{token}") <= 64


@given(workspaces, workspaces, numbers)
def test_a_token_of_another_workspace_is_worth_nothing(mine: str, theirs: str, number: int) -> None:
    token = issue_token(SECRET, theirs, number)
    assert (read_token(SECRET, mine, token) == number) == (mine == theirs)


@given(st.text(max_size=40))
def test_nothing_else_is_a_token(text: str) -> None:
    assert read_token(SECRET, "acme", text) is None


@given(numbers, st.integers(min_value=0, max_value=17), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_token_names_no_other_ticket(number: int, at: int, letter: str) -> None:
    token = issue_token(SECRET, "acme", number)
    changed = token[:at] + letter + token[at + 1 :]
    assert read_token(SECRET, "acme", changed) in (None, number)


def test_the_reply_address_points_to_the_ticket_whatever_happens_to_its_case() -> None:
    address = reply_address(SUPPORT, issue_token(SECRET, "acme", 42))
    assert pointed(address) == [42]
    assert pointed(address.upper()) == [42]
    assert pointed(recipients=(SUPPORT, address)) == [42]
    assert without_tag(address) == SUPPORT


def test_our_message_id_points_to_the_ticket() -> None:
    rfc_id = outgoing_message_id(MESSAGE, issue_token(SECRET, "acme", 42), "acme.example")
    assert pointed(in_reply_to=(rfc_id,)) == [42, id_key(rfc_id)]
    assert pointed(references=("<other@x>", rfc_id)) == [42, id_key(rfc_id), id_key("<other@x>")]
    parts = read_message_id(rfc_id)
    assert parts is not None
    assert parts[0] == MESSAGE


def test_the_address_counts_before_what_is_answered_and_the_newest_reference_first() -> None:
    address = reply_address(SUPPORT, issue_token(SECRET, "acme", 1))
    found = pointed(address, in_reply_to=("<a@x>",), references=("<old@x>", "<new@x>"))
    assert found == [1, id_key("<a@x>"), id_key("<new@x>"), id_key("<old@x>")]


def test_a_report_is_about_the_mail_that_it_holds() -> None:
    rfc_id = outgoing_message_id(MESSAGE, issue_token(SECRET, "acme", 42), "acme.example")
    found = pointed(is_about_ours=True, original_message_ids=(rfc_id,), in_reply_to=("<a@x>",))
    assert found == [42, id_key(rfc_id), id_key("<a@x>")]
    # People forward old mail: what they forward points nowhere.
    assert pointed(original_message_ids=(rfc_id,), in_reply_to=("<a@x>",)) == [id_key("<a@x>")]
    mail = a_mail(original_message_ids=(rfc_id,))
    assert own_messages(mail, workspace_id="acme", secret=SECRET) == [MESSAGE]
    assert own_messages(mail, workspace_id="globex", secret=SECRET) == []


@given(
    subject=st.text(max_size=100),
    recipients=st.lists(st.from_regex(r"[a-z]{1,8}(\+t\.[a-z2-7]{18,30})?@[a-z]{1,8}\.example", fullmatch=True)),
    named=st.lists(
        st.one_of(
            st.from_regex(r"<[!-;=?-~]{1,60}@x>", fullmatch=True),
            st.from_regex(r"<[0-9a-f]{32}\.[a-z2-7]{18,30}@acme\.example>", fullmatch=True),
        ),
        max_size=5,
    ),
)
def test_no_mail_without_our_token_names_a_ticket(subject: str, recipients: list[str], named: list[str]) -> None:
    found = pointed(*recipients, subject=subject, in_reply_to=tuple(named), references=tuple(named))
    assert [hint for hint in found if isinstance(hint, int)] == []
    assert {hint for hint in found if isinstance(hint, bytes)} <= set(map(id_key, named))


def likely(workspace_id: str = "acme", **overrides: Any) -> list[Hint]:
    found = hints(a_mail(**overrides), envelope_recipients=(), workspace_id=workspace_id, secret=SECRET)
    return [hint for hint in found.likely if isinstance(hint, int)]


@pytest.mark.parametrize(
    "subject",
    [
        "Re: [#42] It does not print",
        "AW: Ticket 42",
        "[acme/42]",
        "[#42-aaaa]",
        "[#0-aaaa]",
        "[#42-]",
        "[#4²-a]",
    ],
)
def test_other_subjects_point_nowhere(subject: str) -> None:
    assert pointed(subject=subject) == []
    assert likely(subject=subject) == []


@given(st.integers(min_value=1, max_value=2**63 - 1), st.text(max_size=40), st.text(max_size=40))
def test_our_tag_in_a_subject_likely_points_to_its_ticket_and_never_surely(
    number: int, before: str, after: str
) -> None:
    subject = f"{before}{subject_tag(SECRET, 'acme', number).upper()}{after}"
    assert likely(subject=subject) == [number]
    assert pointed(subject=subject) == []
    assert likely("globex", subject=subject) == []


def test_a_subject_carries_one_tag_of_ours_however_often_it_is_answered() -> None:
    one, two = subject_tag(SECRET, "acme", 1), subject_tag(SECRET, "acme", 2)
    assert tagged("Re: Help", SECRET, "acme", 1, most=250) == f"Re: Help {one}"
    assert tagged(f"Re: Help {one}", SECRET, "acme", 1, most=250) == f"Re: Help {one}"
    assert tagged(f"AW: {one} Help {one}", SECRET, "acme", 2, most=250) == f"AW: Help {two}"
    assert tagged("", SECRET, "acme", 1, most=250) == one
    # Another system's stays.
    assert tagged("Re: Help [#7-abcd]", SECRET, "acme", 1, most=250) == f"Re: Help [#7-abcd] {one}"
    cut = tagged("x" * 300, SECRET, "acme", 1, most=100)
    assert (len(cut), cut.endswith(f"x {one}")) == (100, True)


@pytest.mark.parametrize(
    "subject",
    [
        "Help me",
        "Re: Help me",
        "AW: WG: help  me",
        "SV: Re[2]: Help me [#12-abcd]",
        "RE: FW: HELP ME",
        "回复：Help me",
        "Odp: Rif: Help me",
        "Réf : Help me",
    ],
)
def test_answers_have_the_plain_subject_of_what_they_answer(subject: str) -> None:
    assert plain_subject(subject) == "help me"
    assert plain_subject("Re: ") == ""
    assert plain_subject("Renewal: help me") != "help me"


def test_a_mail_that_comes_again_is_recognised_and_another_one_is_not() -> None:
    mail = a_mail()
    assert repeat_key(mail) in recognised_by(a_mail(subject="changed on the way"))
    for other in (
        a_mail(message_id="<2@example.org>"),
        a_mail(body_sha256="01"),
        a_mail(sender="eve@example.org"),
    ):
        assert repeat_key(other) != repeat_key(mail)


def test_a_mail_without_message_id_is_recognised_by_what_its_writer_set() -> None:
    assert repeat_key(a_mail(message_id=None)) == repeat_key(a_mail(message_id=None))
    assert repeat_key(a_mail(message_id=None)) != repeat_key(a_mail(message_id=None, subject="other"))


def test_an_answer_refers_to_what_the_first_mail_is_recognised_by() -> None:
    first = a_mail(message_id="<first@x>")
    answer = a_mail(message_id="<answer@x>", in_reply_to=("<first@x>",), body_sha256="01")
    assert not recognised_by(first).isdisjoint(refers_to(answer))
    assert recognised_by(answer).isdisjoint(refers_to(first))


def test_what_overtakes_the_mail_that_it_answers_is_found_by_it_and_by_other_answers() -> None:
    first = a_mail(message_id="<first@x>")
    answer = a_mail(message_id="<answer@x>", in_reply_to=("<first@x>",), body_sha256="01", recipients=("Bob@x",))
    other = a_mail(message_id="<other@x>", references=("<first@x>",), body_sha256="02", sender="bob@x")
    kept = awaits(answer)
    assert not kept.isdisjoint(refers_to(first))
    assert not kept.isdisjoint(refers_to(other))
    # Neither by a stranger, nor where what it answers has come.
    stranger = a_mail(message_id="<other@x>", references=("<first@x>",), sender="eve@x")
    assert kept.isdisjoint(refers_to(stranger))
    assert awaits(answer, known={id_key("<first@x>")}) == frozenset()


def test_what_a_hostile_mail_makes_us_keep_is_bounded() -> None:
    many = tuple(f"<{number}@x>" for number in range(500))
    mail = a_mail(references=many, recipients=tuple(f"{number}@x" for number in range(500)))
    assert len(awaits(mail)) <= 50
    assert len(people(mail, ())) <= 50


def test_loop_marks_differ_by_workspace() -> None:
    assert loop_mark(SECRET, "acme") != loop_mark(SECRET, "globex")
