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
    "local",
    [
        *("noreply", "no-reply", "NO_REPLY", "no.reply+123", "donotreply", "do-not-reply-please", "owner-list"),
        *(
            "list-request",
            "list-owner",
            "list-bounces+ada=x.example",
            "bounce+1234",
            "majordomo",
            "nicht-antworten",
        ),
        *("ne-pas-repondre", "noresponder", "nao-responda", "non-rispondere", "niet.beantwoorden", "svara-inte"),
    ],
)
def test_machine_addresses_are_not_acknowledged(local: str) -> None:
    verdict = screened(a_mail(sender=f"{local}@shop.example"))
    assert verdict == Verdict(machine=M.NONE, may_open=True, may_acknowledge=False)


@pytest.mark.parametrize("local", ["postmaster", "mailer-daemon"])
def test_who_writes_bounces_is_not_acknowledged(local: str) -> None:
    verdict = screened(a_mail(sender=f"{local}@mx.example"))
    assert verdict == Verdict(machine=M.AUTO_GENERATED, may_open=True, may_acknowledge=False)


@pytest.mark.parametrize(
    "local", ["ada", "noah.reply", "reply", "owner", "request", "bouncer", "norbert", "nobody.knows", "denoreply"]
)
def test_other_addresses_are_acknowledged(local: str) -> None:
    assert screened(a_mail(sender=f"{local}@shop.example")).may_acknowledge


SUBJECTS = (
    *("Automatic reply: On holiday", "AUTO-REPLY: x", "Out of Office: x", "Out-of-office", "[EXT] Out of office"),
    *(
        "Undelivered Mail Returned to Sender",
        "Delivery Status Notification (Failure)",
        "failure notice",
        "Read: x",
    ),
    *(
        "Automatische Antwort: x",
        "Abwesenheitsnotiz",
        "Unzustellbar: x",
        "Réponse automatique : x",
        "Non remis : x",
    ),
    *("Respuesta automática: x", "No se puede entregar: x", "Risposta automatica: x", "Non recapitabile: x"),
    *("Automatisch antwoord: x", "Onbestelbaar: x", "Resposta automática: x", "Não entregue: x", "Lida: x"),
    *("Automatyczna odpowiedź: x", "Niedostarczalne: x", "Autosvar: x", "Olevererbart: x", "Automatisk svar: x"),
    *("自動返信: x", "不在通知", "自动答复: x", "自动回复：x", "系统退信", "Automaattinen vastaus: x"),
    "Automatická odpověď: x",
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects_are_a_weak_marker(subject: str) -> None:
    verdict = screened(a_mail(subject=subject))
    assert verdict == Verdict(machine=M.NONE, may_open=True, may_acknowledge=False)


@pytest.mark.parametrize(
    "subject", ["", "Re: Automatic reply", "The auto reply does not work", "Office chair", "阅读"]
)
def test_other_subjects_are_none(subject: str) -> None:
    assert screened(a_mail(subject=subject)).may_acknowledge


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
        (Report(kind="words", actions=("failed",), statuses=("5.1.1",)), M.BOUNCE_HARD, True),
        (Report(kind="words", actions=("failed",)), M.BOUNCE_SOFT, True),
        (Report(kind="words", actions=("delayed",)), M.BOUNCE_SOFT, False),
    ],
)  # fmt: skip
def test_reports_tell_what_became_of_our_mail(report: Report, machine: M, is_undelivered: bool) -> None:
    verdict = screened(a_mail(report=report, sender="mailer-daemon@mx.example"), envelope_sender="")
    assert verdict.machine is machine
    assert verdict.is_undelivered is is_undelivered
    assert not verdict.may_open


def test_a_bounce_in_words_needs_no_envelope() -> None:
    report = Report(kind="words", actions=("failed",), statuses=("5.1.1",))
    verdict = screened(a_mail(report=report, sender="mailer-daemon@mx.example"), envelope_sender=None)
    assert (verdict.machine, verdict.is_undelivered) == (M.BOUNCE_HARD, True)


def test_a_report_of_another_kind_is_read_by_its_other_markers() -> None:
    assert screened(a_mail(report=Report(kind="sieve"))).machine is M.NONE
    assert screened(a_mail(report=Report(kind="")), envelope_sender="").machine is M.AUTO_GENERATED


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
