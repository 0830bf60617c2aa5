"""Works off what is to be fetched, for every shard that this process holds. The message is there already.

A failure is tried again with growing pauses; what cannot be had stands on its message with the reason. Either way
the message's ticket is told, so that whoever watches it sees the file.
"""

import asyncio
import hashlib
import mimetypes
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.headers import file_name
from services.intake.adapters.happenings import Happening, Happenings
from services.intake.adapters.media import rows
from services.intake.adapters.media.fetcher import Fetched, MediaRefused
from services.intake.adapters.media.rows import Arrived, Wanted
from services.intake.adapters.media.sources import Sources
from services.intake.app.mail_ports import Blobs
from services.intake.app.ports import Workspaces
from services.intake.domain.workspace import UNREADABLE, UNREADABLE_FOR, Workspace
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import FatalError, StaleEpoch, TransientError
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

PAUSES = (
    timedelta(seconds=2),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""After each failure; after the last one it is given up."""

_WAITING, _FETCHED, _FAILED = "waiting", "fetched", "failed"
EVENTS = {_FETCHED: "message.file_arrived", _FAILED: "message.file_failed"}
"""Of the timeline only, as topics say nothing of files."""

_AT_ONCE = 4
_SHARE = 2
"""Of these, at most so many are one workspace's: its hosts may be slow, and others' files wait meanwhile."""
_IDLE_S = 60.0


class Fetching:
    """Fetches the media of messages. bells: rung where there are some"""

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        sources: Sources,
        blobs: Blobs,
        happenings: Happenings,
        *,
        bells: Bells,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._sources = sources
        self._blobs = blobs
        self._happenings = happenings
        self.bells = bells
        self._attempts = metrics.counter("media_attempts", "Attempts to fetch a file of a message.", "state")

    async def run(self, shard: Shard) -> None:
        """Fetches until the shard is drained. Raises StaleEpoch and TransientError."""
        under_way: Counter[str] = Counter()
        with self.bells.hung(shard) as bell:

            async def fetch(wanted: Wanted) -> None:
                try:
                    await self._fetch(shard, wanted)
                finally:
                    under_way[wanted.workspace_id] -= 1
                    bell.ring()

            async with asyncio.TaskGroup() as group:
                while not shard.draining.is_set():
                    if under_way.total() >= _AT_ONCE:
                        await bell.wait(_IDLE_S)
                        continue
                    full = [workspace_id for workspace_id, count in under_way.items() if count >= _SHARE]
                    if wanted := await self._take(shard, full):
                        under_way[wanted.workspace_id] += 1
                        group.create_task(fetch(wanted))
                    else:
                        under_way = +under_way
                        await bell.wait(await self._pause(shard, full))

    async def _take(self, shard: Shard, full: Collection[str]) -> Wanted | None:
        return await self._database.transact(
            lambda tx: rows.take(tx, shard.n, full), claims=[shard.n], fence=shard.fence
        )

    async def _pause(self, shard: Shard, full: Collection[str]) -> float:
        until = await self._database.transact(lambda tx: rows.until_next(tx, shard.n, full), claims=[shard.n])
        return _IDLE_S if until is None else min(_IDLE_S, max(0.01, until.total_seconds()))

    async def _workspace(self, workspace_id: str) -> Workspace:
        names = [workspace_id]
        found = await self._database.transact(lambda tx: self._workspaces.load(tx, names), workspaces=names)
        return found[workspace_id]

    async def _fetch(self, shard: Shard, wanted: Wanted) -> None:
        workspace = await self._workspace(wanted.workspace_id)
        if not workspace.is_readable:
            await self._put_back(shard, wanted)
            return
        is_final = True
        try:
            channel = workspace.channels.get(wanted.channel)
            if channel is None:
                raise MediaRefused("its channel is not there any more")
            expects_page = wanted.media_type == "text/html"
            async with self._sources.fetched(
                wanted.url, channel, provider=wanted.provider, expects_page=expects_page
            ) as fetched:
                await self._keep(shard, wanted, fetched)
        except MediaRefused as refusal:
            error = str(refusal)
        except TransientError as failure:
            error, is_final = str(failure), wanted.attempts > len(PAUSES)
        except (StaleEpoch, FatalError):
            raise
        except Exception as failure:  # noqa: BLE001 - what one host says must not end the others' fetches
            # Only what kind: its words may hold a secret.
            error, is_final = type(failure).__name__, wanted.attempts > len(PAUSES)
        else:
            self._attempts.labels(_FETCHED).inc()
            log.info(Log.MEDIA_FETCHED, attempt=wanted.attempts, bytes=len(fetched.content))
            return
        if is_final:
            await self._give_up(shard, wanted, error)
        else:
            await self._put_off(shard, wanted, error)
        self._attempts.labels(_FAILED if is_final else _WAITING).inc()
        log.warning(Log.MEDIA_FAILED if is_final else Log.MEDIA_DELAYED, attempt=wanted.attempts, error=error)

    async def _keep(self, shard: Shard, wanted: Wanted, fetched: Fetched) -> None:
        sha256 = (await asyncio.to_thread(hashlib.sha256, fetched.content)).digest()
        stored = await self._blobs.stage({(wanted.workspace_id, sha256): fetched.content})
        media_type = fetched.media_type or wanted.media_type
        arrived = Arrived(
            filename=file_name(wanted.filename or "", f"file{mimetypes.guess_extension(media_type) or ''}"),
            media_type=media_type,
            size=len(fetched.content),
            sha256=sha256,
        )

        async def unit(tx: Tx) -> None:
            message_id = await self._settle(tx, wanted, _FETCHED)
            if message_id is not None:
                await rows.attach(tx, wanted, message_id, arrived)
                await stored(tx)

        await self._database.transact(unit, workspaces=[wanted.workspace_id], fence=shard.fence)

    async def _settle(self, tx: Tx, wanted: Wanted, state: str, error: str | None = None) -> UUID | None:
        """Keeps what has become of it at last, and shows it on its ticket; the message that it belongs to.

        None where somebody else has had it by now, or the message was erased.
        """
        ticket = await rows.ticket_of(tx, wanted)
        if ticket is None:
            return None
        await self._happenings.lock(tx, [ticket])
        message_id = await rows.settle(tx, wanted, state, next_attempt_at=await tx.now(), error=error)
        if message_id is not None:
            data = {"attachment_id": str(wanted.attachment_id)}
            event = Happening(ticket=ticket, message_id=message_id, type=EVENTS[state], data=data)
            await self._happenings.tell(tx, [event])
        return message_id

    async def _put_back(self, shard: Shard, wanted: Wanted) -> None:
        """Leaves it for later. Nothing was attempted, however often."""

        async def unit(tx: Tx) -> None:
            await rows.put_back(tx, wanted, await tx.now() + UNREADABLE_FOR, UNREADABLE)

        await self._database.transact(unit, workspaces=[wanted.workspace_id], fence=shard.fence)
        log.warning(Log.MEDIA_DELAYED, attempt=wanted.attempts, error=UNREADABLE)

    async def _give_up(self, shard: Shard, wanted: Wanted, error: str) -> None:
        async def unit(tx: Tx) -> None:
            await self._settle(tx, wanted, _FAILED, error)

        await self._database.transact(unit, workspaces=[wanted.workspace_id], fence=shard.fence)

    async def _put_off(self, shard: Shard, wanted: Wanted, error: str) -> None:
        pause = PAUSES[min(wanted.attempts, len(PAUSES)) - 1]

        async def unit(tx: Tx) -> None:
            await rows.settle(tx, wanted, _WAITING, next_attempt_at=await tx.now() + pause, error=error)

        await self._database.transact(unit, workspaces=[wanted.workspace_id], fence=shard.fence)
