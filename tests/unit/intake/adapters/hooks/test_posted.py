"""Mail as SendGrid, Mailgun and Postmark post it: the same mail as if it had come by itself."""

import base64
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email import mime, wire
from services.intake.adapters.email.parser_process import answer
from services.intake.adapters.hooks import posted, rebuilt
from services.intake.domain.mail import Envelope, Mail, Mailbox, Markers
from tests.unit.intake.adapters.hooks import documented
from tests.unit.intake.adapters.hooks.signing import FORM, JSON, multipart

SUPPORT = "support@acme.example"


def sendgrid(fields: documented.Form) -> tuple[Mail, Envelope]:
    body, content_type = multipart(fields)
    return posted.read("sendgrid", content_type, body)


def mailgun(fields: dict[str, str]) -> tuple[Mail, Envelope]:
    return posted.read("mailgun", FORM, urlencode(fields).encode())


def postmark(payload: object) -> tuple[Mail, Envelope]:
    return posted.read("postmark", JSON, json.dumps(payload).encode())


def with_field(fields: documented.Form, name: str, content: bytes) -> documented.Form:
    return [(key, content if key == name else old, file, kind) for key, old, file, kind in fields]


def test_a_mail_in_pieces_by_sendgrid() -> None:
    mail, envelope = sendgrid(documented.sendgrid())
    assert (mail.subject, mail.sender) == ("Störung", Mailbox(address="ada@example.org", name="Ada Lovelace"))
    # The text is in the charset that SendGrid names for it.
    assert (mail.text.strip(), mail.html) == ("Der Drucker stört.", "<p>Der Drucker stört.</p>")
    assert (mail.message_id, mail.in_reply_to) == ("<sg-1@example.org>", ("<0@example.org>",))
    assert [(file.filename, file.content) for file in mail.attachments] == [("log.txt", b"paper jam\n")]
    assert envelope == Envelope(sender="ada@example.org", recipients=(SUPPORT,), is_verified=True)
    assert not mail.is_damaged


def test_a_charset_of_sendgrid_s_that_nobody_knows_is_told() -> None:
    assert sendgrid(with_field(documented.sendgrid(), "charsets", b'{"text": "utf-7"}'))[0].is_damaged


def test_a_raw_mail_by_sendgrid_is_read_as_it_came() -> None:
    mail, envelope = sendgrid(documented.sendgrid_raw())
    assert mail == mime.read(documented.RAW_MAIL)
    assert mail.text.strip() == "Der Drucker stört."
    assert envelope.recipients == (SUPPORT,)


@pytest.mark.parametrize(
    ("spf", "dkim", "is_verified"),
    [
        (b"pass", b"none", True),
        (b"fail", b"{@example.org : pass}", True),
        (b"softfail", b"{@example.org : fail}", False),
        (b"none", b"{@other.example : pass}", False),
        (b"none", b"{@other.example : pass, @example.org : pass}", True),
        (b"neutral", b"{@notexample.org : pass}", False),
        (b"", b"", False),
    ],
)
def test_sendgrid_vouches_for_the_domain_that_it_has_seen(spf: bytes, dkim: bytes, is_verified: bool) -> None:
    fields = with_field(with_field(documented.sendgrid_raw(), "SPF", spf), "dkim", dkim)
    assert sendgrid(fields)[1].is_verified is is_verified


def test_spf_of_another_domain_than_the_senders_vouches_for_nobody() -> None:
    other = json.dumps({"to": [SUPPORT], "from": "ada@evil.example"}).encode()
    fields = with_field(with_field(documented.sendgrid_raw(), "envelope", other), "dkim", b"none")
    assert sendgrid(fields)[1] == Envelope(sender="ada@evil.example", recipients=(SUPPORT,), is_verified=False)


@pytest.mark.parametrize(
    ("envelope", "sender", "recipients"),
    [
        (b'{"to": ["a@x.example", "b@x.example"], "from": ""}', "", ("a@x.example", "b@x.example")),
        (b"nonsense", None, ()),
        (b'{"to": "a@x.example", "from": 1}', None, ()),
        (b'{"to": [1, "no address", "a@x\\n.example"], "from": "x"}', None, ()),
    ],
)
def test_envelopes(envelope: bytes, sender: str | None, recipients: tuple[str, ...]) -> None:
    found = sendgrid(with_field(documented.sendgrid_raw(), "envelope", envelope))[1]
    assert (found.sender, found.recipients) == (sender, recipients)


def test_a_mail_in_pieces_by_mailgun() -> None:
    mail, envelope = mailgun(documented.mailgun())
    assert (mail.subject, mail.sender) == ("Störung", Mailbox(address="ada@example.org", name="Ada Lovelace"))
    # What it quotes is found by us, not by Mailgun.
    assert mail.text_new.strip() == "Der Drucker stört."
    assert "Which one?" in mail.text
    assert (mail.message_id, mail.references) == ("<mg-1@example.org>", ("<0@example.org>", "<1@example.org>"))
    # Its verdicts stand among the sender's own headers.
    assert envelope == Envelope(sender="ada@example.org", recipients=(SUPPORT,), is_verified=False)


def test_without_the_list_of_headers_mailguns_fields_do() -> None:
    fields = {**documented.mailgun(), "message-headers": "nonsense"}
    assert mailgun(fields)[0].message_id == "<mg-1@example.org>"
    assert mailgun(fields)[0].subject == "Störung"


def test_a_raw_mail_by_mailgun_and_its_last_field() -> None:
    body, content_type = multipart(
        [
            ("body-mime", b"Subject: first\r\n\r\n", None, ""),
            ("body-mime", documented.RAW_MAIL, None, ""),
            ("recipient", b"a@x.example", None, ""),
            ("recipient", b"support@acme.example,b@x.example", None, ""),
        ]
    )
    mail, envelope = posted.read("mailgun", content_type, body)
    assert mail == mime.read(documented.RAW_MAIL)
    assert envelope.recipients == (SUPPORT, "b@x.example")


def test_an_inline_image_by_mailgun() -> None:
    fields = [(name, value.encode(), None, "") for name, value in documented.mailgun().items()]
    body, content_type = multipart(
        [
            *fields,
            ("content-id-map", b'{"<logo@x>": "attachment-1"}', None, ""),
            ("attachment-1", b"\x89PNG", "logo.png", "image/png"),
        ]
    )
    (file,) = posted.read("mailgun", content_type, body)[0].attachments
    assert (file.filename, file.media_type, file.content, file.content_id, file.is_inline) == (
        *("logo.png", "image/png", b"\x89PNG", "logo@x"),
        True,
    )


def test_a_mail_by_postmark() -> None:
    mail, envelope = postmark(documented.postmark())
    assert (mail.subject, mail.sender) == ("Störung", Mailbox(address="ada@example.org", name="Ada Lovelace"))
    assert (mail.text.strip(), mail.html) == ("Der Drucker stört.", "<p>Der Drucker stört.</p>")
    assert mail.reply_to == "ada+reply@example.org"
    # Its own id is not the mail's.
    assert (mail.message_id, mail.in_reply_to) == ("<pm-1@example.org>", ("<0@example.org>",))
    assert [(file.filename, file.content) for file in mail.attachments] == [("log.txt", b"paper jam\n")]
    assert envelope == Envelope(sender=None, recipients=(SUPPORT,), is_verified=False)


def test_a_tagged_address_by_postmark_stays_whole() -> None:
    """`MailboxHash` is what stands behind its plus: our tokens are read there like everywhere."""
    to = "support+abc@acme.example"
    _, envelope = postmark(documented.postmark(to, MailboxHash="abc"))
    assert envelope.recipients == (to,)


def test_a_raw_mail_by_postmark() -> None:
    raw = documented.raw_text("postmark")
    assert postmark(documented.postmark(RawEmail=raw))[0] == mime.read(raw.encode())


@pytest.mark.parametrize(
    "spf",
    [
        "Pass (x) envelope-from=ada@example.org; x",
        'Pass (x) envelope-from="x envelope-from=ada@example.org"@evil.example; x',
        'Pass (x) envelope-from=eve@evil.example; receiver="y envelope-from=ada@example.org"@acme.example',
    ],
)
def test_postmark_vouches_for_nobody(spf: str) -> None:
    """Whatever it has seen, nobody can tell its headers from those that came with the mail."""
    found = [("Received-SPF", spf), ("Authentication-Results", "mx.postmarkapp.com; spf=pass; dkim=pass")]
    headers = [{"Name": name, "Value": value} for name, value in found]
    assert postmark(documented.postmark(Headers=headers))[1].is_verified is False


def test_nothing_in_a_field_becomes_a_header() -> None:
    evil = "x\r\nBcc: victim@example.net\r\n\r\nHello"
    for mail, _ in (
        postmark(
            documented.postmark(
                Subject=evil, Headers=[{"Name": "X-A", "Value": evil}, {"Name": evil, "Value": ""}]
            )
        ),
        mailgun(
            {**documented.mailgun(), "message-headers": json.dumps([["Subject", evil], ["From", "a@x.example"]])}
        ),
    ):
        assert "victim@example.net" not in mail.recipients
        assert mail.subject.startswith("x Bcc: victim@example.net")
        assert mail.text.strip().startswith("Der Drucker stört.")


@pytest.mark.parametrize("sign", ["\u0085", "\u2028", "\v", "\f", "\r", "\x1e"])
def test_only_line_ends_end_a_header_of_sendgrid(sign: str) -> None:
    block = f"From: ada@example.org\r\nSubject: a{sign}Auto-Submitted: auto-replied\nX-Precedence: bulk"
    mail, _ = sendgrid(with_field(documented.sendgrid(), "headers", block.encode()))
    assert mail.subject.endswith("Auto-Submitted: auto-replied")
    assert mail.markers == Markers()


def test_an_attached_mail_is_a_file() -> None:
    encoded = base64.b64encode(documented.RAW_MAIL).decode()
    file = {"Name": 'a"b\r\n.eml', "Content": encoded, "ContentType": "message/rfc822"}
    (found,) = postmark(documented.postmark(Attachments=[file]))[0].attachments
    assert (found.filename, found.content) == ("a_b__.eml", documented.RAW_MAIL)


def test_the_same_post_makes_the_same_mail() -> None:
    assert sendgrid(documented.sendgrid()) == sendgrid(documented.sendgrid())


@pytest.mark.parametrize(
    ("provider", "content_type", "body"),
    [
        ("sendgrid", JSON, b"{}"),
        ("sendgrid", FORM, b"to=x"),
        ("mailgun", FORM, b"subject=x"),
        ("postmark", JSON, b"{}"),
        ("postmark", JSON, b"nonsense"),
        ("postmark", JSON, json.dumps(documented.postmark(Attachments=[{"Content": "\u00e9"}])).encode()),
        ("postmark", JSON, json.dumps(documented.postmark(Attachments=[{"Content": "AAAA"}] * 101)).encode()),
    ],
)
def test_what_is_no_mail(provider: str, content_type: str, body: bytes) -> None:
    with pytest.raises(mime.Unreadable):
        posted.read(provider, content_type, body)


@given(
    st.sampled_from(["sendgrid", "mailgun", "postmark"]),
    st.sampled_from([FORM, JSON, "multipart/form-data; boundary=x"]),
    st.binary(max_size=80),
)
def test_whatever_is_posted_has_an_answer(provider: str, content_type: str, body: bytes) -> None:
    state, content = answer(body, f"{provider} {content_type}".encode())
    if state == wire.READ:
        mail, envelope = wire.decode_posted(content)
        assert wire.encode_posted(mail, envelope) == content
    else:
        assert content


@given(
    st.lists(st.tuples(st.text(max_size=12), st.text(max_size=30)), max_size=5),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_any_pieces_make_one_mail_of_one_text(headers: list[tuple[str, str]], text: str, html: str) -> None:
    kept = [(name, value) for name, value in headers if name.lower() not in ("from", "to", "cc", "subject")]
    raw = rebuilt.mail([("Subject", "one"), *kept], text=text, html=html)
    mail = mime.read(raw)
    assert (mail.subject, mail.attachments) == ("one", ())
