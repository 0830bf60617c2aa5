"""The mail that a message becomes: what it carries, and that nothing begins another header."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email.composing import compose, envelope_sender
from services.intake.domain.outgoing import OutgoingFile
from services.intake.domain.workspace import Channel
from shared.vocabulary import AuthorKind, ChannelKind, Purpose
from tests.unit.intake.builders import NOW, an_outgoing

CHANNEL = Channel(channel_id="support", kind=ChannelKind.EMAIL, address="support@acme.example", name="Acme")
SECRET = b"a secret of these tests"
OURS = {
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Content-Language"),
    *("X-Waypost-Loop", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version"),
    *("Content-Type", "Content-Transfer-Encoding"),
}


def sent(*contents: bytes, channel: Channel = CHANNEL, **fields: object) -> tuple[EmailMessage, bytes]:
    """The mail as it is received, and its bytes."""
    raw = compose(an_outgoing(**fields), channel, contents, secret=SECRET, now=NOW).as_bytes(policy=SMTP)
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail, raw


def a_file(**fields: object) -> OutgoingFile:
    return OutgoingFile(
        **{"filename": "manual.pdf", "media_type": "application/pdf", "sha256": b"", "size": 3, **fields}  # type: ignore[arg-type]
    )


def test_an_agent_s_reply_says_nothing_of_machines() -> None:
    mail, _ = sent(language="de")
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] is None
    assert mail["Content-Language"] == "de"
    assert envelope_sender(an_outgoing(), CHANNEL, secret=SECRET) == str(mail["Reply-To"])


@pytest.mark.parametrize(
    ("fields", "marker"),
    [
        ({"author_kind": AuthorKind.BOT}, "auto-generated"),
        ({"author_kind": AuthorKind.SYSTEM, "purpose": Purpose.STATUS}, "auto-generated"),
        ({"author_kind": AuthorKind.SYSTEM, "purpose": Purpose.ACK}, "auto-generated"),
        ({"purpose": Purpose.SURVEY}, "auto-generated"),
    ],
)
def test_automatic_mail_says_so_and_has_no_sender(fields: dict[str, object], marker: str) -> None:
    raw = compose(an_outgoing(**fields), CHANNEL, secret=SECRET, now=NOW).as_bytes(policy=SMTP)
    mail = message_from_bytes(raw, policy=default)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == (marker, "All")
    assert envelope_sender(an_outgoing(**fields), CHANNEL, secret=SECRET) == ""


def test_files_travel_beside_the_text() -> None:
    mail, _ = sent(b"%PDF", b"ab", files=(a_file(), a_file(filename="Änderung.txt", media_type="text/plain")))
    first, second = mail.iter_attachments()
    assert (first.get_filename(), first.get_content_type(), first.get_content()) == (
        "manual.pdf",
        "application/pdf",
        b"%PDF",
    )
    assert second.get_filename() == "Änderung.txt"
    body = mail.get_body()
    assert isinstance(body, EmailMessage)
    assert body.get_content().strip() == "It is on its way."


def test_what_the_page_shows_travels_with_the_page() -> None:
    inline = a_file(filename="logo.png", media_type="image/png", content_id="logo@acme", is_inline=True)
    mail, _ = sent(b"PNG", b"%PDF", html='<img src="cid:logo@acme">', files=(inline, a_file()))
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"] == "<logo@acme>"
    assert image.get_content_disposition() == "inline"


@pytest.mark.parametrize(
    "media_type", ["message/rfc822", "multipart/mixed", "nonsense", "a/b\r\nBcc: x@y.example"]
)
def test_a_file_that_cannot_be_what_it_says_is_bytes(media_type: str) -> None:
    mail, _ = sent(b"From: x", files=(a_file(media_type=media_type),))
    (file,) = mail.iter_attachments()
    assert (file.get_content_type(), file.get_content()) == ("application/octet-stream", b"From: x")


ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
EVIL = st.one_of(
    ANY,
    st.builds(
        lambda before, end, after: f"{before}{end}Bcc: evil@x.example{end}{end}{after}",
        st.text(max_size=10),
        st.sampled_from(["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\r\n\t"]),
        st.text(max_size=10),
    ),
)


@given(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL)
def test_nothing_that_people_wrote_begins_another_header(
    subject: str, name: str, rfc_id: str, language: str, filename: str, content_id: str
) -> None:
    channel = Channel(channel_id="support", kind=ChannelKind.EMAIL, address="support@acme.example", name=name)
    file = a_file(filename=filename, media_type=f"text/{subject}", content_id=content_id, is_inline=True)
    mail, raw = sent(
        b"x",
        channel=channel,
        subject=subject,
        answers=rfc_id,
        references=(rfc_id, f"<{rfc_id}@x>"),
        language=language,
        html="<p>Hello</p>",
        files=(file,),
    )
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert b"\0" not in head
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    for part in mail.walk():
        own = OURS if part is mail else {*OURS, "Content-Disposition", "Content-ID"}
        assert set(part.keys()) <= own
        for value in part.values():
            assert not any(character in str(value) for character in "\r\n\0")
