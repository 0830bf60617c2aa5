"""What surrounds every request: its trace, its log line, its metrics. Pure ASGI."""

from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.events.envelope import Cause
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.telemetry.tracing import continued, current_traceparent

log = structlog.get_logger()

_QUIET = ("/health/live", "/health/ready", "/metrics")


class RequestContext:
    """Middleware: continues the caller's trace, counts, and writes one line when the answer has gone."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = continued(Headers(scope=scope).get("traceparent"))
        token = current_traceparent.set(traceparent)
        started = perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["traceparent"] = traceparent
                headers.setdefault("cache-control", "no-store")
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            current_traceparent.reset(token)
            self._finish(scope, status, perf_counter() - started)

    def _finish(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        if status >= 500:
            log.warning(Log.REQUEST_SERVED, method=scope["method"], route=route, status=status, ms=_ms(seconds))
        elif route not in _QUIET:
            log.debug(Log.REQUEST_SERVED, method=scope["method"], route=route, status=status, ms=_ms(seconds))


def request_cause() -> Cause:
    """The cause of what this request does: its own trace begins the chain."""
    traceparent = current_traceparent.get()
    trace_id = traceparent.split("-")[1] if traceparent else None
    return Cause(traceparent=traceparent, correlation_id=trace_id)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
