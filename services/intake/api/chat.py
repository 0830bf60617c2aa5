"""`WS /v1/chat/{address}`: a visitor's side of a live chat. The frames are in docs/channels/chat.md."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, WebSocket

from services.intake.api.chat_desk import ChatDesk
from services.intake.api.chat_frames import Error, Hello
from services.intake.api.chat_session import Origin, Session
from services.intake.api.chat_wire import Close, Ended, Wire
from services.intake.app.visitor_tokens import BadVisitorToken
from shared.errors import TransientError
from shared.service import Runtime
from shared.telemetry.metrics import Metrics

HELLO_S = 5.0
"""Within what time the first frame has to come."""


def routes(runtime: Runtime, desk: ChatDesk, *, slow_after_s: float) -> APIRouter:
    """The visitors' door."""
    router = APIRouter()
    served = _Served(runtime.metrics)

    @router.websocket("/v1/chat/{address}")
    async def chat(socket: WebSocket, address: str) -> None:
        await socket.accept()
        wire = Wire(socket, slow_after_s=slow_after_s)
        code = Close.FAILED
        try:
            with desk.door.counted():
                served.connections.set(desk.door.count)
                await _serve(socket, address, wire)
        except* Ended as ended:
            code = _reason(ended) or Close.DONE
        except* BadVisitorToken:
            code = Close.VISITOR_TOKEN
            with suppress(Ended):
                await wire.send(Error(code="visitor_token"))
        finally:
            served.connections.set(desk.door.count)
            served.closed.labels(code.name.lower()).inc()
            await wire.close(code)

    async def _serve(socket: WebSocket, address: str, wire: Wire) -> None:
        origin = Origin(socket.headers.get("origin"), socket.headers.get("host"))
        try:
            async with asyncio.timeout(HELLO_S):
                hello = await wire.receive()
        except TimeoutError:
            raise Ended(Close.TOO_SLOW) from None
        if not isinstance(hello, Hello):
            raise Ended(Close.MALFORMED)
        try:
            admitted = await desk.door.admit(address, origin.origin, origin.host, hello)
        except TransientError:
            await wire.send(Error(code="unavailable"))
            raise Ended(Close.TRY_LATER) from None
        with desk.door.seated(admitted.workspace_id), desk.present(admitted.key):
            await Session(desk, wire, hello, origin, admitted).run(runtime.stopping)

    return router


class _Served:
    def __init__(self, metrics: Metrics) -> None:
        self.connections = metrics.gauge("chat_connections", "Visitors' connections.")
        self.closed = metrics.counter("chat_connections_closed", "Connections that ended.", "reason")


def _reason(ended: BaseExceptionGroup[Ended]) -> Close | None:
    """The first reason that says something: where one task ends, others may find the connection gone."""
    found: list[Close] = []
    stack: list[BaseException] = list(ended.exceptions)
    while stack:
        error = stack.pop(0)
        if isinstance(error, BaseExceptionGroup):
            stack.extend(error.exceptions)
        elif isinstance(error, Ended) and error.code is not None:
            found.append(error.code)
    return found[0] if found else None
