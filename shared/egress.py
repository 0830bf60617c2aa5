"""Posts to, and reads from, addresses that people configure, without becoming a way into our own network.

https only, no credentials in the address, port 443; no redirects are followed. A name is resolved once and the
connection goes to that address, which has to be a public one; this is looked at again for every attempt.
Development may also talk to this machine, over plain http and any port.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

import httpx

from shared.errors import ProviderUnavailable, WaypostError
from shared.http_client import Client

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""From a host name and port to its addresses. Raises OSError."""

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TOTAL_S = 15.0
_OK = 200
_HTTPS = 443
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}\Z", re.IGNORECASE)
_UNWRITABLE = re.compile(r"[\x00-\x20\x7f]")
_UNICAST = IPv6Network("2000::/3")
"""All that IPv6 uses of itself in public; mapped, NAT64 and site-local addresses lie outside."""
_TRANSLATED = tuple(IPv6Network(net) for net in ("2002::/16", "2001::/32"))
"""Addresses in there that stand for IPv4 ones: 6to4, Teredo."""
_NEW_EACH_TIME = httpx.Limits(max_connections=None, max_keepalive_connections=0)
"""Connections are known by their address: kept, one could serve another host name than its certificate's."""


class EgressRefused(WaypostError):
    """This address may not be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was at an address. content: of a 200 only; etag, last_modified: the headers as they stand there"""

    status: int
    content: bytes = field(default=b"", repr=False)
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a webhook answered; its body is not read. retry_after: the header as it stands there."""

    status: int
    retry_after: str | None = None


async def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host, by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(item[4][0]).partition("%")[0]) for item in found]


class Egress:
    """The one door to webhooks and feeds."""

    def __init__(self, *, is_development: bool, resolve: Resolve = resolve) -> None:
        self._is_development = is_development
        self._resolve = resolve
        self._client: httpx.AsyncClient | None = None

    def problem(self, url: str) -> str | None:
        """What is wrong with an address as it is written, if anything."""
        # The parser would take some of them out, and the client refuses the rest.
        if _UNWRITABLE.search(url):
            return "must not hold spaces or control characters"
        try:
            parts = urlsplit(url)
            port = parts.port
            httpx.URL(url)
        except (ValueError, httpx.InvalidURL):
            return "is not an address"
        host = parts.hostname or ""
        if parts.username is not None or parts.password is not None:
            return "must not hold credentials"
        if self._is_development and parts.scheme == "http" and _is_own_name(host):
            return None
        if parts.scheme != "https":
            return "must begin with https://"
        if port not in (None, _HTTPS):
            return "must use port 443"
        # A zone behind a literal address is one of this machine's.
        if not _NAME.match(host) and (_literal(host) is None or "%" in host):
            return "must name a host"
        return None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Posts once.

        Raises EgressRefused where the address may not be called, ProviderUnavailable where nothing answers.
        """
        async with self._within_time():
            answer = await self._send("POST", self._parts(url), body, headers)
            await answer.aclose()
            return Answered(answer.status_code, answer.headers.get("retry-after"))

    async def get(self, url: str, headers: Mapping[str, str], *, max_bytes: int) -> Fetched:
        """Reads what is at an address; where that is only a way to another, its status says so.

        Raises EgressRefused where the address may not be called or what is there is too large,
        ProviderUnavailable where nothing answers.
        """
        asked = {**headers, "Accept-Encoding": "identity"}
        async with self._within_time():
            answer = await self._send("GET", self._parts(url), b"", asked)
            try:
                return Fetched(
                    status=answer.status_code,
                    content=await _content(answer, max_bytes) if answer.status_code == _OK else b"",
                    etag=answer.headers.get("etag"),
                    last_modified=answer.headers.get("last-modified"),
                )
            finally:
                await answer.aclose()

    @asynccontextmanager
    async def _within_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_TOTAL_S):
                yield
        except httpx.InvalidURL as error:
            raise EgressRefused("the address is not an address") from error
        except (httpx.HTTPError, OSError, UnicodeError, TimeoutError, ssl.SSLError) as error:
            # UnicodeError: a name may be one that no resolver can be asked for.
            raise ProviderUnavailable(type(error).__name__) from error

    def _parts(self, url: str) -> SplitResult:
        if problem := self.problem(url):
            raise EgressRefused(f"the address {problem}")
        return urlsplit(url)

    async def close(self) -> None:
        """Ends connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _address(self, parts: SplitResult) -> Address:
        host = parts.hostname or ""
        port = parts.port or _HTTPS
        addresses = [literal] if (literal := _literal(host)) else await self._resolve(host, port)
        # All of them: which one a client would take is not for whoever owns the name to choose.
        if not addresses or not all(self._may_call(address, parts) for address in addresses):
            raise EgressRefused("the address is not a public one")
        return addresses[0]

    def _may_call(self, address: Address, parts: SplitResult) -> bool:
        if self._is_development and parts.scheme == "http":
            return address.is_loopback
        return is_public(address)

    async def _send(
        self, method: str, parts: SplitResult, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """An answer whose body is not read; the caller closes it."""
        address = await self._address(parts)
        if self._client is None:
            # Late: the certificates that it loads take memory.
            self._client = Client(
                cookies=no_cookies(),
                timeout=_TIMEOUT,
                limits=_NEW_EACH_TIME,
                follow_redirects=False,
                trust_env=False,
            )
        port = f":{parts.port}" if parts.port else ""
        target = parts._replace(netloc=f"{_written(str(address))}{port}", fragment="").geturl()
        request = self._client.build_request(
            method,
            target,
            content=body if method == "POST" else None,
            headers={**headers, "Host": f"{_written(parts.hostname or '')}{port}"},
            extensions={"sni_hostname": parts.hostname, "timeout": _TIMEOUT.as_dict()},
        )
        return await self._client.send(request, stream=True)


async def _content(answer: httpx.Response, max_bytes: int) -> bytes:
    # Packed a thousand times smaller than what it becomes: nobody has asked for that.
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise EgressRefused("what is there is packed, which was not asked for")
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > max_bytes:
            raise EgressRefused(f"what is there is larger than {max_bytes} bytes")
    return bytes(content)


def no_cookies() -> CookieJar:
    """A jar that stays empty: one client serves everybody, and an answer to one must not come back to another."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and stands for no other."""
    if isinstance(address, IPv6Address) and (
        address not in _UNICAST or any(address in net for net in _TRANSLATED)
    ):
        return False
    return address.is_global and not address.is_multicast


def _written(host: str) -> str:
    """A host as it stands in front of a port."""
    return f"[{host}]" if ":" in host else host


def _literal(host: str) -> Address | None:
    with suppress(ValueError):
        return ip_address(host)
    return None


def _is_own_name(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)
