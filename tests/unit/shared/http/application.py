"""A small application of the factory, without database: what it does with requests, before any service does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import APIRouter

from shared.clock import SystemClock
from shared.errors import Conflict, DataRefused, IllegalTransition, InvalidInput, NotFound, StaleEpoch, Unavailable
from shared.http.app import api_router, create_app
from shared.http.auth import KeyFile, Principal, Verifier, allowed
from shared.http.etags import IfMatchHeader
from shared.http.types import Request, Slug, Text
from shared.telemetry.metrics import Metrics
from tests.keys import write_jwks

ERRORS = {
    "not-found": NotFound(),
    "conflict": Conflict(),
    "illegal": IllegalTransition(),
    "invalid": InvalidInput("no", problems=(("/a", "wrong"),)),
    "data": DataRefused("SQLSTATE 22021"),
    "unavailable": Unavailable(),
    "stale": StaleEpoch(),
    "defect": ZeroDivisionError("secret detail"),
}


class Thing(Request):
    """A body."""

    name: str
    size: int = 1
    more: dict[str, object] = {}


class Revoked:
    """The list of revoked tokens."""

    def __init__(self) -> None:
        self.jtis: set[str] = set()

    def is_revoked(self, _workspace_id: str, jti: str) -> bool:
        return jti in self.jtis


def routes() -> APIRouter:
    router = api_router("things")

    @router.post("/v1/things", status_code=201)
    async def add(thing: Thing) -> Thing:
        return thing

    @router.get("/v1/things/{thing_id}")
    async def read(thing_id: Slug, text: Text = "") -> dict[str, str]:
        return {"id": thing_id, "text": text}

    @router.put("/v1/things/{thing_id}")
    async def replace(thing_id: Slug, if_match: IfMatchHeader) -> dict[str, str]:
        if_match.require()
        if_match.check(3)
        return {"id": thing_id}

    @router.get("/v1/errors/{kind}")
    async def fail(kind: str) -> None:
        raise ERRORS[kind]

    @router.get("/v1/me")
    async def me(principal: Annotated[Principal, allowed("tickets:read")]) -> dict[str, str]:
        return {"workspace": principal.workspace_id, "subject": principal.subject}

    return router


@asynccontextmanager
async def client(folder: Path, revoked: Revoked | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, past the network."""
    verifier = Verifier(
        KeyFile(write_jwks(folder / "jwks.json")),
        issuer="waypost",
        audience="waypost",
        clock=SystemClock(),
        revocations=revoked or Revoked(),
    )
    app = create_app(
        title="Things", description="", routers=[routes()], metrics=Metrics("things"), checks={}, verifier=verifier
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as made:
        yield made
