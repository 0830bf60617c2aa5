"""What servers, mail programs and providers report about mail of ours, as they really write it."""

import base64

import pytest

from services.intake.adapters.email.mime import read
from services.intake.domain.mail import FailedRecipient, Mail, Report
from tests.unit.intake.mails import multipart, raw_mail, text_part

ORIGINAL = "Content-Type: message/rfc822\n\nMessage-ID: <ours@acme.example>\nTo: Ada <ada@example.org>\n\nHello"


def reported(kind: str, part: str, *others: str, **headers: str) -> Mail:
    return read(multipart(f"report; report-type={kind}", text_part("See below."), part, *others, **headers))


def status(*blocks: str) -> str:
    return "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n" + "\n\n".join(blocks)


def report_of(mail: Mail) -> Report:
    assert mail.report
    return mail.report


def test_a_delivery_status_names_each_address_that_failed_and_why() -> None:
    mail = reported(
        "delivery-status",
        status(
            "Original-Recipient: rfc822;ada+2Bshop@Example.ORG\nFinal-Recipient: rfc822; ada@inner.example\n"
            "Action: failed\nStatus: 5.1.1 (bad destination)\nDiagnostic-Code: smtp; 550 5.1.1 User\n unknown",
            "Final-Recipient: RFC822; <bob@example.org>\nAction: Delayed\nStatus: 4.4.1",
            "Final-Recipient: rfc822; carl@example.org\nAction: delivered\nStatus: 2.0.0",
            "Final-Recipient: rfc822; nobody\nAction: failed\nStatus: 5.1.1",
        ),
        ORIGINAL,
    )
    assert report_of(mail).failures == (
        FailedRecipient(
            address="ada+shop@example.org",
            action="failed",
            status="5.1.1",
            diagnostic="smtp; 550 5.1.1 User unknown",
        ),
        FailedRecipient(address="bob@example.org", action="delayed", status="4.4.1"),
    )
    assert mail.original_message_ids == ("<ours@acme.example>",)


def test_an_international_delivery_status_is_one_too() -> None:
    part = status("Final-Recipient: utf-8; jürgen@example.org\nAction: failed\nStatus: 5.1.1")
    mail = reported("delivery-status", part.replace("delivery-status", "global-delivery-status"))
    assert [failure.address for failure in report_of(mail).failures] == ["jürgen@example.org"]


def test_a_delivery_status_that_is_encoded_is_read() -> None:
    head, _, blocks = status("Final-Recipient: rfc822; ada@example.org\nAction: failed\nStatus: 5.1.1").partition(
        "\n\n"
    )
    encoded = base64.b64encode(blocks.encode()).decode()
    mail = reported("delivery-status", f"{head}\nContent-Transfer-Encoding: base64\n\n{encoded}")
    assert [failure.address for failure in report_of(mail).failures] == ["ada@example.org"]


def test_a_report_that_does_not_say_its_kind_is_known_by_its_part() -> None:
    part = status("Final-Recipient: rfc822; ada@example.org\nAction: failed\nStatus: 5.1.1")
    assert report_of(read(multipart("report", part))).kind == "delivery-status"
    sent_by_server = read(multipart("mixed", part, From="MAILER-DAEMON@mx.example"))
    assert report_of(sent_by_server).failures
    # A customer may send us one that they have received.
    assert read(multipart("mixed", text_part("What is this?"), part)).report is None


@pytest.mark.parametrize(
    ("fields", "others", "addresses"),
    [
        ("Original-Rcpt-To: <Ada@Example.org>\nOriginal-Rcpt-To: bob@example.org", (), ["Ada@example.org", "bob@example.org"]),  # noqa: E501
        ("Removal-Recipient: ada@example.org", (), ["ada@example.org"]),
        ("User-Agent: x", (ORIGINAL,), ["ada@example.org"]),
        ("User-Agent: x", (), []),
    ],
)  # fmt: skip
def test_a_complaint_names_who_complains(fields: str, others: tuple[str, ...], addresses: list[str]) -> None:
    mail = reported(
        "feedback-report",
        f"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n{fields}",
        *others,
    )
    report = report_of(mail)
    assert report.kind == "feedback-report"
    assert [(failure.address, failure.action) for failure in report.failures] == [
        (address, "complaint") for address in addresses
    ]


def test_a_receipt_names_nobody_who_failed() -> None:
    part = (
        "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ada@example.org\n"
        "Original-Message-ID: <ours@acme.example>\nDisposition: automatic-action/MDN-sent-automatically; displayed"
    )
    mail = reported("disposition-notification", part)
    assert report_of(mail) == Report(kind="disposition-notification")
    assert mail.original_message_ids == ("<ours@acme.example>",)


BOUNCE = "<ada@example.org>:\n550 5.1.1 no such user\n\n--- Below this line is a copy\n\nMessage-ID: <ours@x>\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "MAILER-DAEMON@mx.example"},
        {"From": "Mail Delivery System <Postmaster@mx.example>"},
        {"X-Failed-Recipients": "ada@example.org", "From": "Mail <robot@mx.example>"},
    ],
)
def test_a_bounce_in_words_is_read(headers: dict[str, str]) -> None:
    mail = read(raw_mail(f"qmail-send\n\n{BOUNCE}", **headers))
    (failure,) = report_of(mail).failures
    assert (failure.address, failure.action, failure.status) == ("ada@example.org", "failed", "5.1.1")
    assert (report_of(mail).kind, report_of(mail).actions) == ("words", ("failed",))
    assert mail.original_message_ids == ("<ours@x>",)


def test_a_person_who_quotes_a_bounce_has_not_bounced() -> None:
    mail = read(raw_mail(f"I got this:\n\n{BOUNCE}", Return_Path="<>"))
    assert mail.report is None
    assert mail.original_message_ids == ()


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        ({"X-Autoreply": "yes"}, True),
        ({"X-Autorespond": "Re: x"}, True),
        ({"X-Autoreply-From": "ada@example.org"}, True),
        ({"X-Mail-Autoreply": "autoreply"}, True),
        ({"X-POST-MessageClass": "9; Autoresponder"}, True),
        ({"Delivered-To": "Autoresponder"}, True),
        ({"Delivered-To": "autoresponder@example.org"}, False),
        ({"X-Autoreply": "no"}, False),
        ({"X-Mailer": "autoreply"}, False),
    ],
)
def test_autoresponders_mark_their_mail(headers: dict[str, str], is_one: bool) -> None:
    assert read(raw_mail(**headers)).markers.is_autoresponse is is_one


@pytest.mark.parametrize(
    "name",
    ["List-Id", "List-Unsubscribe", "List-Post", "List-Help", "List-Archive", "List-Owner", "LIST-SUBSCRIBE"],
)
def test_any_list_header_marks_a_list(name: str) -> None:
    assert read(raw_mail(**{name: "<mailto:x@list.example>"})).markers.is_list
    assert not read(raw_mail(**{f"X-{name}": "x"})).markers.is_list


def test_a_report_about_many_names_some() -> None:
    blocks = [f"Final-Recipient: rfc822; a{n}@x.example\nAction: failed\nStatus: 5.1.1" for n in range(1_000)]
    failures = report_of(reported("delivery-status", status(*blocks))).failures
    assert 50 < len(failures) <= 100
    assert failures[0].address == "a0@x.example"
