"""Talks to the services over HTTP. What goes wrong becomes one line that says what to do."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import httpx
from pydantic import BaseModel

from deploy.cli.errors import CliError
from deploy.cli.keys import signing_key
from deploy.cli.layout import SERVICES
from deploy.cli.place import Place
from deploy.cli.tokens import mint, read

M = TypeVar("M", bound=BaseModel)

Query = Mapping[str, str | int | bool | Sequence[str] | None]

OPERATOR = "operator"
"""Who acts where nobody is named."""

_SESSION = timedelta(hours=12)
_ATTEMPTS = 10
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)


class Refused(CliError):
    """A service has answered with a problem."""

    def __init__(self, status: int, slug: str, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.slug = slug
        self.problems = problems


class Service:
    """One service, as one caller."""

    def __init__(self, name: str, url: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self.url = url
        self._client = client

    async def get(self, path: str, model: type[M], query: Query | None = None) -> M:
        """Reads something."""
        return model.model_validate_json((await self.request("GET", path, query=query)).content)

    async def post(self, path: str, model: type[M], body: object = None, query: Query | None = None) -> M:
        """Asks for something to be done."""
        return model.model_validate_json((await self.request("POST", path, body=body, query=query)).content)

    async def do(self, path: str, body: object = None, *, method: str = "POST") -> None:
        """Asks for something whose answer says nothing more."""
        await self.request(method, path, body=body)

    async def pages(
        self, path: str, model: type[M], query: Query | None = None, *, most: int | None = None
    ) -> list[M]:
        """The items of a list, page after page."""
        items: list[M] = []
        cursor: str | None = None
        while most is None or len(items) < most:
            limit = 200 if most is None else min(200, most - len(items))
            asked = {**(query or {}), "limit": limit, "cursor": cursor}
            found = (await self.request("GET", path, query=asked)).json()
            items += [model.model_validate(item) for item in found["items"]]
            cursor = found.get("next_cursor")
            if cursor is None:
                break
        return items

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content: bytes | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request; tried again while the service says that it cannot answer at this moment.

        Raises CliError, and Refused where the service says no.
        """
        is_json = content is None and body is not None
        outgoing = self._client.build_request(
            method,
            f"{self.url}{path}",
            params=_given(query),
            headers={**({"Content-Type": "application/json"} if is_json else {}), **(headers or {})},
            content=json.dumps(body).encode() if is_json else content,
        )
        answer = await self._send(outgoing)
        for _ in range(_ATTEMPTS):
            if answer.status_code != 503:
                break
            await asyncio.sleep(min(2.0, float(answer.headers.get("retry-after", 1))))
            answer = await self._send(outgoing)
        if answer.is_success:
            return answer
        raise refusal(self.name, answer)

    async def _send(self, outgoing: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(outgoing)
        except httpx.TimeoutException:
            raise CliError(f"{self.name} at {self.url} takes too long to answer.") from None
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None

    def stream(
        self, path: str, query: Query | None, headers: Mapping[str, str], *, silence_s: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """An answer that comes bit by bit, with at most so much silence between them."""
        return self._client.stream(
            "GET",
            f"{self.url}{path}",
            params=_given(query),
            headers={"Accept": "text/event-stream", "Cache-Control": "no-store", **headers},
            timeout=httpx.Timeout(5.0, read=silence_s),
        )

    def unreachable(self, error: httpx.HTTPError) -> CliError:
        """What to say where nobody answers."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return CliError(f"{self.name} does not answer at {self.url}: `make run` starts everything.")
        return CliError(f"{self.name} at {self.url} broke off: {type(error).__name__}.")


def _given(query: Query | None) -> dict[str, str | int | bool | Sequence[str]]:
    return {name: value for name, value in (query or {}).items() if value is not None}


def refusal(service: str, answer: httpx.Response) -> Refused:
    """The problem that a service has answered with, as one line."""
    try:
        body = answer.json()
        detail, slug = str(body["detail"]), str(body["type"]).rpartition("/")[2]
        problems = [(str(item["pointer"]), str(item["detail"])) for item in body.get("errors", [])]
    except (ValueError, KeyError, TypeError):
        detail, slug, problems = answer.reason_phrase, "", []
    if answer.status_code == 401:
        detail += " (the token in WAYPOST_TOKEN, or the installation's own key)"
    said = "; ".join(f"{pointer}: {text}" for pointer, text in problems)
    return Refused(answer.status_code, slug, f"{service}: {detail}{f' {said}' if said else ''}", problems)


@asynccontextmanager
async def services(
    place: Place,
    *,
    workspace_id: str | None = None,
    subject: str = OPERATOR,
    scopes: tuple[str, ...] = ("admin",),
) -> AsyncIterator[Mapping[str, Service]]:
    """All four services, as a caller who may do this in a workspace."""
    token = bearer(place, workspace_id=workspace_id or place.workspace_id, subject=subject, scopes=scopes)
    urls = {name: place.url(name) for name in SERVICES}
    # Without need no certificates: loading them takes longer than most requests.
    has_tls = any(url.startswith("https:") for url in urls.values())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=_TIMEOUT, verify=has_tls) as client:
        yield {name: Service(name, url, client) for name, url in urls.items()}


def bearer(place: Place, *, workspace_id: str, subject: str, scopes: tuple[str, ...]) -> str:
    """WAYPOST_TOKEN, or a token for this session. CliError where that one is for another workspace."""
    given = place.environ.get("WAYPOST_TOKEN")
    if given is None:
        key = signing_key(place.keys)
        return mint(key, workspace_id=workspace_id, subject=subject, scopes=scopes, lifetime=_SESSION)
    if read(given).workspace_id != workspace_id:
        raise CliError(f"WAYPOST_TOKEN is for workspace {read(given).workspace_id}, not for {workspace_id}.")
    return given
