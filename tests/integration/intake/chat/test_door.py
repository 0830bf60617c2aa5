"""Who is let in, and what a connection may do."""

import asyncio
import json
import socket

import pytest
from websockets.exceptions import ConnectionClosed

from services.intake.api.chat_frames import MOST_CHARACTERS
from tests.eventually import eventually
from tests.integration.intake.chat.room import KEY, ORIGIN, Room


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://www.example.com.evil.example"},
        {"origin": "null"},
        {"origin": None},
        {"address": "nobody"},
        {"address": "%00"},
        {"public_key": "another-key"},
        {"public_key": ""},
    ],
)
async def test_whoever_does_not_belong_here_is_told_nothing_but_no(room: Room, wrong: dict[str, str]) -> None:
    wrong = dict(wrong)
    key = wrong.pop("public_key", KEY)
    async with room.connect(**wrong) as page:  # type: ignore[arg-type] # any of them
        await page.tell("hello", public_key=key)
        assert await page.closed() == 4403
        assert page.others == []


async def test_a_channel_without_chats_is_no_door(room: Room) -> None:
    channel = {"id": "web", "kind": "chat", "address": room.address}
    await room.http.put("/v1/configuration", json={"channels": [channel]}, headers={"If-Match": "*"})
    async with room.connect() as page:
        await page.tell("hello", public_key=KEY)
        assert await page.closed() == 4403


async def test_who_says_nothing_at_first_is_not_waited_for(room: Room) -> None:
    async with room.connect() as page:
        assert await page.closed() == 4408


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        '{"type":"hello"}',
        '{"type":"hello","public_key":"k","more":1}',
        '{"type":"hello","public_key":1}',
        '{"type":"hello","public_key":"\\ud800"}',
        '{"type":"hello","public_key":"a","public_key":"b"}',
        '{"type":"hello","public_key":"a","last_seq":-1}',
        '{"type":"hello","public_key":"a","last_seq":1.5}',
        '{"type":"hello","public_key":"a","last_seq":1e400}',
        '{"type":"message","client_message_id":"a","text":"x"}',
        b'{"type":"ping"}',
    ],
)
async def test_what_is_no_first_frame_ends_the_connection(room: Room, frame: str | bytes) -> None:
    async with room.connect() as page:
        await page.socket.send(frame)
        assert await page.closed() == 4400


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message", "client_message_id": "a b", "text": "x"},
        {"type": "read", "up_to_seq": "1"},
        {"type": "welcome"},
        {"type": "hello", "public_key": KEY},
    ],
)
async def test_what_is_no_frame_ends_the_connection_and_leaves_nothing(room: Room, frame: object) -> None:
    async with room.page() as page:
        await page.socket.send(json.dumps(frame))
        assert await page.closed() == 4400
    assert await room.tickets() == []


async def test_what_nobody_can_take_is_refused_and_the_chat_goes_on(room: Room) -> None:
    async with room.page() as page:
        for text in ("", " \n", "\x85", "\0", "\ud800", "x" * (MOST_CHARACTERS + 1)):
            await page.socket.send(json.dumps({"type": "message", "client_message_id": "a", "text": text}))
            await page.until("error", code="refused", client_message_id="a")
        await page.tell("transcript", email=f"{'x' * 65}@example.org")
        await page.until("error", code="refused", about="transcript")
        assert await room.tickets() == []
        await page.say("It does not print.", known="a")
        await page.until("ack", client_message_id="a", seq=1)


async def test_the_largest_message_is_taken_and_a_larger_frame_ends_the_connection(room: Room) -> None:
    async with room.page() as page:
        await page.say("😀" * MOST_CHARACTERS)
        await page.until("ack")
        await page.socket.send(json.dumps({"type": "ping", "x": "y" * 17_000}))
        assert await page.closed() == 1009


async def test_who_writes_too_fast_is_asked_to_wait_and_who_floods_is_thrown_out(room: Room) -> None:
    async with room.page() as page:
        # On a busy machine they are taken no faster than they may come: then it needs more of them.
        for number in range(40):
            await page.say(f"{number}", f"m-{number}")
        error = await page.until("error", code="rate_limited", within_s=20)
        assert 0 < error["retry_after_s"] <= 1.1
        refused = error["client_message_id"]
        await asyncio.sleep(error["retry_after_s"])
        await page.say("after all", refused)
        await page.until("ack", client_message_id=refused)
        for _ in range(100):
            await page.tell("ping")
        assert await page.closed() == 4429


async def test_a_ping_is_answered(room: Room) -> None:
    async with room.page() as page:
        await page.tell("ping")
        await page.until("pong")


async def test_a_workspace_has_its_share_of_connections(room: Room) -> None:
    async with room.page() as first, room.page(), room.page(), room.page():
        async with room.connect() as page:
            await page.tell("hello", public_key=KEY)
            assert await page.closed() == 1013
        await first.socket.close()

        async def has_room() -> bool:
            async with room.connect() as page:
                await page.tell("hello", public_key=KEY)
                try:
                    return bool((await page.read())["type"] == "welcome")
                except ConnectionClosed:
                    return False

        await eventually(has_room, every_s=0.1)


async def test_a_key_that_is_replaced_lets_nobody_stay(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
        await room.configure(public_key="another-key")
        await room.reply((await room.ticket())["ticket_id"], "Not for you any more.")
        assert await page.closed() == 4403
        assert [frame["text"] for frame in page.said] == ["Hello?"]


async def test_a_client_that_does_not_read_is_dropped_and_resumes(room: Room) -> None:
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = room.system.url("intake").removeprefix("http://").partition(":")
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
    texts = ["Hello?"]
    connections = room.system.services["intake"].runtime.metrics.registry
    async with room.page(sock=small, max_queue=1) as page:
        await page.say("Hello?")
        await page.until("ack")
        ticket_id = (await room.ticket())["ticket_id"]
        for number in range(14):
            texts.append(f"{number} " + "x" * 490_000)
            await room.reply(ticket_id, texts[-1])

        def is_dropped() -> bool:
            return not connections.get_sample_value("waypost_chat_connections")

        await eventually(is_dropped, within_s=15)
        page.socket.transport.abort()
    async with room.page(before=page, max_size=None) as again:
        await again.until_said(*texts)


async def test_origins_are_compared_whole_and_without_case(room: Room) -> None:
    async with room.connect(origin=ORIGIN.upper()) as page:
        await page.tell("hello", public_key=KEY)
        assert (await page.read())["type"] == "welcome"
