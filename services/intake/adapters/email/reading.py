"""Reads what was stored: mail in the parser's processes, whoever brought it; all else here, within its bounds."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import islice
from typing import ParamSpec, TypeAlias, TypeVar

from services.intake.adapters.email.fresh import Fresh
from services.intake.adapters.email.parsers import Parsers
from services.intake.adapters.email.turns import Turn, Turns
from services.intake.adapters.hooks.reading import MAILS, read_hook
from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import MAIL, Blobs, Raw, ReadMail, UnreadableMail, with_hashes
from shared.errors import NotFound

P = ParamSpec("P")
T = TypeVar("T")

_LARGE = 262_144
"""Bytes that are not read on the event loop."""
_ROOM = 64 << 20
"""Bytes, as they came, of what is being read, or read and not yet stored, in this process."""
_HOOKS = 4
"""Providers' calls, beside their mails, that are read at one time."""

_ADDRESS = re.compile(rb"[\w.+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_BEGINNING = 65_536
_MAX_NAMED = 100

Read: TypeAlias = ReadMail | ReadHook


class Reading:
    """What can be made of raws.

    workers: how many mails are read at one time; the last that is free is for a workspace that has none
    """

    def __init__(self, workers: int, parsers: Parsers, blobs: Blobs, fresh: Fresh) -> None:
        self._mails = Turns(workers, share=max(1, workers - 1), room=_ROOM)
        self._hooks = Turns(_HOOKS, share=_HOOKS // 2, room=_ROOM)
        self._parsers = parsers
        self._blobs = blobs
        self._fresh = fresh

    def turn(self, raw: Raw) -> AbstractAsyncContextManager[Turn]:
        """A turn to read it. What needs no parser waits for none."""
        return (self._mails if is_mail(raw) else self._hooks).turn(raw.workspace_id, raw.size)

    async def read(self, raw: Raw) -> Read:
        """What was made of it, in its turn, or why it cannot be read. Raises Unavailable."""
        try:
            content = await self.content(raw)
        except NotFound:
            return unread(raw, "its bytes are missing")
        if not is_mail(raw):
            return await _aside(raw, read_hook, raw, content)
        try:
            if raw.form == MAIL:
                return await _aside(raw, with_hashes, raw, await self._parsers.parse(content))
            mail, envelope = await self._parsers.parse_posted(
                raw.form, raw.headers.get("content-type", ""), content
            )
        except UnreadableMail as error:
            return ReadMail(raw=raw, mail=str(error), named=_addresses(content))
        enveloped = replace(raw, sender=envelope.sender, recipients=envelope.recipients)
        return replace(await _aside(raw, with_hashes, enveloped, mail), is_verified=envelope.is_verified)

    async def content(self, raw: Raw) -> bytes:
        """Its bytes. Raises NotFound."""
        return self._fresh.take(raw.raw_id) or await self._blobs.read(raw.workspace_id, raw.sha256)


async def _aside(raw: Raw, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Beside the event loop, where there is much to do."""
    return await asyncio.to_thread(action, *args, **kwargs) if raw.size > _LARGE else action(*args, **kwargs)


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
