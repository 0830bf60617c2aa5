"""`/v1/tickets/{id}/timeline` and `/stream`: what happened to a ticket, and what happens."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.intake.adapters.watching import TicketWatch
from services.intake.api.callers import Reader
from services.intake.api.resources import EntryResource, PassingResource
from services.intake.app.queries import Entry, Tickets, Timelines
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput, TransientError
from shared.http.app import api_router
from shared.http.auth import Principal
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit
from shared.service import Runtime

_AT_ONCE = 100
_CHECK_S = 1.0
_LAST_INSTANT = 2**57
"""Microseconds: beyond the year 6000, and within what a datetime holds."""

LastEventId = Annotated[str | None, Header(pattern=r"^[0-9]{1,15}$", description="Entries after this one.")]


def routes(runtime: Runtime, tickets: Tickets, timelines: Timelines, watch: TicketWatch) -> APIRouter:
    """A ticket's timeline, in pages and live."""
    router = api_router("tickets")
    database = runtime.database

    @router.get("/v1/tickets/{ticket_id}/timeline")
    async def show_timeline(
        ticket_id: UUID, principal: Reader, limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[EntryResource]:
        """Messages, notes and every service's events in the order of time, with merged tickets' messages."""
        key = principal.workspace_id, ticket_id
        after = _after(cursor)

        async def unit(tx: Tx) -> list[Entry]:
            await tickets.get(tx, key)
            return await timelines.page(tx, key, after, limit + 1)

        entries = await database.transact(unit, workspaces=[principal.workspace_id])
        return page(entries, limit, lambda entry: entry.key, EntryResource.of)

    async def first(request: Request, ticket_id: UUID, last_event_id: LastEventId = None) -> int:
        """After which entry the stream begins: without a word from the client, with what comes next."""
        principal: Principal = request.state.principal
        ticket = await _existing(database, tickets, (principal.workspace_id, ticket_id))
        return ticket.entries if last_event_id is None else int(last_event_id)

    @router.get("/v1/tickets/{ticket_id}/stream", response_class=EventSourceResponse)
    async def stream_ticket(
        ticket_id: UUID, principal: Reader, after: Annotated[int, Depends(first)]
    ) -> AsyncIterator[ServerSentEvent]:
        """New entries of the timeline as they are stored. `id` is the entry's number, for `Last-Event-ID`.

        What is not kept has none: `typing`, and `read` where somebody has read up to a message.
        """
        key = principal.workspace_id, ticket_id
        with watch.watch(key) as watcher:
            has_news = True
            while not runtime.stopping.is_set() and runtime.verifier.is_good(principal):
                if not has_news:
                    has_news = await watcher.has_news(_CHECK_S)
                    continue
                entries = await _news(database, timelines, key, after)
                if entries is None:
                    await watcher.has_news(_CHECK_S)
                    continue
                for entry in entries:
                    shown = EntryResource.of(entry)
                    yield ServerSentEvent(data=shown, event=shown.kind, id=str(entry.entry))
                    after = entry.entry
                for passing in watcher.passed():
                    yield ServerSentEvent(data=PassingResource.of(passing), event=passing.kind)
                has_news = len(entries) == _AT_ONCE

    return router


async def _existing(database: Database, tickets: Tickets, key: tuple[str, UUID]) -> Ticket:
    return await database.transact(lambda tx: tickets.get(tx, key), workspaces=[key[0]])


async def _news(database: Database, timelines: Timelines, key: tuple[str, UUID], after: int) -> list[Entry] | None:
    """What was stored since; None while the database is away, which a stream outlives."""
    try:
        return await database.transact(lambda tx: timelines.news(tx, key, after, _AT_ONCE), workspaces=[key[0]])
    except TransientError:
        return None


def _after(cursor: str | None) -> tuple[int, int, str] | None:
    key = decode_cursor(cursor, int, int, str)
    if key is None:
        return None
    at, entry, ticket_id = int(key[0]), int(key[1]), str(key[2])
    try:
        UUID(ticket_id)
    except ValueError:
        at = -1
    if not 0 <= at < _LAST_INSTANT:
        raise InvalidInput("The cursor is not one of this list.", problems=(("cursor", "unknown"),))
    return at, entry, ticket_id
