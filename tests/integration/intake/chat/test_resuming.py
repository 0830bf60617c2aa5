"""Connections break; conversations do not."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from websockets.exceptions import ConnectionClosed

from deploy.local.stack import Stack
from tests.integration.intake.chat.room import KEY, Page, Room
from tests.system import System, Templates, start


@dataclass
class Pair:
    """Two processes on one database, and a room in them."""

    one: System
    other: System


@pytest.fixture(scope="module")
async def pair(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("chats")
    setting = {"prefix": "chats", "templates": templates, "folder": folder}
    async with start(stack, ("intake",), **setting) as one:  # type: ignore[arg-type] # as start takes them
        joined = {**setting, "databases": one.databases, "process": 2}
        async with start(stack, ("intake",), **joined) as other:  # type: ignore[arg-type] # as above
            yield Pair(one, other)


class Visitor:
    """A page that loses its connection again and again, and does what the widget does about it."""

    def __init__(self, room: Room, systems: list[System], texts: list[str], fate: random.Random) -> None:
        self.room = room
        self.systems = systems
        self.queue = {f"m-{number}": text for number, text in enumerate(texts)}
        self.fate = fate
        self.resume_token: str | None = None
        self.said: list[dict[str, object]] = []
        self.cuts = 0

    async def chat(self, until: int) -> None:
        """Goes on until everything is sent and so many messages were shown."""
        while self.queue or len(self.said) < until:
            system = self.fate.choice(self.systems)
            with suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(5), self.room.connect(system=system) as page:
                    await self._visit(page, until)
            self.cuts += 1

    async def _visit(self, page: Page, until: int) -> None:
        frames = self.fate.randint(0, 9)
        hello = {"public_key": KEY, "last_seq": len(self.said)}
        if self.resume_token:
            hello["resume_token"] = self.resume_token
        await page.tell("hello", **hello)
        welcome = await page.read()
        self.resume_token = welcome["resume_token"]
        for known, text in list(self.queue.items()):
            await page.say(text, known)
        while frames and (self.queue or len(self.said) < until):
            frames -= 1
            frame = await page.read()
            if frame["type"] == "ack":
                self.queue.pop(frame["client_message_id"], None)
            elif frame["type"] == "message" and frame["seq"] == len(self.said) + 1:
                self.said.append(frame)
                await page.tell("received", up_to_seq=frame["seq"])
            elif frame["type"] == "message":
                assert frame["seq"] <= len(self.said), "a message was left out"
        page.socket.transport.abort()


@pytest.mark.parametrize("seed", range(4))
async def test_whenever_it_breaks_both_sides_end_with_the_same_words(
    pair: Pair, workspace_id: str, seed: int
) -> None:
    fate = random.Random(seed)
    room = await Room.open(pair.one, workspace_id)
    http = await pair.other.http("intake", workspace_id)
    asked = [f"question {number}" for number in range(8)]
    answers = [f"answer {number}" for number in range(8)]
    visitor = Visitor(room, [pair.one, pair.other], asked, fate)
    chatting = asyncio.ensure_future(visitor.chat(until=16))
    ticket = await room.ticket()
    replies = [await room.reply(ticket["ticket_id"], text, fate.choice([room.http, http])) for text in answers]
    async with asyncio.timeout(60):
        await chatting
    shown = [str(frame["text"]) for frame in visitor.said]
    assert sorted(shown) == sorted([*asked, *answers])
    assert [text for text in shown if text in asked] == asked
    assert [text for text in shown if text in answers] == answers
    assert [frame["seq"] for frame in visitor.said] == list(range(1, 17))
    assert await room.texts(ticket["ticket_id"]) == shown
    assert len(await room.tickets()) == 1
    assert visitor.cuts > 2
    await room.until_delivery(replies[0]["message_id"], "delivered")


async def test_what_happens_in_one_process_shows_in_the_other_at_once(pair: Pair, workspace_id: str) -> None:
    room = await Room.open(pair.one, workspace_id)
    http = await pair.other.http("intake", workspace_id)
    async with room.page() as page, room.page(before=page, system=pair.other) as elsewhere:
        await page.say("Hello?")
        await page.until("ack")
        ticket_id = (await room.ticket())["ticket_id"]
        # Looking every few seconds alone would take longer.
        async with asyncio.timeout(8):
            for number in range(5):
                await room.reply(ticket_id, f"Answer {number}", http)
                await page.until("message", text=f"Answer {number}")
            await http.post(f"/v1/tickets/{ticket_id}/typing", json={})
            await page.until("typing")
            await http.post(f"/v1/tickets/{ticket_id}/read", json={})
            await page.until("read")
        await elsewhere.say("And here.")
        await elsewhere.until("ack", seq=7)
        await page.until("message", seq=7)


async def test_a_process_that_stops_sends_its_visitors_to_another(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> None:
    setting = {"prefix": "chat_stop", "templates": templates, "folder": tmp_path}
    async with start(stack, ("intake",), **setting) as one:  # type: ignore[arg-type] # as start takes them
        room = await Room.open(one, workspace_id)
        async with room.page() as page:
            await page.say("Hello?")
            await page.until("ack")
            one.services["intake"].runtime.stopping.set()
            assert await page.closed() == 1012
    async with start(stack, ("intake",), databases=one.databases, **setting) as again:  # type: ignore[arg-type] # as above
        async with room.page(before=page, system=again) as resumed:
            assert resumed.welcome["seq"] == 1
            await resumed.say("Still there?")
            await resumed.until("ack", seq=2)


async def test_a_page_that_claims_to_know_more_than_there_is_misses_nothing(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
    async with room.page(before=page, last_seq=10**9) as again:
        ticket_id = (await room.ticket())["ticket_id"]
        await room.reply(ticket_id, "Yes?")
        assert (await again.until("message"))["seq"] == 2


@pytest.mark.parametrize("forged", ["", "x", "A" * 86, "é" * 10])
async def test_a_token_that_is_not_ours_begins_anew(room: Room, forged: str) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
    token = page.welcome["resume_token"]
    for other in (forged, token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token.swapcase()):
        async with room.page(resume_token=other) as stranger:
            assert stranger.welcome["seq"] == 0
            assert stranger.welcome["conversation_id"] != page.welcome["conversation_id"]


async def test_a_token_of_another_workspace_begins_anew(
    chat_system: System, room: Room, workspace_id: str
) -> None:
    other = await Room.open(chat_system, f"{workspace_id}-b")
    async with other.page() as page:
        await page.say("Hello?")
        await page.until("ack")
    async with room.page(resume_token=page.welcome["resume_token"]) as stranger:
        assert stranger.welcome["seq"] == 0


async def test_without_its_database_nothing_is_acknowledged_and_the_connection_stays(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
        database = room.system.services["intake"].runtime.database
        away = database.engine
        database.engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
        try:
            known = await page.say("Are you there?")
            error = await page.until("error", within_s=10)
            assert (error["code"], error["client_message_id"]) == ("unavailable", known)
        finally:
            database.engine = away
        await page.say("Are you there?", known)
        await page.until("ack", client_message_id=known)
        await page.until_said("Hello?", "Are you there?")
    assert await room.texts((await room.ticket())["ticket_id"]) == ["Hello?", "Are you there?"]
