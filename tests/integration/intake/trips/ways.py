"""The ways by which a customer and an agent talk: how a request leaves Ada, and how she answers what came back."""

import asyncio
import json
import smtplib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial

from standardwebhooks import Webhook

from tests.integration.intake.mail.post import Json, mail_of
from tests.integration.intake.trips import letters
from tests.integration.intake.trips.world import ADAS, OURS, WHATSAPP, World, unique
from tests.unit.intake.adapters.hooks import documented, signing

Answer = Callable[[str], Awaitable[None]]
Post = Callable[[World, EmailMessage], Awaitable[None]]


@dataclass(frozen=True)
class Way:
    """channel, kind: of the ticket; send: brings a text; arrived: how what came back can be answered"""

    channel: str
    kind: str
    send: Callable[[World, str], Awaitable[None]]
    arrived: Callable[[World], Awaitable[Sequence[Answer]]]


# Mail: by whatever it came, the answer leaves by SMTP.


async def by_smtp(world: World, mail: EmailMessage) -> None:
    port = mail_of(world.system).listeners.ports["smtp"]

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="tests") as server:
            server.send_message(mail)

    await asyncio.to_thread(send)


async def by_imap(world: World, mail: EmailMessage) -> None:
    await world.dovecot.append(world.mail_user, mail.as_bytes(policy=SMTP))


async def by_sendgrid(world: World, mail: EmailMessage) -> None:
    await world.bring(letters.by_sendgrid(world.path("mail", "sendgrid"), mail))


async def by_mailgun(world: World, mail: EmailMessage) -> None:
    await world.bring(letters.by_mailgun(world.path("mail", "mailgun"), mail))


async def by_postmark(world: World, mail: EmailMessage) -> None:
    await world.bring(letters.by_postmark(world.path("mail", "postmark"), mail))


def mail_way(post: Post) -> Way:
    async def send(world: World, text: str) -> None:
        await post(world, letters.letter(world, text))

    async def arrived(world: World) -> list[Answer]:
        """Answers that have all that the answer came with, or only one thing of it."""
        (kept,) = await world.until_sent()
        mail = kept.mail
        asked = mail["References"].split()[-1]
        assert mail["In-Reply-To"] == asked
        assert asked.endswith(f"@{world.workspace_id}.example.org>")
        assert mail["Reply-To"].startswith("support+t.")
        assert (mail["To"], mail["Auto-Submitted"]) == (world.ada, None)
        assert mail["From"].addresses[0].addr_spec == world.support
        assert kept.sender == mail["Reply-To"]
        assert mail.get_content().strip() == world.words

        async def answer(text: str, hint: str) -> None:
            await post(world, letters.answer_to(world, kept, text, hint))

        return [partial(answer, hint=hint) for hint in letters.HINTS]

    return Way("mail", "email", send, arrived)


# Texts and WhatsApp by Twilio.


def twilio_way(channel: str, kind: str, prefix: str = "") -> Way:
    async def bring(world: World, text: str, sender: str = f"{prefix}{ADAS}", to: str = f"{prefix}{OURS}") -> None:
        fields = {"MessageSid": f"SM{unique():032x}", "From": sender, "To": to, "Body": text, "NumMedia": "0"}
        await world.bring_twilio(fields, channel)

    async def arrived(world: World) -> list[Answer]:
        (asked,) = await world.vendors.until(world.words)
        form = asked.form
        assert asked.path == f"/2010-04-01/Accounts/{world.account}/Messages.json"
        assert (form["From"], form["To"], form["Body"]) == (f"{prefix}{OURS}", f"{prefix}{ADAS}", world.words)
        return [partial(bring, world, sender=form["To"], to=form["From"])]

    return Way(channel, kind, bring, arrived)


# WhatsApp by Meta.


async def by_meta(world: World, text: str, sender: str = ADAS.removeprefix("+"), **more: object) -> None:
    fields = {"from": sender, "id": f"wamid.ada{unique()}", "timestamp": str(int(time.time())), **more}
    body = documented.whatsapp(documented.whatsapp_text(text, **fields), number=WHATSAPP)
    await world.bring(signing.meta_call(json.dumps(body).encode(), path=world.path("whats", "whatsapp")))


async def arrived_by_meta(world: World) -> list[Answer]:
    (asked,) = await world.vendors.until(world.words)
    assert asked.path == f"/v23.0/{WHATSAPP}/messages"
    assert asked.json["to"] == ADAS.removeprefix("+")
    context = {"from": OURS, "id": "wamid.1"}
    return [partial(by_meta, world, sender=asked.json["to"], context=context)]


# Slack: Ada writes in a thread that somebody else began.

_CHANNEL, _THREAD = "C024BE91L", "1712345678.000200"


async def by_slack(world: World, text: str, **event: object) -> None:
    at = f"{int(time.time())}.{unique():06d}"
    said: Json = {"text": text, "channel": _CHANNEL, "thread_ts": _THREAD, "ts": at, "event_ts": at, **event}
    body = json.dumps({**documented.slack(**said), "event_id": f"Ev{unique()}"}).encode()
    await world.bring(signing.slack_call(body, at=int(time.time()), path=world.path("slack", "slack")))


async def arrived_by_slack(world: World) -> list[Answer]:
    (asked,) = await world.vendors.until(world.words)
    place = {name: asked.json[name] for name in ("channel", "thread_ts")}
    assert asked.path == "/api/chat.postMessage"
    assert place == {"channel": _CHANNEL, "thread_ts": _THREAD}
    # Slack tells the app of its own message, too.
    await by_slack(world, asked.json["text"], user="UBOT", bot_id="B1", app_id="A123ABC456", **place)
    return [partial(by_slack, world, **place)]


# Anything else, by signed webhooks.


async def by_webhook(world: World, text: str, **data: object) -> None:
    payload = documented.standard(**{"text": text, "from": {"handle": "ada-42"}, "thread": "t-1", **data})
    path = world.path("other", "standard-webhook")
    name, at = f"msg_{unique()}", int(time.time())
    await world.bring(signing.standard_call(json.dumps(payload).encode(), name=name, at=at, path=path))


async def arrived_by_webhook(world: World) -> list[Answer]:
    (asked,) = await world.vendors.until(world.words)
    assert asked.path == f"/hook/{world.account}"
    sent = Webhook(signing.STANDARD).verify(asked.body, asked.headers)["data"]
    assert (sent["to"], sent["thread"], sent["text"]) == ({"handle": "ada-42"}, "t-1", world.words)
    return [partial(by_webhook, world, thread=sent["thread"], **{"from": sent["to"]})]


# A chat, whose page loses its connection before the agent answers.


async def by_chat(world: World, text: str) -> None:
    async with world.room.page() as page:
        await page.say(text)
        await page.until("ack")
        while not page.said:
            await page.read()
    world.chat = page


async def arrived_in_chat(world: World) -> list[Answer]:
    page = await world.exits.enter_async_context(world.room.page(before=world.chat))
    while len(page.said) < 2:
        await page.read()
    own, answer = page.said
    assert (own["seq"], answer["seq"], answer["text"]) == (1, 2, world.words)
    assert (own["author_kind"], answer["author_kind"]) == ("visitor", "agent")

    async def say(text: str) -> None:
        await page.say(text)

    return [say]


WAYS = {
    "mail by SMTP": mail_way(by_smtp),
    "mail by IMAP": mail_way(by_imap),
    "mail by SendGrid": mail_way(by_sendgrid),
    "mail by Mailgun": mail_way(by_mailgun),
    "mail by Postmark": mail_way(by_postmark),
    "SMS": twilio_way("texts", "sms"),
    "WhatsApp by Twilio": twilio_way("whats-twilio", "whatsapp", "whatsapp:"),
    "WhatsApp by Meta": Way("whats", "whatsapp", by_meta, arrived_by_meta),
    "Slack": Way("slack", "slack", by_slack, arrived_by_slack),
    "a webhook": Way("other", "api", by_webhook, arrived_by_webhook),
    "chat": Way("web", "chat", by_chat, arrived_in_chat),
}
