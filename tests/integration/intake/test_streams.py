"""`/v1/tickets/{id}/stream`: the timeline as it grows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

from tests.clients import client
from tests.integration.intake.office import Json, Office, refused
from tests.keys import token

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Stream:
    """What comes through."""

    def __init__(self, events: AsyncIterator[ServerSentEvent]) -> None:
        self._events = events
        self.last_id = ""

    async def next(self) -> Json:
        async with asyncio.timeout(10):
            event = await anext(self._events)
        self.last_id = event.id
        entry: Json = event.json()
        assert (event.event, event.id) == (entry["kind"], str(entry["entry"]))
        return entry


@asynccontextmanager
async def streaming(http: httpx.AsyncClient, ticket_id: str, **headers: str) -> AsyncIterator[Stream]:
    url = f"/v1/tickets/{ticket_id}/stream"
    async with aconnect_sse(http, "GET", url, headers=headers) as source:
        assert source.response.status_code == 200
        assert source.response.headers["content-type"].startswith("text/event-stream")
        yield Stream(source.aiter_sse())


def brief(entry: Json) -> str:
    return str(entry["message"]["text"] if entry["message"] else entry["event"]["type"])


async def test_a_stream_tells_messages_notes_and_events_as_they_are_stored(office: Office) -> None:
    ticket_id = await office.open_ticket()
    async with streaming(office.http, ticket_id) as stream:
        await office.send(ticket_id=ticket_id, text="Hello?")
        assert brief(await stream.next()) == "Hello?"
        await office.reply(ticket_id, "Yes?")
        assert [brief(await stream.next()) for _ in range(2)] == ["Yes?", "ticket.status_changed"]
        await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"text": "Impatient"})
        assert brief(await stream.next()) == "Impatient"
        await office.tell_about(ticket_id, office.scribe.queued("t", NOW))
        assert brief(await stream.next()) == "work.queued"


async def test_a_stream_goes_on_where_the_one_before_it_broke_off(office: Office) -> None:
    ticket_id = await office.open_ticket(text="first")
    async with streaming(office.http, ticket_id, **{"Last-Event-ID": "0"}) as stream:
        assert [brief(await stream.next()) for _ in range(2)] == ["ticket.opened", "first"]
    for number in range(3):
        await office.reply(ticket_id, f"Answer {number}")
    async with streaming(office.http, ticket_id, **{"Last-Event-ID": stream.last_id}) as again:
        told = [brief(await again.next()) for _ in range(4)]
    assert told == ["Answer 0", "ticket.status_changed", "Answer 1", "Answer 2"]


async def test_a_long_history_is_told_whole(office: Office) -> None:
    ticket_id = await office.open_ticket()
    batch = [office.message(ticket_id=ticket_id) for _ in range(250)]
    assert (await office.http.post("/v1/messages/batch", json=batch)).is_success
    async with streaming(office.http, ticket_id, **{"Last-Event-ID": "2"}) as stream:
        assert [(await stream.next())["entry"] for _ in range(250)] == list(range(3, 253))


async def test_a_last_event_that_is_none_is_refused(office: Office) -> None:
    url = f"/v1/tickets/{await office.open_ticket()}/stream"
    for last in ("-1", "x", "1" * 20):
        refused(await office.http.get(url, headers={"Last-Event-ID": last}), 422, "invalid-request")


async def test_a_stream_ends_when_its_token_is_revoked(office: Office) -> None:
    ticket_id = await office.open_ticket()
    bearer = token(office.workspace_id, "tickets:read", jti="leaked")
    url = f"{office.system.url('intake')}/v1/tickets/{ticket_id}/stream"
    async with client(bearer=bearer) as http, http.stream("GET", url) as answer:
        assert answer.status_code == 200
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"jti": "leaked", "expires_at": expires_at}
        assert (await office.http.post("/v1/revocations", json=body)).status_code == 201
        async with asyncio.timeout(10):
            async for _ in answer.aiter_raw():
                pass
        refused(await http.get(url), 401, "not-authenticated")
