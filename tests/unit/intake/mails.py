"""Mails for tests, dull unless a test says otherwise."""

from typing import Any

from services.intake.adapters.email import mime
from services.intake.domain.mail import Mail, Mailbox

CUSTOMER = "ada@example.org"
SUPPORT = "support@acme.example"
SECRET = b"a-secret-of-the-tests-that-is-long-enough"

SLOW_TYPE = "multipart/mixed; boundary=b0"
SLOW_BODY = "".join(
    f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(mime.MAX_MESSAGE_DEPTH - 1)
) + ("\n" * 800_000)
"""Takes the parser all the time it has: each of the lines is compared with the boundary of every open part."""


def a_mail(*, sender: str = CUSTOMER, **overrides: Any) -> Mail:
    """What a person wrote to the support channel."""
    fields: dict[str, Any] = {
        "subject": "It does not print",
        "sender": Mailbox(address=sender),
        "recipients": (SUPPORT,),
        "message_id": "<1@example.org>",
        "text": "Please help.",
        "text_new": "Please help.",
        "body_sha256": "00",
    }
    return Mail(**{**fields, **overrides})


def raw_mail(body: str = "Please help.", /, **headers: str) -> bytes:
    """A mail as it is sent. Headers are given with underscores, `Message_ID="<1@x>"`; an empty one is left out."""
    fields = {
        "From": f"Ada Lovelace <{CUSTOMER}>",
        "To": SUPPORT,
        "Subject": "It does not print",
        "Message-ID": "<1@example.org>",
        "Date": "Thu, 12 Mar 2026 10:15:00 +0100",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([*lines, "", *body.split("\n"), ""]).encode("utf-8", errors="surrogateescape")


def multipart(kind: str, *parts: str, **headers: str) -> bytes:
    """A mail of parts, each with its own headers."""
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--"
    return raw_mail(body, MIME_Version="1.0", Content_Type=f"multipart/{kind}; boundary=b", **headers)


def text_part(text: str, kind: str = "plain", charset: str = "utf-8") -> str:
    """A part with text."""
    return f"Content-Type: text/{kind}; charset={charset}\n\n{text}"
