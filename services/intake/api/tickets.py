"""`/v1/tickets`: found, shown, changed and merged."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from services.intake.api.callers import Reader, Writer, asked_by
from services.intake.api.resources import MergeReceipt, MergeRequest, TicketPatch, TicketResource
from services.intake.app.desk import Desk
from services.intake.app.merge_tickets import merge_tickets
from services.intake.app.queries import TicketFilter, Tickets
from services.intake.app.update_ticket import TicketEdit, update_ticket
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.etags import IfMatchHeader, etag
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit
from shared.http.types import Instant, Slug
from shared.vocabulary import Priority, TicketStatus

_Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}:[^\x00]{0,200}$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


async def _filter(
    number: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    status: Annotated[list[TicketStatus], Query(max_length=10, description="Any of these.")] = [],  # noqa: B006 - FastAPI copies it
    queue: Slug | None = None,
    assignee: _Name | None = None,
    customer: UUID | None = None,
    label: Annotated[list[_Label], Query(max_length=10, description="`key:value`, all of these.")] = [],  # noqa: B006 - as above
    priority: Annotated[list[Priority], Query(max_length=10, description="Any of these.")] = [],  # noqa: B006 - as above
    channel: Slug | None = None,
    text: Annotated[
        _Name | None, Query(description="Words of the subject or of one message, all of them.")
    ] = None,
    opened_after: Instant | None = None,
    opened_before: Instant | None = None,
) -> TicketFilter:
    pairs = [(key, value) for key, _, value in (part.partition(":") for part in label)]
    return TicketFilter(
        number=number,
        statuses=sorted(set(status)),
        queue=queue,
        assignee_id=assignee,
        customer_id=customer,
        labels=pairs,
        priorities=priority,
        channel=channel,
        text=text,
        opened_after=opened_after,
        opened_before=opened_before,
    )


def routes(database: Database, tickets: Tickets, desk: Desk) -> APIRouter:
    """Lists, single tickets and their change."""
    router = api_router("tickets")

    @router.get("/v1/tickets")
    async def list_tickets(
        principal: Reader,
        wanted: Annotated[TicketFilter, Depends(_filter)],
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[TicketResource]:
        """Tickets that fit all of the filters, the newest first."""
        after = decode_cursor(cursor, int)
        before = int(after[0]) if after else None
        workspace_id = principal.workspace_id

        async def unit(tx: Tx) -> list[Ticket]:
            return await tickets.find(tx, workspace_id, wanted, before, limit + 1)

        found = await database.transact(unit, workspaces=[workspace_id])
        return page(found, limit, lambda ticket: (ticket.number,), TicketResource.of)

    @router.get("/v1/tickets/{ticket_id}")
    async def show_ticket(ticket_id: UUID, principal: Reader, response: Response) -> TicketResource:
        """One ticket."""
        key = principal.workspace_id, ticket_id
        ticket = await database.transact(lambda tx: tickets.get(tx, key), workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(ticket.version)
        return TicketResource.of(ticket)

    @router.patch("/v1/tickets/{ticket_id}")
    async def change_ticket(
        ticket_id: UUID, patch: TicketPatch, principal: Writer, if_match: IfMatchHeader, response: Response
    ) -> TicketResource:
        """Changes status, priority, labels or subject."""
        key = principal.workspace_id, ticket_id
        edit = TicketEdit(status=patch.status, priority=patch.priority, labels=patch.labels, subject=patch.subject)
        by = asked_by(principal)

        async def unit(tx: Tx) -> Ticket:
            return await update_ticket(key, edit, by, seen=if_match.check, tx=tx, desk=desk)

        ticket = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(ticket.version)
        return TicketResource.of(ticket)

    @router.post("/v1/tickets/{ticket_id}/merge", response_model=MergeReceipt)
    async def merge_ticket(
        ticket_id: UUID, request: MergeRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Closes the ticket and shows its messages in another one."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)

        async def unit(tx: Tx) -> Answer:
            source, target = await merge_tickets(key, request.into, by, tx=tx, desk=desk)
            both = MergeReceipt(source=TicketResource.of(source), target=TicketResource.of(target))
            return Answer.of(200, both)

        return await once.transact(database, unit)

    return router
