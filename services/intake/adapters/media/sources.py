"""How each vendor gives out its media: where it is, and who may have it."""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.intake.adapters.bytes_in_hand import BytesInHand, Gathering
from services.intake.adapters.media.fetcher import Fetched, Fetcher, MediaRefused
from services.intake.domain.provider import Meta, Slack, Twilio
from services.intake.domain.workspace import Channel
from shared.errors import ProviderUnavailable

_ID = re.compile(r"[0-9A-Za-z_-]{1,200}\Z")
_DESCRIPTION_BYTES = 65_536
_MAX_IN_HAND = 128 << 20
"""Bytes of media that this process has fetched and not yet stored, at most."""
_SLACK = "slack.com"
_TWILIO_FILE = re.compile(
    r"/2010-04-01/Accounts/(?P<account>[^/]+)/(?:Messages/\w+/Media|(?:Calls/\w+/)?Recordings)/\w+(?:\.(?:mp3|wav))?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorUrls:
    """Where the vendors' APIs are. Doubles stand in for them."""

    twilio: str
    meta: str
    slack: str


class Sources:
    """Fetches media with the credentials of the vendor that has it, and of nobody else.

    max_bytes: the largest file that is taken
    """

    def __init__(self, fetcher: Fetcher, urls: VendorUrls, *, max_bytes: int) -> None:
        self._in_hand = BytesInHand(_MAX_IN_HAND)
        self._fetcher = fetcher
        self._urls = urls
        self._max_bytes = max_bytes

    @asynccontextmanager
    async def fetched(
        self, url: str, channel: Channel, *, provider: str | None, expects_page: bool
    ) -> AsyncIterator[Fetched]:
        """What a message of the channel points to, which is in hand until it is stored.

        provider: who brought it; expects_page: whether the provider has announced a web page
        Raises MediaRefused where trying again is no use, ProviderUnavailable or Unavailable where it may be.
        """
        with self._in_hand.gathering() as into:
            yield await self._find(url, channel, into, provider=provider, expects_page=expects_page)

    async def _find(
        self, url: str, channel: Channel, into: Gathering, *, provider: str | None, expects_page: bool
    ) -> Fetched:
        if channel.has_lost_secrets:
            raise ProviderUnavailable("the channel's secrets cannot be opened")
        match next((known for known in channel.providers if known.name == provider), None):
            case Meta() as meta if _ID.match(url):
                bearer = {"Authorization": f"Bearer {meta.access_token}"}
                return await self._fetch(await self._described(url, bearer), into, bearer)
            case Twilio() as twilio if self._is_of_account(url, twilio.account_sid):
                return await self._fetch(url, into, _basic(twilio.account_sid, twilio.secrets[0]))
            case Slack() as slack if self._is_of_slack(url):
                fetched = await self._fetch(url, into, {"Authorization": f"Bearer {slack.bot_token}"})
                if fetched.media_type == "text/html" and not expects_page:
                    # What Slack answers with 200 to a token that may not have the file.
                    raise ProviderUnavailable("Slack asks for a login: the app needs the scope files:read")
                return fetched
        return await self._fetch(url, into, {})

    async def _fetch(self, url: str, into: Gathering, headers: Mapping[str, str]) -> Fetched:
        return await self._fetcher.fetch(url, into, headers=headers, max_bytes=self._max_bytes)

    async def _described(self, media_id: str, bearer: Mapping[str, str]) -> str:
        """Where Meta has put a file, for five minutes."""
        url = f"{self._urls.meta.rstrip('/')}/{media_id}"
        with self._in_hand.gathering() as into:
            described = await self._fetcher.fetch(url, into, headers=bearer, max_bytes=_DESCRIPTION_BYTES)
        try:
            found = json.loads(described.content)["url"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProviderUnavailable("the provider does not say where the file is") from error
        if not isinstance(found, str):
            raise MediaRefused("the provider does not say where the file is")
        return found

    def _is_of_account(self, url: str, account_sid: str) -> bool:
        """Whether it is a file of this account's messages or calls: its token opens much else."""
        if _origin(url) != _origin(self._urls.twilio):
            return False
        found = _TWILIO_FILE.match(urlsplit(url).path.removeprefix(urlsplit(self._urls.twilio).path.rstrip("/")))
        return found is not None and found["account"] == account_sid

    def _is_of_slack(self, url: str) -> bool:
        scheme, host, _ = _origin(url)
        return (scheme == "https" and (host == _SLACK or host.endswith(f".{_SLACK}"))) or (
            _origin(url) == _origin(self._urls.slack)
        )


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", "", None


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
