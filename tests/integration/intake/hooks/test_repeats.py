"""Everything three times, at once and out of order, gives the same tickets as once."""

import asyncio
import random
from collections import Counter
from collections.abc import Hashable, Iterable

from sqlalchemy import text

from services.intake.adapters.hooks.requests import HookRequest
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.hooks.test_arrival import MAILS, as_json
from tests.integration.intake.hooks.vendors import Json, Vendors
from tests.unit.intake.adapters.hooks import documented

_WAITING = text("SELECT count(*) FROM raw WHERE state = 'received'")


def thread(vendors: Vendors) -> list[HookRequest]:
    """Answers to a mail, which a program has sent with all that they answer, by other providers than it came."""
    answers = []
    for number in (2, 3):
        known = " ".join(f"<raw-{earlier}@example.org>" for earlier in range(1, number))
        head = f"References: {known}\r\nMessage-ID: <raw-{number}@example.org>"
        raw = documented.RAW_MAIL.replace(b"Message-ID: <raw-1@example.org>", head.encode())
        answers.append(raw.replace(b"Der Drucker", b"Nr. %d: der Drucker" % number))
    second, third = answers
    return [
        vendors.postmark(documented.postmark(vendors.mail, RawEmail=second.decode("latin-1"))),
        vendors.mailgun({"recipient": vendors.mail, "body-mime": third.decode("latin-1")}, token="c" * 50),
    ]


def calls(vendors: Vendors) -> Iterable[HookRequest]:
    """Two telephone calls, one that was answered and one that was not."""
    courses = [("in-progress", "completed"), ("no-answer",)]
    for call, course in enumerate(courses):
        for number, status in enumerate(("ringing", *course)):
            yield vendors.twilio(
                {
                    "CallSid": f"CA{call:032x}",
                    "From": f"+1415523900{call}",
                    "To": "+15550100",
                    "Direction": "inbound",
                    "CallStatus": status,
                    "SequenceNumber": str(number),
                    "Timestamp": f"Mon, 02 Mar 2026 10:00:{10 + 20 * number} +0000",
                },
                channel="phone",
                provider="twilio-voice",
            )


def everything(vendors: Vendors) -> list[HookRequest]:
    """What comes by each provider; several messages of each sender."""

    def texts(channel: str, *senders: str) -> list[HookRequest]:
        return [vendors.twilio(vendors.a_text(From=sender), channel) for sender in senders for _ in range(3)]

    def whats(*pairs: tuple[str, str]) -> HookRequest:
        said = [documented.whatsapp_text(word, id=f"wamid.{word}", **{"from": sender}) for word, sender in pairs]
        return vendors.meta(as_json(documented.whatsapp(*said)))

    def slack(number: int, **event: object) -> HookRequest:
        return vendors.slack(as_json(documented.slack(ts=f"1355517523.00000{number}", **event)))

    def standard(number: int) -> HookRequest:
        body = documented.standard(id=f"m-{number}", text=f"It does not print {number}.")
        return vendors.standard(as_json(body), name=f"msg_{number}")

    ann, bob = "16505551234", "16505550000"
    return [
        *texts("sms", "+14155230000", "+14155230001"),
        *texts("whats-twilio", "whatsapp:+14155230002"),
        whats(("one", ann), ("two", bob)),
        whats(("three", ann)),
        whats(("four", bob), ("five", ann)),
        slack(1),
        *(slack(number, thread_ts="1355517523.000001", user=f"U{number}") for number in (2, 3)),
        slack(4, thread_ts="1355517523.000004"),
        *map(standard, range(3)),
        *(make(vendors) for make in MAILS.values()),
        *thread(vendors),
        *calls(vendors),
    ]


async def settled(vendors: Vendors) -> Counter[Hashable]:
    """Each ticket with its messages and its calls, once all that came was read."""
    database = vendors.system.services["intake"].runtime.database

    async def probe() -> bool:
        async def unit(tx: Tx) -> bool:
            return bool((await tx.execute(_WAITING)).scalar_one() == 0)

        return bool(await database.transact(unit, workspaces=[vendors.workspace_id]))

    await eventually(probe, within_s=20)
    assert await vendors.quarantine() == []
    return Counter([await shape(vendors, ticket) for ticket in await vendors.tickets()])


async def shape(vendors: Vendors, ticket: Json) -> Hashable:
    said = [
        (one["author_id"], one["text_new"].strip(), one["is_public"]) for one in await vendors.messages(ticket)
    ]
    answer = await vendors.http.get(f"/v1/tickets/{ticket['ticket_id']}/calls")
    assert answer.status_code == 200, answer.text
    fields = ("provider_call_id", "phase", "outcome", "talk_s", "ring_s", "wrap_s")
    called = [tuple(call[name] for name in fields) for call in answer.json()["items"]]
    return ticket["channel"], ticket["channel_kind"], ticket["status"], tuple(sorted(said)), tuple(sorted(called))


async def test_everything_three_times_at_once_and_out_of_order_is_the_same_as_once(vendors: Vendors) -> None:
    calm = await Vendors.open(vendors.system, f"{vendors.workspace_id}-once")
    for call in everything(calm):
        await calm.bring(call)
    once = await settled(calm)
    # Two by SMS, three by WhatsApp, two threads of Slack, one by webhook, four of mail, and two calls.
    assert once.total() == 14
    requests = everything(vendors)
    many = requests * 3
    random.Random(4).shuffle(many)
    await asyncio.gather(*map(vendors.bring, many))
    assert await settled(vendors) == once
    # Nor does what comes again once all was read change anything.
    await asyncio.gather(*map(vendors.bring, requests))
    assert await settled(vendors) == once
