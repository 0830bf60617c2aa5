"""The contract of statuses: what is stored, what may come again, what is nobody's; and what cannot be read."""

import asyncio
import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from twilio.request_validator import RequestValidator

from services.intake.adapters.hooks.door import HookDoor, Refused
from services.intake.adapters.hooks.requests import HookRequest
from services.intake.adapters.workspaces import PostgresWorkspaces
from services.intake.domain.provider import ProviderName
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Database, Tx
from shared.errors import Unavailable
from shared.telemetry.metrics import Metrics
from shared.vault import AesVault
from tests.integration.intake.hooks.conftest import LARGEST_MAIL
from tests.integration.intake.hooks.vendors import VERIFY_TOKEN, Vendors
from tests.integration.intake.mail.post import mail_of
from tests.integration.intake.office import refused
from tests.unit.intake.adapters.hooks import documented, signing

PROVIDERS = (
    "twilio-sms",
    "twilio-voice",
    "whatsapp",
    "slack",
    "standard-webhook",
    "sendgrid",
    "mailgun",
    "postmark",
)

A_CALL = {"CallSid": f"CA{1:032x}", "CallStatus": "ringing", "Direction": "inbound", "From": "+14155238886"}


def like(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What somebody sees of an answer, but for what differs from each to each."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "traceparent")}
    return answer.status_code, answer.text, headers


def calls(vendors: Vendors) -> dict[str, HookRequest]:
    """A genuine call of each provider."""
    event = json.dumps(documented.slack()).encode()
    return {
        "twilio-sms": vendors.twilio(vendors.a_text()),
        "twilio-voice": vendors.twilio(A_CALL, "phone", "twilio-voice"),
        "whatsapp": vendors.meta(json.dumps(documented.whatsapp(documented.whatsapp_text())).encode()),
        "slack": vendors.slack(event),
        "standard-webhook": vendors.standard(json.dumps(documented.standard()).encode()),
        "sendgrid": vendors.sendgrid(documented.sendgrid(vendors.mail)),
        "mailgun": vendors.mailgun(documented.mailgun(vendors.mail)),
        "postmark": vendors.postmark(documented.postmark(vendors.mail)),
    }


def without_signature(call: HookRequest) -> HookRequest:
    kept = tuple((name, value) for name, value in call.headers if name == "content-type")
    return replace(call, headers=kept, body=call.body.replace(b"signature=", b"signature=0"))


async def test_a_wrong_signature_and_a_channel_that_is_not_there_look_the_same(vendors: Vendors) -> None:
    for provider, call in calls(vendors).items():
        nobody = f"/v1/hooks/nobody-{vendors.workspace_id}/{provider}"
        bare = f"/v1/hooks/{vendors.address('bare')}/{provider}"
        other = f"/v1/hooks/{vendors.address('bare')}/{provider}/"
        seen = [
            like(await vendors.send(one))
            for one in (
                without_signature(call),
                replace(call, path=nobody),
                replace(call, path=bare),
                replace(call, path=other),
                replace(call, path=f"/v1/hooks/{quote('a' * 5000)}/{provider}"),
                replace(call, path=f"/v1/hooks/%00%FF/{provider}"),
                replace(without_signature(call), path=nobody, body=b""),
                replace(call, method="GET", path=nobody, body=b"", headers=()),
            )
        ]
        assert seen == [seen[0]] * len(seen), provider
        assert seen[0][0] == (406 if provider == "mailgun" else 403)
    assert await vendors.tickets() == await vendors.quarantine() == []


class Counting(Database):
    """A database that counts its transactions."""

    transactions = 0

    async def transact(self, *args: Any, **named: Any) -> Any:
        self.transactions += 1
        return await super().transact(*args, **named)


async def test_both_take_the_same_steps(vendors: Vendors) -> None:
    """Nobody can tell them apart by the time that they take."""
    runtime = vendors.system.services["intake"].runtime
    database = Counting(runtime.database.engine, shards=runtime.database.shards, relaying=runtime.relaying)
    door = HookDoor(
        database,
        PostgresWorkspaces(database, AesVault(b"development-only-credentials-key")),
        mail_of(vendors.system).mailroom,
        base_url=vendors.system.url("intake"),
        window_s=300,
        max_mail=LARGEST_MAIL,
        metrics=Metrics("counting"),
    )
    for provider, call in calls(vendors).items():
        taken = set()
        for address in (call.path.split("/")[3], "nobody", vendors.address("bare")):
            database.transactions = 0
            with pytest.raises(Refused):
                await door.take(address, ProviderName(provider), without_signature(call))
            taken.add(database.transactions)
        assert taken == {2}


@pytest.mark.parametrize("provider", [name.value for name in ProviderName])
async def test_both_spellings_of_the_path_are_one(vendors: Vendors, provider: str) -> None:
    call = calls(vendors)[provider]
    if provider.startswith("twilio"):
        channel = "sms" if provider == "twilio-sms" else "phone"
        fields = signing.decoded(call.body)
        path = f"{vendors.path(channel, provider)}/"
        call = signing.twilio_call(fields, path=path, base=vendors.system.url("intake"))
    answer = await vendors.bring(replace(call, path=call.path.rstrip("/") + "/"))
    assert answer.history == []


async def test_the_challenge_of_a_subscription_is_answered_to_who_knows_the_token(vendors: Vendors) -> None:
    path = vendors.path("whats", "whatsapp")
    good = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
    answer = await vendors.anybody.get(path, params=good)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    for bad in (
        {**good, "hub.mode": "unsubscribe"},
        {**good, "hub.verify_token": "other"},
        {**good, "hub.verify_token": ""},
        {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN},
        {},
    ):
        refused(await vendors.anybody.get(path, params=bad), 403, "not-allowed")
    refused(await vendors.anybody.get(vendors.path("slack", "slack"), params=good), 403, "not-allowed")


async def test_slacks_challenge_is_answered_where_it_is_signed(vendors: Vendors) -> None:
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "3eZbrw1a"}).encode()
    answer = await vendors.bring(vendors.slack(body))
    assert (answer.text, answer.headers["content-type"]) == ("3eZbrw1a", "text/plain; charset=utf-8")
    refused(await vendors.send(without_signature(vendors.slack(body))), 403, "not-allowed")


async def test_a_text_that_twilio_brings_by_get_is_taken(vendors: Vendors) -> None:
    fields = "&".join(f"{name}={quote(value)}" for name, value in vendors.a_text(AccountSid="AC1").items())
    call = HookRequest(method="GET", path=vendors.path("sms", "twilio-sms"), query=fields)
    url = f"{vendors.system.url('intake')}{call.path}?{fields}"
    signature = RequestValidator(signing.TWILIO).compute_signature(url, {})
    await vendors.bring(replace(call, headers=(("x-twilio-signature", signature),)))
    assert (await vendors.until_message())["author_id"] == "+14155238886"


async def test_a_token_of_mailgun_is_good_for_one_mail(vendors: Vendors) -> None:
    first = vendors.mailgun(documented.mailgun(vendors.mail))
    other = vendors.mailgun({**documented.mailgun(vendors.mail), "body-plain": "Pay at once."})
    answers = await asyncio.gather(*(vendors.send(first) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    refused(await vendors.send(other), 406, "not-allowed")
    (message,) = await vendors.messages((await vendors.until_tickets(1))[0])
    assert message["text_new"] == "Der Drucker stört."
    fresh = vendors.mailgun({**documented.mailgun(vendors.mail), "Message-Id": "<2@x>"}, token="b" * 50)
    await vendors.bring(fresh)


async def test_what_cannot_be_read_is_kept_and_can_be_released(vendors: Vendors) -> None:
    for body in (b'{"type": ', b'{"type": "message.received", "data": []}', b"\xff", b"[" * 100_000):
        answer = await vendors.send(vendors.standard_bytes(body))
        assert answer.status_code == 200, body[:20]
    items = await vendors.until_quarantined(4)
    assert await vendors.tickets() == []
    assert {item["form"] for item in items} == {"standard-webhook"}
    assert items[0]["reason"].startswith("no acceptable JSON")
    raw_id = items[0]["id"]
    raw = await vendors.http.get(f"/v1/quarantine/{raw_id}/raw")
    assert (raw.content, raw.headers["content-type"]) == (b'{"type": ', "application/octet-stream")
    assert (await vendors.http.get(f"/v1/quarantine/{raw_id}")).json()["subject"] == ""
    answers = await asyncio.gather(*(vendors.http.post(f"/v1/quarantine/{raw_id}/release") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    (ticket,) = await vendors.until_tickets(1)
    (message,) = await vendors.messages(ticket)
    (file,) = message["attachments"]
    path = f"/v1/tickets/{ticket['ticket_id']}/attachments/{file['attachment_id']}"
    assert (await vendors.http.get(path)).content == b'{"type": '


async def test_mail_that_cannot_be_read_is_kept_and_released_as_a_file(vendors: Vendors) -> None:
    for call in (
        vendors.postmark({"Subject": "nobody"}),
        vendors.sendgrid([("email", b"To: x\r\n" + b"X-A: y\r\n" * 20_000 + b"\r\n", None, "")]),
        vendors.mailgun({f"field-{n}": "" for n in range(1_001)}),
    ):
        await vendors.bring(call)
    items = await vendors.until_quarantined(3)
    assert [item["reason"] for item in items] == ["no mail in it", "its headers are too long", "too many fields"]
    answer = await vendors.http.post(f"/v1/quarantine/{items[1]['id']}/release")
    assert answer.status_code == 201, answer.text
    assert "its headers are too long" in (await vendors.until_message())["text"]


async def test_what_cannot_be_read_in_a_batch_is_kept_and_the_rest_received(vendors: Vendors) -> None:
    batch = documented.whatsapp(documented.whatsapp_text("one", id="1"), {"type": "text"})
    await vendors.bring(vendors.meta(json.dumps(batch).encode()))
    (item,) = await vendors.until_quarantined()
    assert item["reason"] == "a part of it cannot be read: from is missing"
    assert (await vendors.until_message())["text"] == "one"
    answer = await vendors.http.post(f"/v1/quarantine/{item['id']}/release")
    assert (answer.status_code, answer.json()["disposition"]) == (201, "opened")
    (attached,) = await vendors.messages(answer.json())
    assert [file["filename"] for file in attached["attachments"]] == ["payload.bin"]


async def test_what_is_for_another_account_is_kept_until_a_channel_has_it(vendors: Vendors) -> None:
    await vendors.bring(
        vendors.meta(json.dumps(documented.whatsapp(documented.whatsapp_text(), number="1")).encode())
    )
    await vendors.bring(
        vendors.slack(json.dumps({**documented.slack(), "authorizations": [], "team_id": "T2"}).encode())
    )
    items = await vendors.until_quarantined(2)
    assert {item["reason"] for item in items} == {"it is for an account that no channel has"}
    assert await vendors.tickets() == []


async def test_what_is_too_large_is_cut_off_and_kept(vendors: Vendors) -> None:
    large = documented.RAW_MAIL + b"x" * LARGEST_MAIL
    await vendors.bring(vendors.sendgrid(documented.sendgrid_raw(large, to=vendors.mail)))
    (item,) = await vendors.until_quarantined()
    assert (item["bytes"], item["reason"]) == (LARGEST_MAIL, "it is too large, and cut off")
    forged = replace(vendors.sendgrid(documented.sendgrid_raw(large)), headers=())
    refused(await vendors.send(forged), 403, "not-allowed")
    endless = replace(vendors.postmark({}), body=b" " * (3 * LARGEST_MAIL))
    # Answered before all of it was sent: it may be genuine, and is not to be lost.
    with suppress(httpx.WriteError):
        assert (await vendors.send(endless)).status_code == 503


class Leaving(PostgresWorkspaces):
    """Configurations that are changed as soon as they were read."""

    def __init__(self, database: Database, vendors: Vendors) -> None:
        super().__init__(database, AesVault(b"development-only-credentials-key"))
        self._vendors = vendors

    async def load(self, tx: Tx, workspaces: Collection[str]) -> dict[str, Workspace]:
        found = dict(await super().load(tx, workspaces))
        await self._vendors.configure_more(channels=[])
        return found


async def test_genuine_mail_of_a_channel_that_is_leaving_may_come_again(vendors: Vendors) -> None:
    database = vendors.system.services["intake"].runtime.database
    door = HookDoor(
        database,
        Leaving(database, vendors),
        mail_of(vendors.system).mailroom,
        base_url=vendors.system.url("intake"),
        window_s=300,
        max_mail=LARGEST_MAIL,
        metrics=Metrics("leaving"),
    )
    call = calls(vendors)["sendgrid"]
    with pytest.raises(Unavailable):
        await door.take(vendors.mail, ProviderName.SENDGRID, call)
    refused(await vendors.send(call), 403, "not-allowed")


async def test_a_provider_whose_secrets_are_no_keys_may_send_again(vendors: Vendors) -> None:
    await vendors.configure(standard_webhook=["whsec_no key"], sendgrid=["no key"])
    for call in (
        vendors.standard(b"{}"),
        vendors.sendgrid(documented.sendgrid(vendors.mail)),
    ):
        answer = await vendors.send(call)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    # One that is a key is enough.
    await vendors.configure(standard_webhook=["whsec_no key", signing.STANDARD])
    await vendors.bring(vendors.standard(json.dumps(documented.standard()).encode()))


async def test_a_call_of_another_route_is_refused(vendors: Vendors) -> None:
    text = vendors.twilio(vendors.a_text())
    refused(await vendors.send(replace(text, path=vendors.path("whats-twilio", "twilio-sms"))), 403, "not-allowed")
    other = await Vendors.open(vendors.system, f"{vendors.workspace_id}-b")
    await other.configure(twilio_sms=["another"], slack=["another"])
    refused(await vendors.send(replace(text, path=other.path("sms", "twilio-sms"))), 403, "not-allowed")
    event = vendors.slack(json.dumps(documented.slack()).encode())
    refused(await vendors.send(replace(event, path=other.path("slack", "slack"))), 403, "not-allowed")
    assert await other.tickets() == []


async def test_a_token_of_ours_opens_nothing_here(vendors: Vendors) -> None:
    call = without_signature(vendors.slack(b"{}"))
    answer = await vendors.http.post(call.path, content=b"{}", headers={"Content-Type": "application/json"})
    refused(answer, 403, "not-allowed")
