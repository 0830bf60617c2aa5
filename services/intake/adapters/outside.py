"""Where this process may go when others name the address: public hosts only, each looked at when it is gone to.

A name is resolved once, and the connection goes to that very address: what a resolver answers the next time does
not matter. What the operator allows by name and port is excepted: servers of one's own, doubles in tests.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from shared.egress import Address, Egress, EgressRefused, Resolve, is_public, resolve
from shared.errors import ProviderUnavailable

_PORTS = {"https": 443, "http": 80}
_MAX_URL = 4000
_public = Egress(is_development=False)
"""Says what is wrong with an address as it is written; nothing is sent through it."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called, as far as it can be told from how it is written."""

    parts: SplitResult
    host: str
    port: int
    is_allowed: bool

    @property
    def origin(self) -> tuple[str, str, int]:
        """To whom credentials belong."""
        return self.parts.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """As it was written."""
        return self.parts.geturl()


class Outside:
    """Knows where it may go.

    allow: `host:port` that are not public, or not https
    """

    def __init__(self, allow: Collection[str] = (), *, resolve: Resolve = resolve) -> None:
        self._allow = frozenset(entry.lower() for entry in allow)
        self._resolve = resolve

    def target(self, url: str) -> Target:
        """What a web address leads to. Raises EgressRefused for one that hides where, or may not be called."""
        if len(url) > _MAX_URL or not url.isascii() or any(character <= " " for character in url):
            raise EgressRefused("the address is not one")
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            raise EgressRefused("the address is not one") from None
        host = parts.hostname or ""
        # In brackets stands an address and nothing else; a zone is of this machine.
        if "%" in host or ("[" in parts.netloc and literal_in(host) is None):
            raise EgressRefused("the address is not one")
        if parts.username is not None or parts.password is not None:
            raise EgressRefused("the address holds credentials")
        is_allowed = bool(host) and parts.scheme in _PORTS and self.allows(host, port)
        if not is_allowed and (problem := _public.problem(url)):
            raise EgressRefused(f"the address {problem}")
        return Target(parts, host, port, is_allowed)

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator has excepted it."""
        return f"{written(host.lower())}:{port}" in self._allow

    async def address(self, host: str, port: int) -> Address:
        """The one address to connect to.

        Raises EgressRefused where it is not a public one, ProviderUnavailable where the name has none.
        """
        literal = literal_in(host)
        try:
            addresses = [literal] if literal else await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            # A label may be none that can be asked for: empty, or too long.
            raise ProviderUnavailable("its name cannot be resolved") from error
        if not addresses:
            raise ProviderUnavailable("its name has no address")
        # All of them: which one is taken is not for whoever owns the name to choose.
        if not self.allows(host, port) and not all(map(is_public, addresses)):
            raise EgressRefused("the address is not a public one")
        return addresses[0]


def written(host: str) -> str:
    """A host as it stands in front of a port."""
    return f"[{host}]" if ":" in host else host


def literal_in(host: str) -> Address | None:
    """The address that a host is, where it is no name."""
    with suppress(ValueError):
        return ip_address(host)
    return None
