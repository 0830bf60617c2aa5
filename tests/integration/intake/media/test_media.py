"""Files of messages, from the vendors that have them to the message."""

import asyncio
import base64
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx_sse import aconnect_sse
from sqlalchemy import insert, text

from services.intake.adapters.bells import Bells
from services.intake.adapters.media import tables
from services.intake.adapters.media.fetching import PAUSES
from shared.db.unit_of_work import Database
from shared.ids import SystemIds
from shared.vault import AesVault
from tests.eventually import eventually
from tests.integration.intake.media.double import Call, Website, answer, only_for
from tests.shards import SHARDS, shard_of
from tests.system import System

Json = dict[str, Any]

PICTURE = b"\x89PNG" + bytes(40_000)
_BROUGHT_BY = {"texts": "twilio-sms", "whatsapp": "whatsapp", "slack": "slack"}
TWILIO_FILE = "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
BASIC = f"Basic {base64.b64encode(b'AC1:auth-token').decode()}"


@dataclass
class Phone:
    """A workspace that gets texts with pictures."""

    database: Database
    http: httpx.AsyncClient
    workspace_id: str
    bells: Bells

    async def configure(self, bot_token: str = "xoxb-1") -> None:
        twilio = {"name": "twilio-sms", "account_sid": "AC1", "secrets": ["auth-token"], "number": "+4930123456"}
        meta: Json = {"name": "whatsapp", "phone_number_id": "1", "secrets": ["app"], "access_token": "meta-token"}
        slack = {"name": "slack", "team_id": "T1", "secrets": ["signing"], "bot_token": bot_token}
        channels = [
            {"id": "api", "kind": "api"},
            {"id": "texts", "kind": "sms", "address": f"{self.workspace_id}-texts", "providers": [twilio]},
            {
                "id": "whatsapp",
                "kind": "whatsapp",
                "address": f"{self.workspace_id}-whatsapp",
                "providers": [{**meta, "verify_token": "verify"}],
            },
            {"id": "slack", "kind": "slack", "address": f"{self.workspace_id}-slack", "providers": [slack]},
        ]
        answered = await self.http.put("/v1/configuration", json={"channels": channels}, headers={"If-Match": "*"})
        assert answered.status_code == 200, answered.text

    async def receive(self, channel: str, *urls: str, **fields: str) -> str:
        """A message with these files; its ticket."""
        body = {"channel": "api", "from": {"phone": "+4915112345678"}, "text": "See the picture."}
        receipt = (await self.http.post("/v1/messages", json=body)).json()
        ids = SystemIds()
        in_order = sorted(ids.new() for _ in urls)
        rows = [
            {
                "workspace_id": self.workspace_id,
                "attachment_id": attachment_id,
                "message_id": UUID(receipt["message_id"]),
                "shard": shard_of(self.workspace_id),
                "channel": channel,
                "url": url,
                "media_type": "image/png",
                "provider": _BROUGHT_BY.get(channel),
                "next_attempt_at": text("clock_timestamp()"),
                **fields,
            }
            for attachment_id, url in zip(in_order, urls, strict=True)
        ]

        async def unit(tx: Any) -> None:
            for row in rows:
                await tx.execute(insert(tables.media_fetch).values(**row))

        await self.database.transact(unit, workspaces=[self.workspace_id])
        return str(receipt["ticket_id"])

    async def files(self, ticket_id: str) -> list[Json]:
        shown = (await self.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
        return [file for entry in shown if entry["message"] for file in entry["message"]["attachments"]]

    async def until(self, ticket_id: str, *states: str) -> list[Json]:
        """The files, once they are like this."""

        async def probe() -> list[Json]:
            files = await self.files(ticket_id)
            assert sorted(file["state"] for file in files) == sorted(states), files
            return files

        return list(await eventually(probe))

    async def content(self, ticket_id: str, file: Json) -> httpx.Response:
        return await self.http.get(f"/v1/tickets/{ticket_id}/attachments/{file['attachment_id']}")

    async def try_again(self) -> None:
        """Makes due what waits, with its error forgotten."""
        now = text(
            "UPDATE media_fetch SET next_attempt_at = clock_timestamp(), last_error = NULL WHERE state = 'waiting'"
        )
        await self.database.transact(lambda tx: tx.execute(now), workspaces=[self.workspace_id])
        self.bells.ring(range(SHARDS))


@pytest.fixture
async def phone(media_system: System, workspace_id: str) -> Phone:
    service = media_system.services["intake"]
    http = await media_system.http("intake", workspace_id)
    made = Phone(service.runtime.database, http, workspace_id, service.app.state.media.bells)
    await made.configure()
    return made


async def test_twilios_media_is_fetched_with_its_token_and_from_where_it_leads_to_without(
    phone: Phone, vendors: Website
) -> None:
    elsewhere = vendors.url("/cdn/1", host="localhost")
    vendors.answers[TWILIO_FILE] = [only_for(BASIC, answer(307, Location=elsewhere))]
    vendors.answers["/cdn/1"] = [answer(200, PICTURE, Content_Type="image/png")]
    ticket_id = await phone.receive("texts", vendors.url(TWILIO_FILE))
    (file,) = await phone.until(ticket_id, "stored")
    assert (file["filename"], file["media_type"], file["size"]) == ("file.png", "image/png", len(PICTURE))
    downloaded = await phone.content(ticket_id, file)
    assert downloaded.content == PICTURE
    assert downloaded.headers["content-type"] == "application/octet-stream"
    assert [call.headers.get("authorization") for call in vendors.to("/cdn/1")] == [None]


async def test_whoever_watches_a_ticket_is_told_what_becomes_of_its_files(phone: Phone, vendors: Website) -> None:
    vendors.answers["/watched"] = [answer(500), answer(200, PICTURE)]
    ticket_id = await phone.receive("api", vendors.url("/watched"))
    url = f"/v1/tickets/{ticket_id}/stream"
    async with aconnect_sse(phone.http, "GET", url) as source, asyncio.timeout(10):
        assert source.response.status_code == 200
        told = source.aiter_sse()
        await eventually(partial(_settled, phone, 1))
        await phone.try_again()
        shown = (await anext(told)).json()["event"]
    (file,) = await phone.files(ticket_id)
    message_id = shown["data"]["message_id"]
    assert (shown["type"], shown["subject"]) == ("message.file_arrived", f"message/{message_id}")
    assert shown["data"] == {"message_id": message_id, "attachment_id": file["attachment_id"]}
    message = (await phone.http.get(f"/v1/messages/{message_id}")).json()
    assert [one["state"] for one in message["attachments"]] == ["stored"]


async def test_metas_media_is_asked_for_by_its_id(phone: Phone, vendors: Website) -> None:
    described = b'{"url": "%s", "mime_type": "image/png"}' % vendors.url("/lookaside?mid=1").encode()
    vendors.answers["/v23.0/776"] = [only_for("Bearer meta-token", answer(200, described))]
    vendors.answers["/lookaside?mid=1"] = [only_for("Bearer meta-token", answer(200, PICTURE))]
    ticket_id = await phone.receive("whatsapp", "776", filename="../../holiday.png\u202e")
    (file,) = await phone.until(ticket_id, "stored")
    assert (file["filename"], file["size"]) == ("holiday.png", len(PICTURE))


async def test_slacks_media_is_fetched_with_the_bots_token_and_a_login_page_is_none(
    phone: Phone, vendors: Website
) -> None:
    vendors.answers["/files-pri/1"] = [only_for("Bearer xoxb-1", answer(200, PICTURE, Content_Type="image/png"))]
    vendors.answers["/files-pri/2"] = [answer(200, b"<html>Log in", Content_Type="text/html; charset=utf-8")]
    ticket_id = await phone.receive("slack", vendors.url("/files-pri/1"), vendors.url("/files-pri/2"))

    async def explained() -> list[Json]:
        first, second = await phone.files(ticket_id)
        assert (first["state"], second["state"]) == ("stored", "waiting")
        assert "files:read" in second["problem"]
        return [first]

    (file,) = await eventually(explained)
    assert (await phone.content(ticket_id, file)).content == PICTURE


async def test_a_token_is_for_its_vendor_only(phone: Phone, vendors: Website) -> None:
    """A message may point anywhere: who is there learns nothing."""
    vendors.answers["/theirs"] = [answer(200, b"x")]
    for channel in ("texts", "slack", "whatsapp"):
        ticket_id = await phone.receive(channel, vendors.url("/theirs", host="localhost"))
        await phone.until(ticket_id, "stored")
    assert [call.headers.get("authorization") for call in vendors.to("/theirs")] == [None] * 3


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("standard-webhook", "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME9"),
        (None, "/2010-04-01/Accounts/AC1/Recordings/RE9"),
        ("twilio-sms", "/2010-04-01/Accounts/AC2/Messages/MM1/Media/ME9"),
        ("twilio-sms", "/2010-04-01/Accounts/AC1/Keys.json"),
        ("twilio-sms", "/2010-04-01/Accounts/AC1/Recordings/..%2FKeys.json"),
    ],
)
async def test_a_token_opens_only_the_files_that_its_vendor_brought(
    phone: Phone, vendors: Website, provider: str | None, path: str
) -> None:
    vendors.answers[path] = [answer(200, b"x")]
    before = len(vendors.to(path))
    row: Json = {"provider": provider}
    await phone.until(await phone.receive("texts", vendors.url(path), **row), "stored")
    assert [call.headers.get("authorization") for call in vendors.to(path)[before:]] == [None]


async def test_what_may_not_be_fetched_says_so_on_its_message(phone: Phone, vendors: Website) -> None:
    vendors.answers["/large"] = [answer(200, bytes(100_001))]
    vendors.answers["/gone"] = [answer(410, b"secret")]
    urls = ["http://169.254.169.254/latest/", "https://127.0.0.1/", vendors.url("/large"), vendors.url("/gone")]
    ticket_id = await phone.receive("api", *urls)
    files = await phone.until(ticket_id, *["failed"] * 4)
    assert [file["problem"] for file in files] == [
        "the address must begin with https://",
        "the address is not a public one",
        "larger than 100000 bytes",
        "the provider answers 410",
    ]
    assert (await phone.content(ticket_id, files[0])).status_code == 404
    entries = (await phone.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
    told = [
        entry["event"] for entry in entries if entry["event"] and entry["event"]["type"] == "message.file_failed"
    ]
    assert {event["data"]["attachment_id"] for event in told} == {file["attachment_id"] for file in files}


async def test_what_is_not_there_yet_is_tried_again_and_given_up_at_last(phone: Phone, vendors: Website) -> None:
    vendors.answers["/late"] = [answer(404), answer(503), answer(200, PICTURE)]
    vendors.answers["/never"] = [answer(500)]
    ticket_id = await phone.receive("api", vendors.url("/late"), vendors.url("/never"))
    for attempt in range(1, len(PAUSES) + 2):
        await eventually(partial(_settled, phone, attempt))
        assert len(vendors.to("/never")) == attempt
        assert (await phone.files(ticket_id))[1]["state"] == ("failed" if attempt > len(PAUSES) else "waiting")
        await phone.try_again()
    late, never = await phone.until(ticket_id, "stored", "failed")
    assert (late["state"], never["problem"]) == ("stored", "the provider answers 500")
    assert len(vendors.to("/late")) == 3


async def test_what_nobody_foresaw_is_tried_again_and_ends_nobody_elses_fetches(
    phone: Phone, vendors: Website
) -> None:
    vendors.answers["/fine"] = [answer(200, PICTURE)]
    # As if it had been sealed before such tokens were refused.
    vault = AesVault(b"development-only-credentials-key")
    await phone.configure(bot_token=vault.seal(phone.workspace_id, "xoxb-\N{SNOWMAN}"))
    url = vendors.url("/files-pri/3")
    ticket_id = await phone.receive("slack", url)

    async def told() -> bool:
        (file,) = await phone.files(ticket_id)
        return (file["state"], file.get("problem")) == ("waiting", "UnicodeEncodeError")

    await eventually(told)
    assert vendors.to("/files-pri/3") == []
    fine = await phone.receive("api", vendors.url("/fine"))
    await phone.until(fine, "stored")


async def test_one_workspaces_slow_host_holds_up_nobody_else(
    phone: Phone, vendors: Website, media_system: System
) -> None:
    over = asyncio.Event()

    async def slow(call: Call, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        await answer(200, b"late")(call, writer)

    vendors.answers["/slow"] = [slow]
    vendors.answers["/quick"] = [answer(200, PICTURE)]
    waiting = await phone.receive("api", *[vendors.url("/slow")] * 5)
    try:
        await eventually(lambda: len(vendors.to("/slow")) == 2)
        # Of the same shard: one loop works for both.
        names = (f"{phone.workspace_id}-{n}" for n in range(10_000))
        name = next(name for name in names if shard_of(name) == shard_of(phone.workspace_id))
        other = Phone(phone.database, await media_system.http("intake", name), name, phone.bells)
        await other.configure()
        quick = await other.receive("api", *[vendors.url("/quick")] * 3)
        await other.until(quick, *["stored"] * 3)
        assert len(vendors.to("/slow")) == 2
    finally:
        over.set()
    await phone.until(waiting, *["stored"] * 5)


async def _settled(phone: Phone, attempts: int) -> bool:
    """Whether so many attempts are over, and none is under way: tried again, that would be one more."""
    over = text(
        "SELECT 1 FROM media_fetch HAVING bool_or(attempts = :attempts AND last_error LIKE '%500')"
        " AND bool_and(state <> 'waiting' OR last_error IS NOT NULL)"
    )
    found = await phone.database.transact(
        lambda tx: tx.execute(over, {"attempts": attempts}), workspaces=[phone.workspace_id]
    )
    return found.first() is not None
