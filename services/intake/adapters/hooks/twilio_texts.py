"""The texts that Twilio has for a number of ours, as its webhook would have posted them."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import cast
from urllib.parse import quote, urlencode

from services.intake.adapters.hooks import values
from services.intake.adapters.hooks.values import Object
from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.domain.hook import consent_in
from services.intake.domain.provider import Twilio
from shared.errors import ProviderUnavailable

_SID = re.compile(r"[A-Za-z0-9]{1,64}\Z")
_PAGE = 100
_MOST_PAGES = 20
_MOST_FILES = 10
"""As many as Twilio takes with a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextsPage:
    """Some texts, by their SID. is_cut: whether there are more than are looked at"""

    texts: dict[str, Object] = field(repr=False)
    is_cut: bool


class TwilioTexts:
    """Asks Twilio. url: where its API is"""

    def __init__(self, http: VendorHttp, *, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    async def pages(self, provider: Twilio, to: str, since: date) -> AsyncIterator[TextsPage]:
        """What came to this address of ours from that day on, the newest first. Raises ProviderUnavailable."""
        first = f"{_folder(provider)}/Messages.json?"
        path = first + urlencode({"To": to, "DateSent>": since.isoformat(), "PageSize": _PAGE})
        for number in range(1, _MOST_PAGES + 1):
            page = await self._get(provider, path)
            path = values.text(page, "next_page_uri", 2000) or ""
            # Where an account's secrets are sent is not for an answer to say.
            has_more = path.startswith(first) and path.isascii() and path.isprintable()
            yield TextsPage(
                texts={
                    sid: item
                    for item in values.items(page, "messages")
                    if values.text(item, "direction") == "inbound" and (sid := _sid(item))
                },
                is_cut=has_more and number == _MOST_PAGES,
            )
            if not has_more:
                return

    async def posted(self, provider: Twilio, text: Object, *, has_say: bool = True) -> bytes:
        """What the webhook would have posted about a text. Raises ProviderUnavailable.

        has_say: whether words about consent in it count
        """
        form = {
            "AccountSid": provider.account_sid,
            "MessageSid": _sid(text),
            "From": values.text(text, "from") or "",
            "To": values.text(text, "to") or "",
            "Body": values.long_text(text, "body"),
        }
        files = [] if values.text(text, "num_media") in (None, "0") else await self._files(provider, text)
        form["NumMedia"] = str(len(files))
        for number, (url, media_type) in enumerate(files):
            form[f"MediaUrl{number}"], form[f"MediaContentType{number}"] = url, media_type
        if not has_say:
            form["OptOutType"] = "HELP"
        return urlencode(form, errors="replace").encode()

    async def _files(self, provider: Twilio, text: Object) -> list[tuple[str, str]]:
        folder = f"{_folder(provider)}/Messages/{_sid(text)}/Media"
        listed = await self._get(provider, f"{folder}.json?PageSize={_MOST_FILES}")
        files = [
            (f"{self._url}{folder}/{sid}", values.text(item, "content_type") or "application/octet-stream")
            for item in values.items(listed, "media_list")
            if (sid := _sid(item))
        ]
        return files[:_MOST_FILES]

    async def _get(self, provider: Twilio, path: str) -> Object:
        answer = await self._http.get(f"{self._url}{path}", basic=(provider.account_sid, provider.secrets[0]))
        if not answer.is_success or not answer.body:
            raise ProviderUnavailable(f"Twilio answered {answer.status}")
        return cast("Object", answer.body)


def overtaken(texts: Mapping[str, Object]) -> set[str]:
    """Those whose words about consent its sender has taken back by a later text. texts: the oldest first"""
    found: set[str] = set()
    last: dict[str | None, str] = {}
    for sid, text in texts.items():
        if consent_in(values.long_text(text, "body")) is not None:
            sender = values.text(text, "from")
            found |= {last[sender]} if sender in last else set()
            last[sender] = sid
    return found


def _folder(provider: Twilio) -> str:
    return f"/2010-04-01/Accounts/{quote(provider.account_sid, safe='')}"


def _sid(item: Object) -> str:
    """By what Twilio knows it; empty where that is none."""
    sid = values.text(item, "sid") or ""
    return sid if _SID.match(sid) else ""
