"""Requests for a workspace whose shard another process holds are forwarded to it, once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response, Security
from fastapi.responses import StreamingResponse

from shared.db.shards import Leases
from shared.errors import Unavailable
from shared.events.catalog import shard_of
from shared.http.auth import Allowed, Principal
from shared.http.problems import response_for
from shared.http_client import Client

FORWARDED = "waypost-forwarded"
_MOVING_S = 3.0
"""How long a request waits for a shard that is between two holders: a handover takes about two seconds."""
_SILENCE_S = 30.0
"""How long another process may say nothing: event streams send a heartbeat at least every 15 s. One that is
frozen would otherwise keep its requests for ever, even after somebody else has taken its shards."""
_DROPPED = {b"host", b"content-length", b"connection", b"transfer-encoding", b"keep-alive"}


class Elsewhere(Exception):
    """Another process holds this workspace's shard."""

    def __init__(self, request: Request, owner_url: str) -> None:
        super().__init__(owner_url)
        self.request = request
        self.owner_url = owner_url


class Placement:
    """Knows which process holds a workspace.

    loaded: waits, for a bounded time, until a workspace whose shard is here can be worked for
    """

    def __init__(
        self, leases: Leases, own_url: str, shards: int, *, loaded: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        self._leases = leases
        self._own_url = own_url
        self._shards = shards
        self._loaded = loaded

    async def require_here(self, request: Request, workspace_id: str) -> None:
        """Returns only in the process that holds the workspace.

        Raises Elsewhere, and Unavailable while nobody holds it or after a first hop.
        """
        n = shard_of(workspace_id, self._shards)
        may_wait = FORWARDED not in request.headers
        owner_url = await self._leases.locate(n, within_s=_MOVING_S if may_wait else 0)
        if owner_url == self._own_url:
            if self._loaded is not None:
                await self._loaded(workspace_id)
            return
        if owner_url is None or not may_wait:
            raise Unavailable("The workspace is moving between processes.")
        # Read here: what this request has read of its body is gone for whoever asks again.
        await request.body()
        raise Elsewhere(request, owner_url)


class _AllowedHere(Allowed):
    async def __call__(self, request: Request) -> Principal:
        principal = await super().__call__(request)
        await require_here(request, principal.workspace_id)
        return principal


def allowed_here(*scopes: str) -> Any:
    """As `allowed`, and only in the process that holds the caller's workspace: elsewhere it is forwarded."""
    return Security(_AllowedHere(scopes), scopes=list(scopes))


async def require_here(request: Request, workspace_id: str) -> None:
    """As `allowed_here`, for a request that names its workspace by something else than its caller's token."""
    placement: Placement = request.app.state.placement
    await placement.require_here(request, workspace_id)


def open_client() -> httpx.AsyncClient:
    """The client that forwards. Each event stream holds a connection, so there may be any number of them."""
    return Client(
        timeout=httpx.Timeout(10, read=_SILENCE_S),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
    )


def install(app: FastAPI, placement: Placement, client: httpx.AsyncClient) -> None:
    """Forwards where `allowed_here` says so."""
    app.state.placement = placement

    async def forward(_: Request, error: Exception) -> Response:
        assert isinstance(error, Elsewhere)
        try:
            return await _forward(client, error.request, error.owner_url)
        except httpx.HTTPError:
            answer = response_for(Unavailable("The workspace is moving between processes."))
            assert answer is not None
            return answer

    app.add_exception_handler(Elsewhere, forward)


async def _forward(client: httpx.AsyncClient, request: Request, owner_url: str) -> Response:
    # The bytes as they came: the client would refuse to encode what is not ASCII.
    headers = [(name, value) for name, value in request.headers.raw if name not in _DROPPED]
    query = f"?{request.url.query}" if request.url.query else ""
    outgoing = client.build_request(
        request.method,
        f"{owner_url}{request.url.path}{query}",
        headers=[*headers, (FORWARDED.encode(), b"1")],
        content=await request.body(),
    )
    answer = await client.send(outgoing, stream=True)
    is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")

    async def body() -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.aiter_raw():
                yield chunk
        except httpx.HTTPError:
            # An event stream just ends, and its listener connects anew and goes on. Of any other answer a piece
            # is missing, which must not look like its end.
            if not is_stream:
                raise
        finally:
            await answer.aclose()

    kept = {name: value for name, value in answer.headers.items() if name.encode() not in _DROPPED}
    return StreamingResponse(body(), answer.status_code, kept)
