"""`/v1/messages`: requests that come normalised already."""

from typing import Annotated

from fastapi import APIRouter, Response

from services.intake.api.receiving import Receiving
from services.intake.api.schemas import MessageReceipt, MessageRequest
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import OnceHeader


def routes(receiving: Receiving) -> APIRouter:
    """Single messages."""
    router = api_router("messages")

    @router.post(
        "/v1/messages",
        status_code=201,
        response_model=MessageReceipt,
        responses={200: {"model": MessageReceipt, "description": "Received before; the first result"}},
    )
    async def receive_message(
        message: MessageRequest, principal: Annotated[Principal, allowed("messages:write")], once: OnceHeader
    ) -> Response:
        """Takes one message. It is stored when the answer comes."""
        return await receiving.receive(message, principal, once)

    return router
