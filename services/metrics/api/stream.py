"""`/v1/kpis/stream`: a snapshot, then what changes, as Server-Sent Events that can be resumed."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from prometheus_client import Counter, Gauge
from starlette.types import Send

from services.metrics.api.asked import board_query, require_small
from services.metrics.api.schemas import plain_value
from services.metrics.app.feed import Frame
from services.metrics.app.hub import Hub, Listener
from services.metrics.app.live import Live
from services.metrics.app.watch import Query as BoardQuery
from shared.clock import monotonic
from shared.http.app import api_router
from shared.http.auth import Principal
from shared.http.forwarding import allowed_here
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_RETRY_MS = 2000
_HEARTBEAT_S = 15.0
_LOOK_S = 1.0
"""How often a silent stream looks whether it may go on."""


def routes(
    live: Live, may_go_on: Callable[[Principal], bool], metrics: Metrics, *, send_limit_s: float
) -> APIRouter:
    """The stream. `may_go_on` says of a caller who was let in whether to stay."""
    router = api_router("kpis")
    clients = metrics.gauge("stream_clients", "Clients that listen to a stream of KPIs.")
    cut = metrics.counter("stream_clients_cut", "Clients that read too slowly.")

    @router.get("/v1/kpis/stream", status_code=200, response_class=KpiStream, response_model=None)
    async def stream_kpis(
        principal: Annotated[Principal, allowed_here("metrics:read")],
        query: Annotated[BoardQuery, Depends(board_query)],
        last_event_id: Annotated[str | None, Header(description="The `id` that was seen last.")] = None,
    ) -> Response:
        """`snapshot`, then `delta`s: absolute values by KPI, window and scope."""
        held, boards = await live.of(principal.workspace_id)
        require_small(query, boards.of(principal.workspace_id))

        def listen() -> Listener | None:
            if held.boards is None:
                return None
            return held.hub.subscribe(held.boards, principal.workspace_id, query, last_event_id)

        return KpiStream(
            held.hub, listen, lambda: may_go_on(principal), limit_s=send_limit_s, clients=clients, cut=cut
        )

    return router


class KpiStream(StreamingResponse):
    """Frames of one listener. Whoever does not take them in time is cut, and nobody else notices."""

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        listen: Callable[[], Listener | None],
        may_go_on: Callable[[], bool],
        *,
        limit_s: float,
        clients: Gauge,
        cut: Counter,
    ) -> None:
        super().__init__((), headers={"X-Accel-Buffering": "no"})
        self._hub = hub
        self._listen = listen
        self._may_go_on = may_go_on
        self._limit_s = limit_s
        self._clients = clients
        self._cut = cut

    async def stream_response(self, send: Send) -> None:
        """Sends until the client, the shard, the token or the process goes."""
        listener = self._listen()
        self._clients.inc()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if listener is not None:
                await self._send_frames(listener, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._cut.inc()
            log.info(Log.STREAM_CLOSED, reason="slow")
        finally:
            self._clients.dec()
            if listener is not None:
                self._hub.leave(listener)

    async def _send_frames(self, listener: Listener, send: Send) -> None:
        sent_at = monotonic()
        while self._may_go_on():
            frame = await listener.subscription.next(_LOOK_S)
            if frame is not None:
                body = self._encoded(frame)
            elif listener.subscription.is_over:
                return
            elif monotonic() - sent_at >= _HEARTBEAT_S:
                body = KEEPALIVE_COMMENT
            else:
                continue
            async with asyncio.timeout(self._limit_s):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            sent_at = monotonic()

    def _encoded(self, frame: Frame) -> bytes:
        if frame.encoded is None:
            frame.encoded = encode(frame, self._hub.cursor(frame.number))
        return frame.encoded


def encode(frame: Frame, cursor: str) -> bytes:
    """A frame as it goes over the wire."""
    data: dict[str, object] = {
        "cursor": cursor,
        "as_of": frame.as_of.isoformat().replace("+00:00", "Z"),
        "is_stale": frame.is_stale,
        "values": [plain_value(key, value) for key, value in frame.values.items()],
    }
    if frame.is_snapshot:
        data["reason"] = frame.reason
    return format_sse_event(
        event="snapshot" if frame.is_snapshot else "delta",
        id=cursor,
        retry=_RETRY_MS if frame.is_snapshot else None,
        data_str=json.dumps(data, separators=(",", ":")),
    )
