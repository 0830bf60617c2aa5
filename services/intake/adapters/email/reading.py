"""Reads what was stored: mail in the parser's processes, whoever brought it; all else here, within its bounds."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import ParamSpec, TypeAlias, TypeVar

from services.intake.adapters.email.fresh import Fresh
from services.intake.adapters.email.parsers import Parsers
from services.intake.adapters.email.turns import Turn, Turns
from services.intake.adapters.hooks.reading import MAILS, read_hook
from services.intake.adapters.naming import named_in_call, named_in_mail
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
            return _unread(raw, "its bytes are missing", b"")
        if not is_mail(raw):
            return await _aside(raw, read_hook, raw, content)
        try:
            if raw.form == MAIL:
                return await _aside(raw, with_hashes, raw, await self._parsers.parse(content))
            mail, envelope = await self._parsers.parse_posted(
                raw.form, raw.headers.get("content-type", ""), content
            )
        except UnreadableMail as error:
            return _unread(raw, str(error), content)
        enveloped = replace(raw, sender=envelope.sender, recipients=envelope.recipients)
        return replace(await _aside(raw, with_hashes, enveloped, mail), is_verified=envelope.is_verified)

    async def unread(self, raw: Raw, reason: str) -> Read:
        """What nobody reads, with whom it may be about as far as its bytes can be had."""
        try:
            content = await self.content(raw)
        except Exception:  # noqa: BLE001 - it is given up already: nothing may keep it from that
            content = b""
        return await _aside(raw, _unread, raw, reason, content)

    async def content(self, raw: Raw) -> bytes:
        """Its bytes. Raises NotFound."""
        return self._fresh.take(raw.raw_id) or await self._blobs.read(raw.workspace_id, raw.sha256)


def set_aside(item: Read, reason: str) -> Read:
    """What was read and cannot be received, with whom it is about: its bytes are not needed once more."""
    if isinstance(item, ReadMail):
        return ReadMail(raw=item.raw, mail=reason, named=tuple(sorted(item.people())))
    return ReadHook(raw=item.raw, brought=reason, named=item.senders())


async def _aside(raw: Raw, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Beside the event loop, where there is much to do."""
    return await asyncio.to_thread(action, *args, **kwargs) if raw.size > _LARGE else action(*args, **kwargs)


def is_mail(raw: Raw) -> bool:
    """Whether it is a mail, as it was sent or as a provider posts it."""
    return raw.form == MAIL or raw.form in MAILS


def _unread(raw: Raw, reason: str, content: bytes) -> Read:
    if is_mail(raw):
        return ReadMail(raw=raw, mail=reason, named=named_in_mail(content))
    return ReadHook(raw=raw, brought=reason, named=named_in_call(content))
