"""Texts that Twilio had no success in bringing: it tries but for a while, and then tells nobody.

For each number of the shards that this process holds, soon after a start and once a night, the texts of the last
day are listed by Twilio's API. Those that no ticket has go through the same door as its webhooks, each once.
What fails is looked at again an hour later, and stops nothing.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text

from services.intake.adapters.email.mailroom import Incoming, Mailroom, UsedToken
from services.intake.adapters.hooks.forms import URL_ENCODED
from services.intake.adapters.hooks.twilio_texts import TwilioTexts, overtaken
from services.intake.adapters.hooks.values import Object
from services.intake.app.ports import Conversations, Workspaces
from services.intake.domain.nights import Timetable
from services.intake.domain.provider import ProviderName, Twilio
from services.intake.domain.workspace import Workspace
from shared.db.shards import Shard
from shared.db.unit_of_work import Database
from shared.errors import DataRefused, DomainError, TransientError
from shared.events.catalog import shard_of
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.vocabulary import ChannelKind

log = structlog.get_logger()

_NAME = ProviderName.TWILIO_SMS
_LOOK_S = 60.0
_BACK = timedelta(days=1)
_WITH_TEXTS = text("SELECT DISTINCT workspace_id FROM address WHERE kind IN ('sms', 'whatsapp')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of ours with the channels that have it. to: as Twilio writes it"""

    workspace_id: str
    to: str
    provider: Twilio
    channels: tuple[str, ...]

    @property
    def key(self) -> str:
        """By what its turn is kept."""
        return f"{self.workspace_id}/{self.provider.account_sid}/{self.to}"


class Reconciling:
    """Looks for texts that never came. pause_s: between two of them, and between two pages"""

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        conversations: Conversations,
        mailroom: Mailroom,
        texts: TwilioTexts,
        *,
        metrics: Metrics,
        pause_s: float = 0.2,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._conversations = conversations
        self._mailroom = mailroom
        self._texts = texts
        self._pause_s = pause_s
        self._looks = metrics.counter("reconciliations", "Looks for texts that never came.", "provider", "result")
        self._brought = metrics.counter("reconciled", "Texts that never came, and were brought.", "provider")

    async def run(self, shard: Shard) -> None:
        """Looks when it is time, until the shard is drained. Raises DatabaseUnavailable."""
        timetable = Timetable()
        while not await _is_set_within(shard.draining, _LOOK_S):
            now = await self._database.transact(lambda tx: tx.now())
            for number in await self.numbers(shard.n):
                if timetable.is_due(now, number.key):
                    timetable.took(now, number.key, is_well=await self.look(number, shard.draining))
                if shard.draining.is_set():
                    return

    async def numbers(self, shard: int) -> list[Number]:
        """The numbers of a shard's workspaces."""
        rows = await self._database.transact(lambda tx: tx.execute(_WITH_TEXTS))
        names = {row.workspace_id for row in rows if shard_of(row.workspace_id, self._database.shards) == shard}
        if not names:
            return []
        configured = await self._database.transact(lambda tx: self._workspaces.load(tx, names), workspaces=names)
        return [
            number
            for workspace_id, workspace in sorted(configured.items())
            for number in _numbers(workspace_id, workspace)
        ]

    async def look(self, number: Number, draining: asyncio.Event) -> bool:
        """Brings what never came to one number; whether that went well. A failure is counted and logged."""
        result, problem = "done", None
        try:
            if not await self._look(number, draining):
                result, problem = "cut", "there are too many"
        except (TransientError, DomainError, DataRefused) as error:
            # A refusal is a channel that was changed meanwhile.
            result, problem = "failed", str(error)
        self._looks.labels(_NAME.value, result).inc()
        if problem:
            log.warning(Log.TEXTS_NOT_RECONCILED, workspace_id=number.workspace_id, error=problem)
        return result != "failed"

    async def _look(self, number: Number, draining: asyncio.Event) -> bool:
        """Whether all were looked at, or there is no time for it. Raises WaypostError."""
        now = await self._database.transact(lambda tx: tx.now())
        newest_first: dict[str, Object] = {}
        is_cut = False
        async for page in self._texts.pages(number.provider, number.to, (now - _BACK).date()):
            newest_first |= page.texts
            is_cut = page.is_cut
            if await _is_set_within(draining, self._pause_s):
                return True
        texts = dict(reversed(newest_first.items()))
        without_say = overtaken(texts)
        for sid in await self._unknown(number, list(texts)):
            content = await self._texts.posted(number.provider, texts[sid], has_say=sid not in without_say)
            await self._mailroom.accept(_incoming(number, sid, content))
            self._brought.labels(_NAME.value).inc()
            if await _is_set_within(draining, self._pause_s):
                return True
        return not is_cut

    async def _unknown(self, number: Number, sids: Sequence[str]) -> list[str]:
        """Those that no channel with this number has, in their order."""
        keys = {
            (number.workspace_id, channel, f"{_NAME.value}:{sid}"): sid
            for sid in sids
            for channel in number.channels
        }
        receipts = await self._database.transact(
            lambda tx: self._conversations.receipts(tx, set(keys)), workspaces=[number.workspace_id]
        )
        has = {keys[key] for key in receipts}
        return [sid for sid in sids if sid not in has]


def _numbers(workspace_id: str, workspace: Workspace) -> Iterator[Number]:
    """Where several channels have a number, a text of it belongs to one of them."""
    found: dict[tuple[str, str], tuple[Twilio, list[str]]] = {}
    for channel in workspace.channels.values():
        provider = channel.provider(_NAME)
        if isinstance(provider, Twilio):
            to = f"whatsapp:{provider.number}" if channel.kind is ChannelKind.WHATSAPP else provider.number
            found.setdefault((provider.account_sid, to), (provider, []))[1].append(channel.channel_id)
    for (_, to), (provider, channels) in found.items():
        yield Number(workspace_id=workspace_id, to=to, provider=provider, channels=tuple(channels))


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _incoming(number: Number, sid: str, content: bytes) -> Incoming:
    return Incoming(
        workspace_id=number.workspace_id,
        channel=number.channels[0],
        sender=None,
        recipients=(),
        content=content,
        form=_NAME.value,
        headers={"content-type": URL_ENCODED},
        # What nobody can read has no ticket: it is brought once and never again.
        token=UsedToken(token=sid, sha256=hashlib.sha256(sid.encode()).digest()),
    )
