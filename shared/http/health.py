"""Health: is the process alive, can it do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.errors import WaypostError
from shared.telemetry.metrics import CONTENT_TYPE, Metrics

Check = Callable[[], Awaitable[None]]
"""Raises WaypostError when the part does not work."""

_CHECK_S = 3.0


class Liveness(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether this process can do its work, and which part cannot."""

    ready: bool
    checks: dict[str, str]


def routes(checks: Mapping[str, Check], metrics: Metrics) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> Liveness:
        """The process answers."""
        return Liveness()

    @router.get("/health/ready", responses={503: {"model": Readiness, "description": "Not ready"}})
    async def ready(response: Response) -> Readiness:
        """Every part that this process opened works."""
        names = list(checks)
        results = dict(zip(names, await asyncio.gather(*(_try(checks[name]) for name in names)), strict=True))
        readiness = Readiness(ready=all(result == "ok" for result in results.values()), checks=results)
        response.status_code = 200 if readiness.ready else 503
        return readiness

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """Prometheus metrics."""
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return router


async def _try(check: Check) -> str:
    try:
        async with asyncio.timeout(_CHECK_S):
            await check()
    except (WaypostError, TimeoutError) as error:
        return str(error) or "no answer in time"
    return "ok"
