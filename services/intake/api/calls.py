"""Calls: what telephone systems tell about them over HTTP, and what is shown of them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from services.intake.adapters.calls.shown import PostgresShownCalls
from services.intake.adapters.hooks.standard_calls import CallNotice, to_event
from services.intake.api.callers import Reader
from services.intake.app.call_ports import Call, CallDesk
from services.intake.app.queries import Tickets
from services.intake.app.record_call_events import CallArrival, CallReceipt, record_call_events
from services.intake.domain.call import CallPhase
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DomainError, InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit, SlugPath
from shared.http.problems import FieldProblem, ProblemError, json_pointer
from shared.strict_json import loads
from shared.vocabulary import CallOutcome

MOST = 1000
MAX_BODY = 4 * 1024 * 1024
JSON = "application/json"

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST,
                    "items": {
                        "description": "An event that does not fit is rejected, and only that one.",
                        "anyOf": [{"$ref": "#/components/schemas/CallNotice"}, {}],
                    },
                }
            }
        },
    }
}


class CallDisposition(StrEnum):
    """What became of an event of a call."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class CallEventOutcome(BaseModel):
    """What became of one event. `ticket_id` is not known while no event has told who calls."""

    disposition: CallDisposition
    call_id: UUID | None = None
    ticket_id: UUID | None = None
    reason: str | None = None
    errors: list[FieldProblem] = []


class CallEventsReceipt(BaseModel):
    """An outcome for each event, in their order."""

    items: list[CallEventOutcome]


class CallResource(BaseModel):
    """A call. Times are by the telephone system's clock; seconds of talk are without those on hold.

    `outcome` and what follows it are there once it has ended. `caller` is empty where they withhold their number.
    """

    call_id: UUID
    ticket_id: UUID | None
    channel: str
    provider_call_id: str
    phase: CallPhase
    caller: str | None
    name: str | None
    called: str | None
    started_at: datetime
    outcome: CallOutcome | None = None
    agent: str | None = None
    transfers: int | None = None
    ivr_s: float | None = None
    queue_s: float | None = None
    ring_s: float | None = None
    talk_s: float | None = None
    hold_s: float | None = None
    wrap_s: float | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    revision: int

    @classmethod
    def of(cls, call: Call) -> Self:
        """As it is shown."""
        ended = {name: getattr(call.summary, name) for name in cls.model_fields if hasattr(call.summary, name)}
        return cls.model_validate({**{name: getattr(call, name, None) for name in cls.model_fields}, **ended})


Item = CallNotice | CallEventOutcome
"""An event, or why it is none."""


def routes(
    database: Database, tickets: Tickets, shown: PostgresShownCalls, desk: CallDesk, seen: SeenWorkspaces
) -> APIRouter:
    """Events of calls in, calls out."""
    router = api_router("calls")

    @router.post(
        "/v1/channels/{channel}/call-events",
        response_model=CallEventsReceipt,
        openapi_extra=_BODY,
        max_body_size=MAX_BODY,
        responses={200: {"description": "An outcome for each event"}},
    )
    async def receive_call_events(
        channel: SlugPath,
        request: Request,
        principal: Annotated[Principal, allowed("messages:write")],
        once: OnceHeader,
    ) -> Response:
        """Takes up to a thousand events of calls, in any order. What is not rejected is stored."""
        items = _items(request.headers.get("content-type", ""), await request.body())
        cause = request_cause()
        arrivals = [
            CallArrival(workspace_id=principal.workspace_id, channel=channel, event=to_event(item), cause=cause)
            for item in items
            if isinstance(item, CallNotice)
        ]

        async def unit(tx: Tx) -> Answer:
            await seen.remember(tx, {principal.workspace_id})
            received = iter(await record_call_events(arrivals, tx=tx, desk=desk))
            outcomes = [_outcome(next(received)) if isinstance(item, CallNotice) else item for item in items]
            return Answer.of(200, CallEventsReceipt(items=outcomes))

        return await once.transact(database, unit)

    @router.get("/v1/tickets/{ticket_id}/calls")
    async def list_calls(
        ticket_id: UUID, principal: Reader, limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[CallResource]:
        """The calls that a ticket is about, those of tickets that went up in it too; the newest first."""
        key = principal.workspace_id, ticket_id
        before = decode_id(cursor)

        async def unit(tx: Tx) -> Sequence[Call]:
            await tickets.get(tx, key)
            return await shown.of_ticket(tx, key, before, limit + 1)

        calls = await database.transact(unit, workspaces=[principal.workspace_id])
        return page(calls, limit, lambda call: (str(call.call_id),), CallResource.of)

    return router


def _items(content_type: str, body: bytes) -> list[Item]:
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise ProblemError(415, "unsupported-media-type", f"Send the body as {JSON}.")
    try:
        values = loads(body)
    except ValueError as error:
        raise ProblemError(400, "malformed-json", f"The body is not acceptable JSON: {error}.") from None
    if not isinstance(values, list) or not 1 <= len(values) <= MOST:
        raise InvalidInput(f"Send an array of 1 to {MOST} events.")
    return [_item(value) for value in values]


def _item(value: object) -> Item:
    try:
        return CallNotice.model_validate(value, extra="forbid")
    except ValidationError as error:
        problems = [
            FieldProblem(pointer=json_pointer(problem["loc"]), detail=problem["msg"])
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        return CallEventOutcome(
            disposition=CallDisposition.REJECTED, reason="invalid-request", errors=problems[:20]
        )


def _outcome(result: CallReceipt | DomainError) -> CallEventOutcome:
    if isinstance(result, DomainError):
        problems = result.problems if isinstance(result, InvalidInput) else ()
        errors = [FieldProblem(pointer=pointer, detail=detail) for pointer, detail in problems]
        return CallEventOutcome(disposition=CallDisposition.REJECTED, reason=str(result), errors=errors)
    return CallEventOutcome(
        disposition=CallDisposition.DUPLICATE if result.is_repeat else CallDisposition.RECORDED,
        call_id=result.call_id,
        ticket_id=result.ticket_id,
    )
