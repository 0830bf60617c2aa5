"""Mails as customers write them with the standard library, and as each mail provider posts them."""

import json
import secrets
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from services.intake.adapters.hooks.requests import HookRequest
from tests.integration.intake.mail.sink import Kept
from tests.integration.intake.trips.world import World
from tests.unit.intake.adapters.hooks import documented, signing

HINTS = ("everything", "address", "headers", "subject")
"""What is left in an answer of all by which it could be told what it answers."""


def letter(world: World, text: str, to: str | None = None, subject: str = "It does not print") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Ada Lovelace <{world.ada}>"
    mail["To"] = to or world.support
    mail["Subject"] = subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=f"{world.workspace_id}.example.org")
    mail.set_content(text)
    return mail


def answer_to(world: World, kept: Kept, text: str, hint: str) -> EmailMessage:
    """The answer that a mail program makes of what has arrived."""
    said = kept.mail
    quoted = "".join(f"> {line}\n" for line in said.get_content().splitlines())
    body = f"{text}\n\nOn Thu, Mar 12, 2026 at 10:15 AM Support <{world.support}> wrote:\n\n{quoted}"
    is_all = hint == "everything"
    mail = letter(
        world,
        body,
        str(said["Reply-To"]) if is_all or hint == "address" else world.support,
        str(said["Subject"]) if is_all or hint == "subject" else "Now this",
    )
    if is_all or hint == "headers":
        mail["In-Reply-To"] = str(said["Message-ID"])
        mail["References"] = f"{said['References']} {said['Message-ID']}"
    return mail


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content())


def sender_of(mail: EmailMessage) -> str:
    return str(mail["From"].addresses[0].addr_spec)


def by_sendgrid(path: str, mail: EmailMessage) -> HookRequest:
    headers = "".join(f"{name}: {value}\n" for name, value in mail.items())
    own = {
        "headers": headers,
        "text": text_of(mail),
        "html": "",
        "from": mail["From"],
        "to": mail["To"],
        "subject": mail["Subject"],
        "envelope": json.dumps({"to": [mail["To"]], "from": sender_of(mail)}),
    }
    form = [
        (name, str(own.get(name)).encode() if name in own else content, *more)
        for name, content, *more in documented.sendgrid()
    ]
    body, content_type = signing.multipart(form)  # type: ignore[arg-type] # each as it was
    return signing.sendgrid_call(body, content_type, at=int(time.time()), path=path)


def by_mailgun(path: str, mail: EmailMessage) -> HookRequest:
    fields = {
        **documented.mailgun(mail["To"]),
        "sender": sender_of(mail),
        "from": mail["From"],
        "subject": mail["Subject"],
        "Message-Id": mail["Message-ID"],
        "body-plain": text_of(mail),
        "body-html": "",
        "message-headers": json.dumps([[name, str(value)] for name, value in mail.items()]),
        **signing.mailgun_fields(secrets.token_hex(25), at=int(time.time())),
    }
    return signing.mailgun_call(fields, path=path)


def by_postmark(path: str, mail: EmailMessage) -> HookRequest:
    to = str(mail["To"])
    payload = documented.postmark(
        to,
        From=sender_of(mail),
        FromFull={"Email": sender_of(mail), "Name": "Ada Lovelace", "MailboxHash": ""},
        ReplyTo="",
        Subject=mail["Subject"],
        MessageID=secrets.token_hex(16),
        MailboxHash=to.partition("@")[0].partition("+")[2],
        TextBody=text_of(mail),
        HtmlBody="",
        Headers=[{"Name": name, "Value": str(value)} for name, value in mail.items()],
    )
    return signing.postmark_call(payload, path=path)
