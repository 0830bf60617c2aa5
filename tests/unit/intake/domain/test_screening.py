import pytest

from services.intake.domain.mail import Mail, Markers, Report
from services.intake.domain.screening import MAX_HOPS, Verdict, screen
from shared.vocabulary import MachineClass as M
from tests.unit.intake.mails import SUPPORT, a_mail


def screened(
    mail: Mail, *, envelope_sender: str | None = "ada@example.org", allows_lists: bool = False
) -> Verdict:
    return screen(
        mail,
        envelope_sender=envelope_sender,
        own_addresses={SUPPORT},
        own_loop_mark="ourmark",
        allows_lists=allows_lists,
    )


def test_a_persons_mail_opens_and_may_be_acknowledged() -> None:
    assert screened(a_mail()) == Verdict(machine=M.NONE, may_open=True, may_acknowledge=True)


@pytest.mark.parametrize(
    ("markers", "machine", "may_open"),
    [
        (Markers(auto_submitted="no"), M.NONE, True),
        (Markers(auto_submitted="auto-replied"), M.AUTO_REPLY, False),
        (Markers(auto_submitted="auto-generated"), M.AUTO_GENERATED, True),
        (Markers(auto_submitted="auto-notified"), M.AUTO_GENERATED, True),
        (Markers(is_autoresponse=True), M.AUTO_REPLY, False),
        (Markers(precedence="auto_reply"), M.AUTO_REPLY, False),
        (Markers(precedence="bulk"), M.BULK, False),
        (Markers(precedence="list"), M.BULK, False),
        (Markers(precedence="junk"), M.BULK, False),
        (Markers(precedence="first-class"), M.NONE, True),
        (Markers(is_list=True), M.BULK, False),
        (Markers(has_null_return_path=True), M.AUTO_GENERATED, True),
        # A list's automatic answer is an automatic answer.
        (Markers(is_list=True, auto_submitted="auto-replied"), M.AUTO_REPLY, False),
    ],
)
def test_markers_say_what_wrote_a_mail(markers: Markers, machine: M, may_open: bool) -> None:
    verdict = screened(a_mail(markers=markers))
    assert (verdict.machine, verdict.may_open) == (machine, may_open)
    assert verdict.may_acknowledge == (machine is M.NONE)


def test_a_list_opens_where_the_channel_allows_lists() -> None:
    assert screened(a_mail(markers=Markers(is_list=True)), allows_lists=True).may_open


@pytest.mark.parametrize("suppresses", ["all", "oof", "autoreply"])
def test_a_wish_for_no_answer_alone_does_not_make_a_machine(suppresses: str) -> None:
    verdict = screened(a_mail(markers=Markers(suppresses=("dr", suppresses))))
    assert verdict == Verdict(machine=M.NONE, may_open=True, may_acknowledge=False)


@pytest.mark.parametrize(
    "sender",
    ["noreply@shop.example", "no-reply@shop.example", "owner-list@x.example", "list-request@x.example"],
)
def test_machine_addresses_are_not_acknowledged(sender: str) -> None:
    verdict = screened(a_mail(sender=sender))
    assert verdict == Verdict(machine=M.NONE, may_open=True, may_acknowledge=False)


def test_subjects_are_a_weak_marker() -> None:
    verdict = screened(a_mail(subject="Automatic reply: On holiday"))
    assert verdict == Verdict(machine=M.NONE, may_open=True, may_acknowledge=False)


@pytest.mark.parametrize(
    ("report", "machine", "is_undelivered"),
    [
        (Report(kind="delivery-status", actions=("failed",), statuses=("5.1.1",)), M.BOUNCE_HARD, True),
        (Report(kind="delivery-status", actions=("failed",), statuses=("4.4.7",)), M.BOUNCE_SOFT, True),
        (Report(kind="delivery-status", actions=("delayed",), statuses=("4.4.1",)), M.BOUNCE_SOFT, False),
        (Report(kind="delivery-status", actions=("delivered",), statuses=("2.0.0",)), M.RECEIPT, False),
        (Report(kind="delivery-status", actions=("relayed", "failed"), statuses=("5.0",)), M.BOUNCE_HARD, True),
        (Report(kind="disposition-notification"), M.RECEIPT, False),
        (Report(kind="feedback-report"), M.COMPLAINT, False),
    ],
)  # fmt: skip
def test_reports_tell_what_became_of_our_mail(report: Report, machine: M, is_undelivered: bool) -> None:
    verdict = screened(a_mail(report=report, sender="mailer-daemon@mx.example"), envelope_sender="")
    assert verdict.machine is machine
    assert verdict.is_undelivered is is_undelivered
    assert not verdict.may_open


def test_an_old_server_says_in_words_that_mail_has_bounced() -> None:
    text = "Hi. This is the qmail-send program.\n<x@y.example>: 550 5.1.1 no such user"
    verdict = screened(a_mail(sender="MAILER-DAEMON@mx.example", text=text), envelope_sender="")
    assert (verdict.machine, verdict.is_undelivered, verdict.may_open) == (M.BOUNCE_HARD, True, False)


@pytest.mark.parametrize(
    "mail",
    [
        a_mail(markers=Markers(loop_marks=("other", "ourmark"))),
        a_mail(sender=SUPPORT),
        a_mail(sender="Support+t.something@acme.example"),
        a_mail(markers=Markers(hops=MAX_HOPS + 1)),
    ],
    ids=["our mark", "our address", "our address with a tag", "too many servers"],
)
def test_our_own_mail_is_a_loop(mail: Mail) -> None:
    verdict = screened(mail)
    assert verdict.machine is M.LOOP
    assert verdict.refusal
    assert not verdict.may_open


def test_an_envelope_sender_of_ours_is_a_loop() -> None:
    assert screened(a_mail(), envelope_sender="support+t.abc@acme.example").machine is M.LOOP


def test_the_mark_of_another_help_desk_is_no_loop() -> None:
    assert screened(a_mail(markers=Markers(loop_marks=("theirs",)))).machine is M.NONE
