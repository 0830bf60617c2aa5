"""Requests to the vendors whose addresses are settings: bounded in time, their answers in size."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from shared.egress import no_cookies
from shared.errors import ProviderUnavailable
from shared.http_client import Client

_TOTAL_S = 20.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
# What may be under way at one time is bounded by channel: one vendor's share must not be another's.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30.0)
_MAX_BODY = 64 * 1024
_MAX_LISTED = 2 * 1024 * 1024
"""Bytes of a page of messages, which customers wrote."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor answered. body: its JSON object, empty for anything else"""

    status: int
    body: Mapping[str, object] = field(repr=False)
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status says so."""
        return 200 <= self.status < 300


class VendorHttp:
    """One client for all vendors of a process."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def post(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        json_body: Mapping[str, object] | None = None,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Answer:
        """Posts once. Raises ProviderUnavailable where nobody answers: whether it arrived is not known."""
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        client = self._opened()
        try:
            request = client.build_request("POST", url, data=form, json=json_body, headers=headers)
        except httpx.InvalidURL as error:
            raise _unavailable(error) from error
        return await self._ask(request, basic, most=_MAX_BODY)

    async def get(self, url: str, *, basic: tuple[str, str]) -> Answer:
        """Asks once. Raises ProviderUnavailable where nobody answers."""
        try:
            request = self._opened().build_request("GET", url)
        except httpx.InvalidURL as error:
            raise _unavailable(error) from error
        return await self._ask(request, basic, most=_MAX_LISTED)

    async def _ask(self, request: httpx.Request, basic: tuple[str, str] | None, *, most: int) -> Answer:
        # Plain: what is bounded is what was sent, and not what it would unpack to.
        request.headers["accept-encoding"] = "identity"
        try:
            async with asyncio.timeout(_TOTAL_S):
                answer = await self._opened().send(
                    request, stream=True, auth=httpx.BasicAuth(*basic) if basic else None
                )
                try:
                    body = await _body(answer, most)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise _unavailable(error) from error
        return Answer(answer.status_code, body, answer.headers.get("retry-after"))

    async def close(self) -> None:
        """Ends connections."""
        if self._client is not None:
            await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            # Late: the certificates that it loads take memory.
            self._client = Client(
                cookies=no_cookies(), timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False, trust_env=False
            )
        return self._client


def _unavailable(error: Exception) -> ProviderUnavailable:
    return ProviderUnavailable(f"the provider does not answer: {type(error).__name__}")


async def _body(answer: httpx.Response, most: int) -> Mapping[str, object]:
    read = bytearray()
    async for piece in answer.aiter_bytes():
        read += piece
        if len(read) > most:
            return {}
    try:
        body = json.loads(read)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
