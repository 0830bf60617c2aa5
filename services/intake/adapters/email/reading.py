"""Reads what was stored: mail in the parser's processes, whoever brought it; all else here, within its bounds."""

import asyncio
import re
from dataclasses import replace
from itertools import islice
from typing import TypeAlias

from services.intake.adapters.email.inbound import Fresh
from services.intake.adapters.email.parsers import Parsers
from services.intake.adapters.hooks.reading import MAILS, read_hook
from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import MAIL, Blobs, Raw, ReadMail, UnreadableMail, with_hashes
from shared.errors import NotFound

_LARGE = 262_144
"""Bytes that are not read on the event loop."""

_ADDRESS = re.compile(rb"[\w.+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_BEGINNING = 65_536
_MAX_NAMED = 100

Read: TypeAlias = ReadMail | ReadHook


class Reading:
    """What can be made of raws."""

    def __init__(self, parsers: Parsers, blobs: Blobs, fresh: Fresh) -> None:
        self._parsers = parsers
        self._blobs = blobs
        self._fresh = fresh

    async def read(self, raw: Raw) -> Read:
        """What was made of it, or why it cannot be read."""
        try:
            content = await self.content(raw)
        except NotFound:
            return unread(raw, "its bytes are missing")
        if not is_mail(raw):
            is_large = len(content) > _LARGE
            return await asyncio.to_thread(read_hook, raw, content) if is_large else read_hook(raw, content)
        try:
            if raw.form == MAIL:
                return with_hashes(raw, await self._parsers.parse(content))
            mail, envelope = await self._parsers.parse_posted(
                raw.form, raw.headers.get("content-type", ""), content
            )
        except UnreadableMail as error:
            return ReadMail(raw=raw, mail=str(error), named=_addresses(content))
        enveloped = replace(raw, sender=envelope.sender, recipients=envelope.recipients)
        return replace(with_hashes(enveloped, mail), is_verified=envelope.is_verified)

    async def content(self, raw: Raw) -> bytes:
        """Its bytes. Raises NotFound."""
        return self._fresh.take(raw.raw_id) or await self._blobs.read(raw.workspace_id, raw.sha256)


def _addresses(content: bytes) -> tuple[str, ...]:
    """What looks like an address at the beginning, where nobody can tell whose the mail is."""
    found = (match.decode("ascii", errors="ignore") for match in _ADDRESS.findall(content[:_BEGINNING]))
    return tuple(islice(dict.fromkeys(found), _MAX_NAMED))


def is_mail(raw: Raw) -> bool:
    """Whether it is a mail, as it was sent or as a provider posts it."""
    return raw.form == MAIL or raw.form in MAILS


def unread(raw: Raw, reason: str) -> Read:
    """It cannot be read."""
    return ReadMail(raw=raw, mail=reason) if is_mail(raw) else ReadHook(raw=raw, brought=reason)
