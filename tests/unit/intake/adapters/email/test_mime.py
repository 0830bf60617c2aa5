"""Mail of the kinds that really come, as what it says."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email import bodies, mime
from services.intake.adapters.email.mime import Unreadable, best_effort, read
from services.intake.domain.mail import FailedRecipient, Mail, Mailbox, Report
from tests.unit.intake.mails import SUPPORT, multipart, raw_mail, text_part


def test_headers_become_fields() -> None:
    mail = read(
        raw_mail(
            From="=?utf-8?Q?M=C3=BCller=2C_Ada?= <Ada@Example.ORG>",
            To=f"Acme <{SUPPORT}>, b@x.example",
            Cc="c@x.example",
            Delivered_To="support+t.abc@acme.example",
            Reply_To="answers@example.org",
            Subject="=?utf-8?B?R3LDvMOf?=\r\n =?utf-8?B?ZQ==?= from =?iso-8859-1?Q?K=F6ln?=",
            In_Reply_To="<a@x>",
            References="<old@x>\r\n <a@x>",
        )
    )
    assert mail.sender == Mailbox(address="Ada@example.org", name="Müller, Ada")
    assert mail.recipients == ("support+t.abc@acme.example", SUPPORT, "b@x.example", "c@x.example")
    assert mail.reply_to == "answers@example.org"
    assert mail.subject == "Grüße from Köln"
    assert mail.message_id == "<1@example.org>"
    assert (mail.in_reply_to, mail.references) == (("<a@x>",), ("<old@x>", "<a@x>"))
    assert mail.sent_at == datetime(2026, 3, 12, 9, 15, tzinfo=UTC)
    assert (mail.text, mail.text_new) == ("Please help.\n", "Please help.")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("Ada @ Acme <ada@example.org>", "Ada @ Acme"),
        ("victim@bank.example <ada@example.org>", "victim@bank.example"),
        ("'bob@example.com' via Support <ada@example.org>", "'bob@example.com' via Support"),
    ],
)
def test_nobody_is_the_sender_whom_a_name_names(field: str, name: str) -> None:
    mail = read(raw_mail(From=field, Reply_To=field))
    assert (mail.sender, mail.reply_to) == (Mailbox(address="ada@example.org", name=name), "ada@example.org")


def test_subjects_and_names_look_like_what_they_are() -> None:
    written = "\u202eknab\u2066 \u200bto\ufeff\u2028all \u2069 \u0627\u200c\u0628 \U0001f469\u200d\U0001f4bb"
    encoded = f"=?utf-8?B?{base64.b64encode(written.encode()).decode()}?="
    mail = read(raw_mail(Subject=encoded, From=f"{encoded} <ada@example.org>"))
    shown = "knab toall  \u0627\u200c\u0628 \U0001f469\u200d\U0001f4bb"
    assert mail.sender
    assert (mail.subject, mail.sender.name) == (shown, shown)


def test_a_character_cut_in_two_by_encoded_words_is_whole_again() -> None:
    assert read(raw_mail(Subject="=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=")).subject == "Grüße"


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"=?x-unknown?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-7?Q?+AGE-?=", "+AGE-"),
        (b"=?utf-8?B?!!!?=", None),
        (b"=?UTF-8?Q?Was_ist_das??= =?UTF-8?Q?_Hilfe?=", "Was ist das? Hilfe"),
        (b"=?utf-8?q?Gr=C3=BC?= =?UTF-8?B?w59l?=", "Grüße"),
        (b"=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        (b"=?utf-8?Q?a b?=", "a b"),
        (b"=?utf-8?X?a?= =?utf-8?Q?b", "=?utf-8?X?a?= =?utf-8?Q?b"),
        (b"=?utf-8?Q??=", ""),
        (b"a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        (b"a =?utf-8?Q?=0D=0ABcc:_evil@x.example?=", "a  Bcc: evil@x.example"),
    ],
)
def test_subjects_are_read_whatever_their_charset(subject: bytes, shown: str | None) -> None:
    mail = read(raw_mail(Subject="SUBJECT").replace(b"SUBJECT", subject))
    assert shown is None or mail.subject == shown
    assert not set("\0\r\n") & set(mail.subject)


@pytest.mark.parametrize(
    ("charset", "content", "shown"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("iso-8859-1", "Preis: 5 €".encode("cp1252"), "Preis: 5 €"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße".encode(), "Grüße"),
        ("utf-8", "Grüße".encode("cp1252"), "Grüße"),
        ("gb2312", "你好".encode("gb18030"), "你好"),
        ("iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("windows-1251", "Привет".encode("cp1251"), "Привет"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("x-nobody-knows", "Grüße".encode(), "Grüße"),
        ("utf-7", b"+AD4-", "+AD4-"),
        ("unicode_escape", rb"\x41", r"\x41"),
        ("idna", "Grüße".encode(), "Grüße"),
        ("", "Grüße".encode(), "Grüße"),
        ("utf-8", b"a\0b", "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_texts_are_read_whatever_their_charset_or_label(charset: str, content: bytes, shown: str) -> None:
    raw = raw_mail("BODY", Content_Type=f"text/plain; charset={charset}").replace(b"BODY", content)
    assert read(raw).text.strip() == shown


@pytest.mark.parametrize(
    ("charset", "content", "shown"),
    [
        ("us-ascii", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("x-sjis", "こんにちは".encode("cp932"), "こんにちは"),
        ("ISO8859_1", b"Gr\xfc\xdfe", "Grüße"),
        ("utf-16", b"plain after all", "plain after all"),
        ("utf-8", b"\xef\xbb\xbfhello", "hello"),
        ("big5", "你好".encode("big5"), "你好"),
        ("euc-kr", "안녕".encode("euc-kr"), "안녕"),
        ("cp-850", "Grüße".encode("cp850"), "Grüße"),
        ("utf-8", b"Gr\xc3\xbc\xc3\x9fe \xff", "Grüße \N{REPLACEMENT CHARACTER}"),
        ("raw_unicode_escape", b"\\u0041", "\\u0041"),
        ("rot13", b"abc", "abc"),
    ],
)
def test_charsets_are_known_by_all_their_names(charset: str, content: bytes, shown: str) -> None:
    raw = raw_mail("BODY", Content_Type=f"text/plain; charset={charset}").replace(b"BODY", content)
    assert read(raw).text.strip() == shown


@pytest.mark.parametrize(
    ("charset", "content", "is_damaged"),
    [
        ("utf-8", "Grüße".encode(), False),
        ("us-ascii", "Grüße".encode(), False),
        ("iso-8859-1", "Grüße".encode("cp1252"), False),
        ("koi8-r", "Привет".encode("koi8-r"), False),
        ("", "Grüße".encode(), False),
        ("", "こんにちは".encode("iso-2022-jp"), False),
        ("utf-16", b"plain after all", False),
        ("", "Привет".encode("koi8-r"), True),
        ("utf-8", "Grüße".encode("cp1252"), True),
        ("utf-8", b"Gr\xc3\xbc\xc3\x9fe \xff", True),
        ("utf-8", b"a\0b", True),
        ("shift_jis", b"\x81", True),
        ("utf-7", b"+AD4-", True),
        ("x-nobody-knows", "Grüße".encode("cp1252"), True),
    ],
)
def test_what_may_not_be_what_was_written_says_so(charset: str, content: bytes, *, is_damaged: bool) -> None:
    raw = raw_mail("BODY", Content_Type=f"text/plain; charset={charset}").replace(b"BODY", content)
    assert read(raw).is_damaged is is_damaged
    encoded = base64.b64encode(content).decode()
    if charset:
        assert read(raw_mail(Subject=f"=?{charset}?B?{encoded}?=")).is_damaged is is_damaged


def test_text_of_two_bytes_a_letter_is_read() -> None:
    encoded = base64.b64encode("Grüße".encode("utf-16")).decode()
    raw = raw_mail(encoded, Content_Type="text/plain; charset=utf-16", Content_Transfer_Encoding="base64")
    assert read(raw).text == "Grüße"


def test_html_names_its_charset_where_its_part_does_not() -> None:
    html = '<html><head><meta http-equiv=x content="text/html; charset=windows-1251"></head>ПРИВЕТ</html>'
    raw = raw_mail("BODY", Content_Type="text/html").replace(b"BODY", html.encode("cp1251"))
    assert read(raw).text == "ПРИВЕТ"


def test_headers_of_bytes_are_in_the_charset_of_the_text() -> None:
    raw = raw_mail("BODY", Subject="SUBJECT", From="NAME <a@b.example>", Content_Type="text/plain; charset=koi8-r")
    for word in (b"SUBJECT", b"NAME", b"BODY"):
        raw = raw.replace(word, "Привет".encode("koi8-r"))
    mail = read(raw)
    assert mail.sender
    assert (mail.subject, mail.sender.name, mail.text.strip()) == ("Привет",) * 3


@pytest.mark.parametrize(
    "plain",
    [
        "Your email client does not support HTML messages.",
        "This message is in HTML. Please view it in a browser: https://x.example/view",
        "Ihr E-Mail-Programm unterstützt leider keine HTML-E-Mails.",
    ],
)
def test_an_excuse_for_being_html_is_no_text(plain: str) -> None:
    mail = read(multipart("alternative", text_part(plain), text_part("<p>The printer burns.</p>", "html")))
    assert mail.text == "The printer burns."


def test_a_question_about_html_is_a_text() -> None:
    plain, html = "Why does my HTML look odd?", "<p>Why does my <b>HTML</b> look odd?</p>"
    mail = read(multipart("alternative", text_part(plain), text_part(html, "html")))
    assert mail.text.strip() == plain
    assert read(raw_mail("HTML")).text.strip() == "HTML"


def test_an_invitation_without_text_is_read() -> None:
    calendar = (
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\nTZID:Berlin\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
        "SUMMARY:Repair\\, the big\n  one\nDTSTART;TZID=Berlin:20260312T101500\nDTEND:20260312T101500Z\n"
        "LOCATION:Room 1\nEND:VEVENT\nEND:VCALENDAR"
    )
    part = f"Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\n{calendar}"
    mail = read(multipart("alternative", part))
    assert mail.text == (
        "Invitation: Repair, the big one\nWhen: 2026-03-12 10:15 (Berlin) to 2026-03-12 10:15 (UTC)\nWhere: Room 1"
    )
    assert [file.filename for file in mail.attachments] == ["invite.ics"]
    assert read(multipart("alternative", text_part("Come!"), part)).text.strip() == "Come!"


@pytest.mark.parametrize(
    ("calendar", "text"),
    [
        ("METHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;VALUE=DATE:20260312", "Cancelled: x\nWhen: 2026-03-12"),
        ("METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED:mailto:a@b", "Answer: declined"),
        ("BEGIN:VEVENT\nDESCRIPTION:one\\ntwo\nDTSTART:never", "one\ntwo"),
        ("BEGIN:VTODO\nSUMMARY:x", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_appointments_are_read(calendar: str, text: str) -> None:
    assert read(raw_mail(f"BEGIN:VCALENDAR\n{calendar}", Content_Type="text/calendar")).text == text


ARMOUR = "-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----"


def test_what_is_encrypted_is_kept_and_said() -> None:
    pgp = multipart(
        'encrypted; protocol="application/pgp-encrypted"',
        "Content-Type: application/pgp-encrypted\n\nVersion: 1",
        f"Content-Type: application/octet-stream; name=encrypted.asc\n\n{ARMOUR}",
    )
    mail = read(pgp)
    assert mail.text == bodies.ENCRYPTED
    assert [file.filename for file in mail.attachments] == ["version.txt", "encrypted.asc"]
    for kind, text in (("enveloped-data", bodies.ENCRYPTED), ("signed-data", bodies.SEALED)):
        raw = raw_mail("MIIB", Content_Type=f"application/pkcs7-mime; smime-type={kind}; name=smime.p7m")
        assert (read(raw).text, read(raw).attachments[0].filename) == (text, "smime.p7m")
    assert read(raw_mail(ARMOUR)).text.strip() == ARMOUR


def test_what_is_signed_is_read_and_its_signature_kept() -> None:
    for kind, name in (("pgp-signature", "signature.asc"), ("pkcs7-signature", "smime.p7s")):
        mail = read(multipart("signed", text_part("hi"), f"Content-Type: application/{kind}\n\nx"))
        assert (mail.text.strip(), [file.filename for file in mail.attachments]) == ("hi", [name])


def test_what_outlook_wraps_is_kept() -> None:
    mail = read(multipart("mixed", text_part("hi"), "Content-Type: application/ms-tnef\n\nx"))
    assert [file.filename for file in mail.attachments] == ["winmail.dat"]


def test_files_within_the_text_stay_text() -> None:
    text = "See below.\n\nbegin 644 a.txt\n#0V%T\n`\nend"
    assert read(raw_mail(text)).text.strip() == text


def test_further_forms_of_a_text_are_no_files() -> None:
    amp = "Content-Type: text/x-amp-html\n\n<html amp4email>"
    mail = read(multipart("alternative", text_part("hi"), amp, text_part("<p>hi</p>", "html")))
    assert (mail.text.strip(), mail.attachments) == ("hi", ())


def test_a_text_that_is_a_file_is_a_file() -> None:
    log = "Content-Type: text/plain; name=log.txt\nContent-Disposition: inline; filename=log.txt\n\nline"
    page = "Content-Type: text/html\nContent-Disposition: attachment\n\n<p>x</p>"
    mail = read(multipart("mixed", text_part("one"), log, page, text_part("two")))
    assert [line for line in mail.text.split("\n") if line] == ["one", "two"]
    assert [file.filename for file in mail.attachments] == ["log.txt", "attachment"]


def test_a_body_whose_boundary_never_comes_is_text() -> None:
    assert (
        read(raw_mail("Please help.", Content_Type="multipart/mixed; boundary=x")).text.strip() == "Please help."
    )
    assert read(raw_mail("Please help.", Content_Type="multipart/alternative")).text.strip() == "Please help."


def test_an_attached_mail_that_is_encoded_is_decoded() -> None:
    inner = base64.b64encode(b"Subject: inner\n\ninner text").decode()
    part = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}"
    (file,) = read(multipart("mixed", text_part("hi"), part)).attachments
    assert file.content == b"Subject: inner\n\ninner text"


def test_pictures_are_found_by_what_the_html_calls_them() -> None:
    picture = "Content-Type: image/png\nContent-ID: <p1@x>\n\nx"
    mail = read(
        multipart("related", text_part('<p>see <img src="cid:p1@x" alt="the error"></p>', "html"), picture)
    )
    assert mail.text == "see [the error]"
    assert [(file.content_id, file.is_inline) for file in mail.attachments] == [("p1@x", True)]


def test_text_folded_without_its_spaces_is_unfolded() -> None:
    mail = read(raw_mail("您 \n好\n", Content_Type="text/plain; charset=utf-8; format=flowed; delsp=yes"))
    assert mail.text.strip() == "您好"


def test_the_signature_is_kept_apart() -> None:
    mail = read(raw_mail("Please help.\n-- \nAda\nEngines Ltd."))
    assert (mail.text_new, mail.signature) == ("Please help.", "--\nAda\nEngines Ltd.")


def test_plain_text_is_preferred_and_html_is_kept() -> None:
    mail = read(multipart("alternative", text_part("plain"), text_part("<b>rich</b>", "html")))
    assert mail.text.strip() == "plain"
    assert mail.html is not None
    assert mail.html.strip() == "<b>rich</b>"


def test_html_alone_is_shown_as_text_and_its_quote_is_cut() -> None:
    html = (
        "<html><head><style>p{}</style></head><body><p>Thank you, <b>that</b> worked.</p>"
        '<div class="gmail_quote gmail_quote_container"><div class="gmail_attr">On Thu, Mar 12, 2026 at 10:15 AM'
        " Acme wrote:<br></div><blockquote><p>Hello Ada</p></blockquote></div></body></html>"
    )
    mail = read(raw_mail(html, Content_Type="text/html; charset=utf-8"))
    assert mail.text_new == "Thank you, that worked."
    assert "\n> Hello Ada" in mail.text


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="moz-cite-prefix">On 12/03/2026 10:15, Acme wrote:<br></div><blockquote>Hello</blockquote>',
        '<hr><div id="divRplyFwdMsg"><b>From:</b> Acme<br><b>Sent:</b> Thursday<br><b>To:</b> Ada<br>'
        "<b>Subject:</b> Re: x</div><div>Hello Ada</div>",
        '<div class="yahoo_quoted"><div>On Thursday, 12 March 2026, Acme wrote:</div><div>Hello</div></div>',
        '<blockquote type="cite"><div>On 12. Mar 2026, at 10:15, Acme wrote:</div><div>Hello</div></blockquote>',
    ],
    ids=["Thunderbird", "Outlook", "Yahoo", "Apple Mail"],
)
def test_quotes_in_html_are_cut(quote: str) -> None:
    mail = read(raw_mail(f"<div>That worked.</div><br>{quote}", Content_Type="text/html"))
    assert mail.text_new == "That worked."


def test_a_blank_plain_part_gives_way_to_html() -> None:
    mail = read(multipart("alternative", text_part(" \n"), text_part("<p>rich</p>", "html")))
    assert mail.text == "rich"


def test_a_lists_footer_does_not_hide_an_html_body() -> None:
    mail = read(multipart("mixed", text_part("<p>body</p>", "html"), text_part("-- \nlist footer")))
    assert mail.text.startswith("body\n")


def test_text_between_pictures_is_one_text() -> None:
    picture = 'Content-Type: image/png; name="a.png"\nContent-Disposition: inline\nContent-ID: <p1@x>\nContent-Transfer-Encoding: base64\n\niVBORw=='  # noqa: E501
    mail = read(multipart("mixed", text_part("above"), picture, text_part("below")))
    assert [line for line in mail.text.split("\n") if line] == ["above", "below"]
    (file,) = mail.attachments
    assert (file.filename, file.content_id, file.is_inline) == ("a.png", "p1@x", True)
    assert file.content == b"\x89PNG"


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ('filename="invoice.pdf"', "invoice.pdf"),
        ("filename*=UTF-8''R%C3%BCckgabe.pdf", "Rückgabe.pdf"),
        ('filename="=?utf-8?Q?R=C3=BCckgabe.pdf?="', "Rückgabe.pdf"),
        ('filename*0="a-very-"; filename*1="long-name.pdf"', "a-very-long-name.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        (r'filename="C:\\Users\\ada\\a.pdf"', "a.pdf"),
        ('filename="evil\u202efdp.exe"', "evilfdp.exe"),
        ('filename=""', "attachment"),
        ("filename*=x-none''%ff", None),
    ],
)
def test_file_names_are_safe_to_show(named: str, shown: str | None) -> None:
    part = f"Content-Type: application/pdf\nContent-Disposition: attachment; {named}\n\n%PDF"
    (file,) = read(multipart("mixed", text_part("hi"), part)).attachments
    assert shown is None or file.filename == shown
    assert file.filename
    assert file.filename.isprintable()
    assert file.media_type == "application/pdf"


def test_invitations_signatures_and_nested_mails_are_kept_as_files() -> None:
    nested = "Content-Type: message/rfc822\n\nSubject: inner\nMessage-ID: <inner@x>\n\ninner text"
    mail = read(
        multipart(
            "signed",
            text_part("hi"),
            "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR",
            nested,
            "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----",
        )
    )
    assert mail.text.strip() == "hi"
    assert [file.filename for file in mail.attachments] == ["invite.ics", "message.eml", "signature.asc"]
    assert b"inner text" in mail.attachments[1].content
    assert mail.attachments[1].media_type == "message/rfc822"
    assert mail.original_message_ids == ("<inner@x>",)


def test_folded_text_is_unfolded() -> None:
    body = "This was one \nline.\n\nOn 12/03/2026 10:15, Acme wrote:\n> quoted \n> line\n-- \nAda"
    mail = read(raw_mail(body, Content_Type="text/plain; format=flowed"))
    assert mail.text.rstrip() == body.replace("one \n", "one ").replace("quoted \n> ", "quoted ")
    assert mail.text_new == "This was one line."


BOUNCE = multipart(
    "report; report-type=delivery-status",
    text_part("Your message could not be delivered."),
    "Content-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; mx.example\n\n"
    "Final-Recipient: rfc822; ada@example.org\nAction: failed\nStatus: 5.1.1\n\n"
    "Final-Recipient: rfc822; bob@example.org\nAction: delayed\nStatus: 4.4.1\n",
    "Content-Type: message/rfc822\n\nMessage-ID: <ours@acme.example>\nSubject: Re: x\n\nHello",
    Return_Path="<>",
    Auto_Submitted="auto-replied (rejected)",
)


def test_a_bounce_tells_what_it_is_about() -> None:
    mail = read(BOUNCE)
    assert mail.report == Report(
        kind="delivery-status",
        actions=("failed", "delayed"),
        statuses=("5.1.1", "4.4.1"),
        failures=(
            FailedRecipient(address="ada@example.org", action="failed", status="5.1.1"),
            FailedRecipient(address="bob@example.org", action="delayed", status="4.4.1"),
        ),
    )
    assert mail.original_message_ids == ("<ours@acme.example>",)
    assert mail.markers.has_null_return_path
    assert mail.markers.auto_submitted == "auto-replied"


def test_a_bounce_with_headers_only_tells_what_it_is_about() -> None:
    raw = multipart(
        "report; report-type=delivery-status",
        text_part("no"),
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\nStatus: 5.0.0",
        "Content-Type: text/rfc822-headers\n\nMessage-ID: <ours@acme.example>\nSubject: x\n",
    )
    assert read(raw).original_message_ids == ("<ours@acme.example>",)


def test_a_receipt_and_a_complaint_tell_what_they_are_about() -> None:
    receipt = multipart(
        "report; report-type=disposition-notification",
        text_part("read"),
        "Content-Type: message/disposition-notification\n\nOriginal-Message-ID: <ours@acme.example>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed",
    )
    assert read(receipt).original_message_ids == ("<ours@acme.example>",)
    complaint = multipart(
        "report; report-type=feedback-report",
        text_part("spam"),
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse",
        "Content-Type: message/rfc822\n\nMessage-ID: <ours@acme.example>\n\nx",
    )
    found = read(complaint)
    assert found.report
    assert (found.report.kind, found.original_message_ids) == ("feedback-report", ("<ours@acme.example>",))


def test_machine_markers_are_read() -> None:
    marks = read(
        raw_mail(
            Auto_Submitted="Auto-Replied; owner-email=x",
            Precedence="Bulk",
            X_Auto_Response_Suppress="DR, OOF, AutoReply",
            List_Id="<list.example>",
            X_Autoreply="yes",
            X_Waypost_Loop="abcdef",
            Received="from a by b",
        )
    ).markers
    assert (marks.auto_submitted, marks.precedence) == ("auto-replied", "bulk")
    assert marks.suppresses == ("dr", "oof", "autoreply")
    assert marks.is_list
    assert marks.is_autoresponse
    assert (marks.loop_marks, marks.hops) == (("abcdef",), 1)


def test_what_is_added_on_the_way_does_not_change_the_body() -> None:
    once = read(raw_mail())
    again = read(b"Received: from a by b\r\n" + raw_mail().replace(b"\r\n", b"\n"))
    assert once.body_sha256 == again.body_sha256


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (raw_mail(X_Long="x" * mime.MAX_HEADERS), "headers"),
        (multipart("mixed", *["\n"] * (mime.MAX_PARTS + 1)), "parts"),
        (raw_mail(To=", ".join(f"a{n}@x.example" for n in range(mime.MAX_ADDRESSES + 1))), "addresses"),
        (multipart("mixed", *["Content-Type: a/b\n\nx"] * (mime.MAX_ATTACHMENTS + 1)), "attachments"),
    ],
    ids=["headers", "parts", "addresses", "attachments"],
)
def test_beyond_a_limit_a_mail_is_not_read(raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(raw)


def test_parts_are_nested_only_so_deeply() -> None:
    raw = raw_mail("", Content_Type="multipart/mixed; boundary=b0").rstrip()
    for depth in range(1, 30):
        raw += f"\r\n\r\n--b{depth - 1}\r\nContent-Type: multipart/mixed; boundary=b{depth}".encode()
    with pytest.raises(Unreadable, match="deeply"):
        read(raw)


def test_reading_ends_at_a_limit_on_all_parts_and_those_of_attached_mails() -> None:
    blocks = "".join(f"Action: failed\nStatus: 5.1.{n}\n\n" for n in range(mime.MAX_MESSAGES))
    with pytest.raises(Unreadable, match="parts"):
        read(multipart("report", f"Content-Type: message/delivery-status\n\n{blocks}"))
    with pytest.raises(Unreadable, match="deeply"):
        read(forwarded(mime.MAX_MESSAGE_DEPTH // 2 + 1))


def test_a_mail_that_was_often_attached_and_a_bounce_from_many_are_read() -> None:
    (file,) = read(forwarded(mime.MAX_MESSAGE_DEPTH // 2)).attachments
    assert b"the first one" in file.content
    blocks = "".join(f"Action: failed\nStatus: 5.1.{n}\n\n" for n in range(4_000))
    report = read(multipart("report", f"Content-Type: message/delivery-status\n\n{blocks}")).report
    assert report
    assert report.statuses[:2] == ("5.1.0", "5.1.1")


def forwarded(times: int) -> bytes:
    """A mail that is attached to one, which is attached to another, and so on."""
    raw = "Subject: s\n\nthe first one"
    for n in range(times):
        kind = f"Content-Type: multipart/mixed; boundary=b{n}"
        raw = f"Subject: Fwd\n{kind}\n\n--b{n}\nContent-Type: message/rfc822\n\n{raw}\n--b{n}--\n"
    return raw.encode()


@pytest.mark.parametrize(
    "header",
    ['To: "', "To: (c):", "Message-ID: <[", "From: <>", "From: (", "Date: yesterday", "Date: 0", "References: <"],
)
def test_a_broken_header_does_not_break_the_mail(header: str) -> None:
    assert read(f"{header}\r\nSubject: s\r\n\r\ntext".encode()).text == "text"


@given(st.binary(max_size=300), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(head: bytes, body: bytes) -> None:
    try:
        mail = read(head + b"\r\n\r\n" + body)
    except Unreadable:
        return
    assert_storable(mail)


_FIELDS = st.sampled_from(
    ["From", "To", "Subject", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Message-ID"]
)
_SIGNS = (*'"<>@;=(),a \0', "name*", "filename*0*=", "''%ff", "=?utf-8?Q?=FF?=", "\udcff", "\r\n ")
_WORDS = ("text/plain", "multipart/mixed", "boundary=b", "message/rfc822", "base64", "charset=idna")
_PIECES = st.sampled_from((*_SIGNS, *_WORDS))


@given(st.lists(st.tuples(_FIELDS, st.lists(_PIECES, max_size=8)), max_size=6))
def test_headers_of_pieces_are_read_or_refused(fields: list[tuple[str, list[str]]]) -> None:
    head = "".join(f"{name}: {''.join(pieces)}\r\n" for name, pieces in fields)
    raw = (head + "\r\n--b\r\n\r\ntext\r\n--b--").encode("ascii", errors="surrogateescape")
    assert_storable(read(raw))
    best_effort(raw)


def assert_storable(mail: Mail) -> None:
    texts = [mail.subject, mail.text, mail.text_new, mail.html or "", mail.message_id or "", *mail.references]
    texts += [*mail.recipients, *(file.filename for file in mail.attachments)]
    texts += [mail.sender.address, mail.sender.name or ""] if mail.sender else []
    for text in texts:
        assert "\0" not in text
        text.encode()


def test_subject_and_sender_of_an_unreadable_mail_are_guessed() -> None:
    raw = raw_mail(Subject="=?utf-8?Q?Gr=C3=BC=C3=9Fe?=") + b"\xff" * 100
    assert best_effort(raw) == ("Grüße", "ada@example.org")
    assert best_effort(b"") == ("", None)
