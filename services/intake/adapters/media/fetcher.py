"""Fetches what others point to, under the rules for addresses that are not ours to choose.

https to a public host, connected to the one address that its name had; redirects are followed by hand, each
looked at like the first; bounded in bytes and in time; nothing of an answer is shown but its status.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

from services.intake.adapters.bytes_in_hand import Gathering
from services.intake.adapters.outside import Outside, Target, written
from shared.egress import EgressRefused, no_cookies
from shared.errors import ProviderUnavailable, WaypostError
from shared.http_client import Client

_MAX_REDIRECTS = 3
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TOTAL_S = 60.0
"""However slowly the bytes drip."""
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}\Z")
_PERHAPS_LATER = frozenset({401, 403, 404, 408, 409, 423, 425, 429})
"""Of 4xx: what a provider has not got ready yet, or a person can set right."""
_NEW_EACH_TIME = httpx.Limits(max_connections=None, max_keepalive_connections=0)
"""A connection goes to an address: kept, one could serve another host name than its certificate's."""


class MediaRefused(WaypostError):
    """This cannot be fetched, now or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was at an address. media_type: as the server says, if it says one"""

    content: bytes = field(repr=False)
    media_type: str | None = None


class Fetcher:
    """The one door to media.

    context: how servers are told to be who they say, for tests
    """

    def __init__(
        self, outside: Outside, *, context: ssl.SSLContext | None = None, total_s: float = _TOTAL_S
    ) -> None:
        self._outside = outside
        self._context = context
        self._total_s = total_s
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, url: str, into: Gathering, *, headers: Mapping[str, str], max_bytes: int) -> Fetched:
        """What is there.

        headers: credentials, which only the address's own host gets
        Raises MediaRefused where trying again is no use, ProviderUnavailable or Unavailable where it may be.
        """
        try:
            async with asyncio.timeout(self._total_s):
                return await self._follow(self._outside.target(url), into, headers, max_bytes)
        except EgressRefused as error:
            raise MediaRefused(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as error:
            reason = "took too long" if isinstance(error, TimeoutError) else type(error).__name__
            raise ProviderUnavailable(f"the provider: {reason}") from error

    async def close(self) -> None:
        """Ends connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _follow(
        self, target: Target, into: Gathering, headers: Mapping[str, str], max_bytes: int
    ) -> Fetched:
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._opened(target, headers) as answer:
                if not answer.has_redirect_location:
                    return await _content(answer, into, max_bytes)
                moved = self._outside.target(_joined(target.url, answer.headers["location"]))
            if moved.is_allowed and not target.is_allowed:
                raise EgressRefused("the address leads to one that is not public")
            if moved.origin != target.origin:
                headers = {}
            target = moved
        raise MediaRefused("the address leads to another too often")

    @asynccontextmanager
    async def _opened(self, target: Target, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        if self._client is None:
            # Late: the certificates that it loads take memory.
            self._client = Client(
                verify=self._context or ssl.create_default_context(),
                cookies=no_cookies(),
                timeout=_TIMEOUT,
                limits=_NEW_EACH_TIME,
                follow_redirects=False,
                trust_env=False,
            )
        address = await self._outside.address(target.host, target.port)
        port = f":{target.parts.port}" if target.parts.port else ""
        request = self._client.build_request(
            "GET",
            target.parts._replace(netloc=f"{written(str(address))}:{target.port}", fragment="").geturl(),
            headers={**headers, "Host": f"{written(target.host)}{port}", "Accept-Encoding": "identity"},
            extensions={"sni_hostname": target.host},
        )
        answer = await self._client.send(request, stream=True)
        try:
            yield answer
        finally:
            await answer.aclose()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise MediaRefused("the address leads to what is none") from None


async def _content(answer: httpx.Response, into: Gathering, max_bytes: int) -> Fetched:
    status = answer.status_code
    if status >= 500 or status in _PERHAPS_LATER:
        raise ProviderUnavailable(f"the provider answers {status}")
    if status != 200:
        raise MediaRefused(f"the provider answers {status}")
    # Packed a thousand times smaller than what it becomes: nobody has asked for that.
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise MediaRefused("the provider packs what was asked for as it is")
    announced = answer.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > max_bytes:
        raise MediaRefused(f"larger than {max_bytes} bytes")
    async for chunk in answer.aiter_raw():
        into.add(chunk)
        if into.size > max_bytes:
            raise MediaRefused(f"larger than {max_bytes} bytes")
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(content=into.whole(), media_type=media_type if _MEDIA_TYPE.match(media_type) else None)
