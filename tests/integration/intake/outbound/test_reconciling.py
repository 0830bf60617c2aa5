"""Texts that Twilio had no success in bringing."""

import asyncio
import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from services.intake.adapters.hooks.reconciling import Number, Reconciling
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.outbound.desk import PUBLIC_URL, Desk
from tests.integration.intake.vendors import Json, Scripted
from tests.unit.intake.adapters.hooks.signing import twilio_call

_MEDIA = text("SELECT url, media_type FROM media_fetch")
OURS, THEIRS = "+15550100", "+14155238886"


class Nights:
    """The text channel of one workspace, and what Twilio has of it."""

    def __init__(self, desk: Desk, number: Number) -> None:
        self.desk = desk
        self.number = number
        self.folder = f"/2010-04-01/Accounts/AC-{desk.workspace_id}"

    @property
    def reconciling(self) -> Reconciling:
        found = self.desk.system.services["intake"].app.state.reconciling
        assert isinstance(found, Reconciling)
        return found

    def has(self, *texts: Json, after: str = "To=", more: str | None = None) -> None:
        """Lists these, as the page that is asked for so; more: where the next one is."""
        page = {"messages": list(texts), "next_page_uri": more}
        self.desk.vendors.script(f"{self.folder}/Messages.json?{after}", Scripted(200, page))

    async def look(self) -> bool:
        return await self.reconciling.look(self.number, asyncio.Event())

    async def bring(self, said: Json) -> None:
        """By the webhook."""
        fields = {"AccountSid": f"AC-{self.desk.workspace_id}", "MessageSid": said["sid"], "Body": said["body"]}
        path = f"/v1/hooks/{self.desk.workspace_id}-texts/twilio-sms"
        call = twilio_call(
            {**fields, "From": said["from"], "To": OURS, "NumMedia": "0"},
            path=path,
            secret="token-1",
            base=PUBLIC_URL,
        )
        async with client(self.desk.system.url("intake")) as anybody:
            answer = await anybody.post(path, content=call.body, headers=list(call.headers))
        assert answer.status_code == 200, answer.text

    async def texts(self) -> list[str]:
        """What customers wrote, ticket by ticket."""
        tickets = (await self.desk.http.get("/v1/tickets")).json()["items"]
        found = []
        for ticket in tickets:
            entries = (await self.desk.http.get(f"/v1/tickets/{ticket['ticket_id']}/timeline")).json()["items"]
            found += [entry["message"]["text"] for entry in entries if entry["message"]]
        return sorted(found)

    async def until(self, *texts: str) -> None:
        async def probe() -> bool:
            assert await self.texts() == sorted(texts)
            return True

        await eventually(probe)

    async def media(self) -> list[tuple[str, str]]:
        """The files that are known."""

        async def unit(tx: Tx) -> list[tuple[str, str]]:
            return [(row.url, row.media_type) for row in await tx.execute(_MEDIA)]

        return await self.desk.database.transact(unit, workspaces=[self.desk.workspace_id])

    async def quarantined(self) -> list[Json]:
        return list((await self.desk.http.get("/v1/quarantine")).json()["items"])

    def count(self, name: str, **labels: str) -> float:
        registry = self.desk.system.services["intake"].runtime.metrics.registry
        return registry.get_sample_value(f"waypost_{name}_total", {"provider": "twilio-sms", **labels}) or 0.0


def a_text(sid: str, body: str, **fields: object) -> Json:
    said = {"sid": sid, "body": body, "from": THEIRS, "to": OURS, "direction": "inbound", "num_media": "0"}
    return {**said, "status": "received", **fields}


@pytest.fixture
async def nights(desk: Desk) -> Nights:
    reconciling = desk.system.services["intake"].app.state.reconciling
    shard = shard_of(desk.workspace_id, desk.database.shards)
    numbers = [one for one in await reconciling.numbers(shard) if one.workspace_id == desk.workspace_id]
    assert {(one.to, one.channels) for one in numbers} == {
        (OURS, ("texts",)),
        (f"whatsapp:{OURS}", ("wa-twilio",)),
    }
    return Nights(desk, next(one for one in numbers if one.to == OURS))


async def test_what_never_came_is_brought_and_what_came_is_known(nights: Nights) -> None:
    came, lost = a_text("SM1", "It came."), a_text("SM2", "It never came.")
    picture = a_text("SM3", "See this.", num_media="1")
    ours = a_text("SM4", "Soon.", direction="outbound-api")
    await nights.bring(came)
    await nights.until("It came.")
    nights.has(picture, ours, more=f"{nights.folder}/Messages.json?PageToken=2")
    # Where a page points elsewhere nobody goes there.
    nights.has(lost, came, after="PageToken=2", more="/2010-04-01/Accounts/AC-other/Messages.json?PageToken=3")
    media = {"media_list": [{"sid": "ME1", "content_type": "image/jpeg"}]}
    nights.desk.vendors.script(f"{nights.folder}/Messages/SM3/Media.json", Scripted(200, media))
    brought = nights.count("reconciled")
    assert await nights.look()
    await nights.until("It came.", "It never came.", "See this.")
    assert nights.count("reconciled") - brought == 2
    first, second, _ = [one for one in nights.desk.vendors.about(nights.folder) if "/Media/" not in one.path]
    asked = parse_qs(urlsplit(first.path).query)
    assert (asked["To"], [*asked]) == ([OURS], ["To", "DateSent>", "PageSize"])
    assert second.path.endswith("PageToken=2")
    basic = base64.b64encode(f"AC-{nights.desk.workspace_id}:token-1".encode()).decode()
    assert first.headers["authorization"] == f"Basic {basic}"
    assert nights.desk.vendors.about("AC-other") == []

    assert await nights.media() == [
        (f"{nights.desk.vendors.url}{nights.folder}/Messages/SM3/Media/ME1", "image/jpeg")
    ]
    # A webhook that comes after all changes nothing.
    await nights.bring(lost)
    nights.has(picture, lost, came)
    assert await nights.look()
    assert nights.count("reconciled") - brought == 2
    await nights.until("It came.", "It never came.", "See this.")


async def test_what_a_rule_has_refused_came_as_well(nights: Nights) -> None:
    rules = [
        {"name": "odd", "when": 'message.text.contains("bitcoin")', "fate": "quarantine"},
        {"name": "spam", "when": 'message.text.contains("pills")', "fate": "drop"},
    ]
    part = {"channels": nights.desk.channels(), "rules": rules}
    answer = await nights.desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    odd, spam, good = a_text("SM1", "Buy bitcoin"), a_text("SM2", "Buy pills"), a_text("SM3", "Hello.")
    for said in (odd, spam, good):
        await nights.bring(said)
    await nights.until("Hello.")
    # By then it would be let in.
    await nights.desk.configure(*nights.desk.channels())
    brought = nights.count("reconciled")
    nights.has(good, spam, odd)
    assert await nights.look()
    assert nights.count("reconciled") == brought
    assert len(await nights.quarantined()) == 1


async def test_what_cannot_be_read_is_put_aside_once(nights: Nights) -> None:
    for _ in range(2):
        nights.has(a_text("SM1", "Who am I?", **{"from": ""}))
        assert await nights.look()

        async def aside() -> bool:
            assert [item["channel"] for item in await nights.quarantined()] == ["texts"]
            return True

        await eventually(aside)


async def test_a_provider_that_fails_is_counted_and_stops_nothing(nights: Nights) -> None:
    failed = nights.count("reconciliations", result="failed")
    word = f"{nights.folder}/Messages.json"
    nights.desk.vendors.script(
        word, Scripted(500, {"code": 20500}), Scripted(200, {}), Scripted(401, {"code": 20003})
    )
    for _ in range(3):
        assert not await nights.look()
    assert nights.count("reconciliations", result="failed") - failed == 3
    assert await nights.texts() == []
