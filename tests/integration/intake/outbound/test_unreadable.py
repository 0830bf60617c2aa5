"""A workspace whose stored configuration cannot be read any more, as after rules that became stricter."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import insert, text

from services.intake.adapters.chat import tables as chats
from services.intake.adapters.media import tables as media
from services.intake.domain.workspace import UNREADABLE
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.calls.switchboard import call
from tests.integration.intake.notices import TEMPLATES
from tests.integration.intake.office import refused
from tests.integration.intake.outbound.desk import Desk
from tests.integration.intake.vendors import Scripted
from tests.shards import SHARDS, shard_of
from tests.system import System

_SPOIL = text(
    "UPDATE configuration SET version = version + 1, body = jsonb_set(body, '{channels,0,kind}', '\"telepathy\"')"
    " WHERE workspace_id = :workspace_id"
)


_DUE = {
    "chat_conversation": "due_at",
    "call": "settles_at",
    "notice": "due_at",
    "media_fetch": "next_attempt_at",
}
_LONG_AGO = text("UPDATE notice SET since = since - interval '1 day' WHERE workspace_id = :workspace_id")
_STANDS = text(
    "SELECT c.state AS chat, c.due_at AS chat_at, l.ticket_id IS NOT NULL AS has_ticket, l.settles_at AS call_at,"
    " n.state AS notice, n.times, n.due_at AS notice_at, f.state AS file, f.attempts, f.next_attempt_at AS file_at"
    " FROM chat_conversation c JOIN call l USING (workspace_id) JOIN media_fetch f USING (workspace_id)"
    " JOIN notice n ON n.workspace_id = c.workspace_id AND n.ticket_id = c.ticket_id"
    " WHERE c.workspace_id = :workspace_id AND n.reason = 'still_working'"
)

_NOTICES = text("SELECT reason, state, times FROM notice WHERE ticket_id = :ticket_id")
_UNCONFIGURED = {"received": ("withheld", 0), "survey": ("due", 0)}


async def spoil(desk: Desk) -> None:
    parameters = {"workspace_id": desk.workspace_id}
    await desk.database.transact(lambda tx: tx.execute(_SPOIL, parameters), workspaces=[desk.workspace_id])


async def test_its_work_waits_and_nobody_else_s_until_it_is_applied_again(desk: Desk, intake: System) -> None:
    ticket_id = await desk.ticket("other", {"handle": "ada-42"})
    desk.vendors.script(desk.words, Scripted(500, {}, {"retry-after": "1"}))
    receipt = await desk.reply(ticket_id)
    await spoil(desk)

    async def waits() -> bool:
        delivery = await desk.delivery(receipt["message"]["message_id"])
        assert (delivery["state"], delivery["last_error"]) == ("queued", UNREADABLE)
        return True

    await eventually(waits)
    message = {"channel": "api", "from": {"handle": "ada-42"}, "text": "Hello?"}
    refused(await desk.http.post("/v1/messages", json=message), 409, "illegal-transition")
    refused(await desk.try_reply(ticket_id, "Hello!"), 409, "illegal-transition")
    shown = await desk.http.get("/v1/configuration")
    refused(shown, 409, "illegal-transition")
    assert "etag" not in shown.headers
    other = await Desk.open(intake, desk.vendors, f"{desk.workspace_id}-other")
    await other.until(await other.reply(await other.ticket("other", {"handle": "bob-1"})), "sent")
    await desk.configure(*desk.channels())
    assert (await desk.http.post("/v1/messages", json=message)).status_code == 201


async def test_one_that_configures_nothing_takes_its_place_as_well(desk: Desk) -> None:
    await spoil(desk)
    await desk.configure()
    assert (await desk.http.get("/v1/configuration")).json()["configuration"]["channels"] == []


async def test_what_time_brings_about_is_put_off_and_none_of_it_lost(desk: Desk) -> None:
    web = {
        "id": "web",
        "kind": "chat",
        "address": f"{desk.workspace_id}-web",
        "chat": {"public_key": "public-key-1", "origins": ["https://www.example.com"]},
    }
    api = {
        "id": "api",
        "kind": "api",
        "notices": {"solved": "done", "still_working": {"every": "1h", "template": "news", "most": 3}},
    }
    texts = desk.channels()[1]
    part = {"channels": [api, texts, web, {"id": "hotline", "kind": "voice"}], "templates": TEMPLATES}

    async def apply() -> None:
        answer = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text

    await apply()
    body = {"channel": "api", "from": {"email": "ada@example.org"}, "text": "Help"}
    receipt = (await desk.http.post("/v1/messages", json=body)).json()
    done = await desk.ticket("api", {"email": "bob@example.org"})
    lost = call("queued@3", "ended@40", caller=None)
    told = await desk.http.post("/v1/channels/hotline/call-events", json=lost)
    assert told.status_code == 200, told.text
    await desk.database.transact(
        lambda tx: begin(tx, desk, receipt["ticket_id"], receipt["message_id"]), workspaces=[desk.workspace_id]
    )
    await spoil(desk)
    # What comes up meanwhile is not lost either.
    solved = await desk.http.patch(f"/v1/tickets/{done}", json={"status": "solved"}, headers={"If-Match": "*"})
    assert solved.status_code == 200, solved.text
    await come_due(desk)

    async def waits() -> bool:
        async def unit(tx: Tx) -> bool:
            row = (await tx.execute(_STANDS, {"workspace_id": desk.workspace_id})).one()
            assert (row.chat, row.has_ticket, row.notice, row.times) == ("open", False, "due", 0)
            assert (row.file, row.attempts) == ("waiting", 0)
            assert await notices(tx, done) == {"still_working": ("due", 0), "solved": ("due", 0), **_UNCONFIGURED}
            soon = await tx.now() + timedelta(minutes=50)
            return all(at and at > soon for at in (row.chat_at, row.call_at, row.notice_at, row.file_at))

        return await desk.database.transact(unit, workspaces=[desk.workspace_id])

    await eventually(waits, within_s=15)
    await apply()
    await come_due(desk)

    async def goes_on() -> bool:
        async def unit(tx: Tx) -> bool:
            row = (await tx.execute(_STANDS, {"workspace_id": desk.workspace_id})).one()
            assert (row.chat, row.has_ticket, row.times) == ("abandoned", True, 1)
            assert (await notices(tx, done))["solved"] == ("sent", 1)
            return bool(row.attempts)

        return await desk.database.transact(unit, workspaces=[desk.workspace_id])

    await eventually(goes_on, within_s=15)


async def notices(tx: Tx, ticket_id: str) -> dict[str, tuple[str, int]]:
    """How it stands with those of a ticket."""
    rows = await tx.execute(_NOTICES, {"ticket_id": ticket_id})
    return {row.reason: (row.state, row.times) for row in rows}


async def begin(tx: Tx, desk: Desk, ticket_id: str, message_id: str) -> None:
    """A chat whose visitor has been gone for a day, and a file to be fetched; both are due tomorrow."""
    now = await tx.now()
    a_day = timedelta(days=1)
    both = {"workspace_id": desk.workspace_id, "shard": shard_of(desk.workspace_id)}
    chat = {
        **both,
        "conversation_id": uuid4(),
        "channel": "web",
        "ticket_id": ticket_id,
        "identity_kind": "handle",
        "identity_value": "visitor:1",
        "is_verified": False,
        "state": "open",
        "last_seq": 1,
        "last_at": now - a_day,
        "is_answered": False,
        "seen_at": now - a_day,
        "due_at": now + a_day,
    }
    file = {
        **both,
        "attachment_id": uuid4(),
        "message_id": message_id,
        "channel": "texts",
        "url": "https://api.twilio.example/nothing",
        "media_type": "image/png",
        "provider": "twilio-sms",
        "next_attempt_at": now + a_day,
    }
    await tx.execute(insert(chats.conversation).values(**chat))
    await tx.execute(insert(media.media_fetch).values(**file))


async def come_due(desk: Desk) -> None:
    """Makes due all that waits for its time, and has it looked at at once."""

    async def unit(tx: Tx) -> None:
        named = {"workspace_id": desk.workspace_id, "now": await tx.now()}
        for table, column in _DUE.items():
            query = f"UPDATE {table} SET {column} = :now WHERE workspace_id = :workspace_id"
            await tx.execute(text(query), named)
        await tx.execute(_LONG_AGO, {"workspace_id": desk.workspace_id})

    await desk.database.transact(unit, workspaces=[desk.workspace_id])
    state = desk.system.services["intake"].app.state
    for bells in (state.media.bells, state.answering.bells):
        bells.ring(range(SHARDS))
