"""`/v1/messages/batch`: up to a thousand messages in one commit, an outcome each."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from services.intake.api.receiving import Receiving
from services.intake.api.schemas import BatchOutcome, BatchReceipt, MessageReceipt, MessageRequest
from services.intake.app.ports import Receipt
from services.intake.domain.message import Disposition
from shared.db.unit_of_work import Database, Tx
from shared.errors import DataRefused, InvalidInput, WaypostError
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.idempotency import Answer, OnceHeader
from shared.http.problems import FieldProblem, ProblemError, json_pointer
from shared.strict_json import loads

T = TypeVar("T")

MOST = 1000
MAX_BODY = 16 * 1024 * 1024
JSON, NDJSON = "application/json", "application/x-ndjson"

_ITEMS = {
    "description": "A message that does not fit is rejected, and only that one.",
    "anyOf": [{"$ref": "#/components/schemas/MessageRequest"}, {}],
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "array", "minItems": 1, "maxItems": MOST, "items": _ITEMS}},
            NDJSON: {"schema": {"type": "string", "description": "A message a line."}},
        },
    }
}

Item = MessageRequest | BatchOutcome
"""A message, or why it is none."""


def routes(receiving: Receiving, database: Database) -> APIRouter:
    """The batch."""
    router = api_router("messages")

    @router.post("/v1/messages/batch", response_model=BatchReceipt, openapi_extra=_BODY, max_body_size=MAX_BODY)
    async def receive_batch(
        request: Request, principal: Annotated[Principal, allowed("messages:write")], once: OnceHeader
    ) -> Response:
        """Takes up to a thousand messages. Each that is not rejected is stored when the answer comes."""
        items = _items(request.headers.get("content-type", ""), await request.body())
        messages = [item for item in items if isinstance(item, MessageRequest)]
        cause = request_cause()

        async def unit(tx: Tx) -> Answer:
            received = iter(await receiving.receive_batch(tx, messages, principal, cause) if messages else [])
            outcomes = [_outcome(next(received)) if isinstance(item, MessageRequest) else item for item in items]
            return Answer.of(200, BatchReceipt(items=outcomes))

        return await once.transact(database, unit)

    return router


def _items(content_type: str, body: bytes) -> list[Item]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        items = _array(body)
    elif media_type == NDJSON:
        items = [_line(line) for line in _bounded([line for line in body.split(b"\n") if line.strip()])]
    else:
        raise ProblemError(415, "unsupported-media-type", f"Send the body as {JSON} or {NDJSON}.")
    return items


def _bounded(items: Sequence[T]) -> Sequence[T]:
    """As many as a batch may have. Asked before they are read: what is refused must not cost much."""
    if not 1 <= len(items) <= MOST:
        raise InvalidInput(f"A batch has 1 to {MOST} messages.")
    return items


def _array(body: bytes) -> list[Item]:
    try:
        values = loads(body)
    except ValueError as error:
        raise ProblemError(400, "malformed-json", f"The body is not acceptable JSON: {error}.") from None
    if not isinstance(values, list):
        raise InvalidInput("A batch is an array of messages.")
    return [_item(value) for value in _bounded(values)]


def _line(line: bytes) -> Item:
    try:
        value = loads(line)
    except ValueError as error:
        return _rejected(f"not acceptable JSON: {error}")
    return _item(value)


def _item(value: object) -> Item:
    try:
        return MessageRequest.model_validate(value)
    except ValidationError as error:
        problems = [
            FieldProblem(pointer=json_pointer(problem["loc"]), detail=problem["msg"])
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        return _rejected("invalid-request", problems)


def _outcome(result: Receipt | WaypostError) -> BatchOutcome:
    if isinstance(result, Receipt):
        return BatchOutcome(**MessageReceipt.of(result).model_dump())
    if isinstance(result, InvalidInput):
        problems = [FieldProblem(pointer=pointer, detail=detail) for pointer, detail in result.problems]
        return _rejected(str(result), problems)
    if isinstance(result, DataRefused):
        return _rejected("the database refuses a value of it")
    return _rejected(str(result))


def _rejected(reason: str, problems: list[FieldProblem] | None = None) -> BatchOutcome:
    return BatchOutcome(disposition=Disposition.REJECTED, reason=reason, errors=(problems or [])[:20])
