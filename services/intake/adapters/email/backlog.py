"""Works through what was stored: read in parallel, received in the order in which it came.

Only the holder of a shard does, under its fence, so each is received exactly once: whatever a crash
leaves behind, the next holder finds in its rows. Two mails of one sender in one channel keep their order. What a
provider posts names no sender before it is read: all of it keeps its order in its channel.

Workspaces share a shard and the processes that read, but none waits for another one's: each has a window of its
own (`raws.py`) and its turn (`turns.py`). What cannot be had for the moment gives up its place in the order. Only
the database that does not answer ends the loop, or the loss of the shard.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.postponed import Pause, Postponed
from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.email.reading import Read, Reading
from services.intake.adapters.email.settling import Ready, Refusal, Settling
from services.intake.app.mail_ports import Blobs, Raw, RawKey, ReadMail, Staged
from services.intake.domain.mail import Mail
from services.intake.domain.mail_threads import awaits, recognised_by, refers_to
from shared.db.shards import Shard
from shared.db.unit_of_work import Database
from shared.errors import StaleEpoch, TransientError, Unavailable
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_IN_HAND = 512
"""Of one shard so many are being read or received at one time, at most."""
_MAX_ATTEMPTS = 8
"""What was taken up by more processes and never settled seems to end each of them."""
_MAX_REFUSALS = 3
"""What the database fails at again so often, though it takes others meanwhile, is set aside."""
_IDLE_S = 30.0


@dataclass(slots=True, eq=False)
class _Held:
    """One that is in hand: read and staged, or why it cannot be had; until it is let go."""

    raw: Raw
    read: Read | None = None
    stored: Staged | None = None
    problem: Unavailable | None = None
    let_go: asyncio.Event = field(default_factory=asyncio.Event)


_InHand = dict[RawKey, _Held]


class Backlog:
    """Receives what came for every shard that this process holds."""

    def __init__(
        self,
        database: Database,
        raws: PostgresRaws,
        reading: Reading,
        blobs: Blobs,
        settling: Settling,
        *,
        bells: Bells,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._raws = raws
        self._reading = reading
        self._blobs = blobs
        self._settling = settling
        self._bells = bells
        self._unsettled: set[UUID] = set()
        self._delayed = metrics.counter("mails_delayed", "Mails that are tried again later.", "why")

    async def run(self, shard: Shard) -> None:
        """Receives until the shard is drained. Raises StaleEpoch and TransientError."""
        in_hand: _InHand = {}
        postponed = Postponed()
        with self._bells.hung(shard) as bell:
            async with asyncio.TaskGroup() as group:
                holding: set[asyncio.Task[None]] = set()
                while not shard.draining.is_set():
                    for raw in await self._take(shard, in_hand, postponed):
                        in_hand[raw.key] = _Held(raw)
                        task = group.create_task(self._hold(in_hand[raw.key], bell.ring))
                        holding.add(task)
                        task.add_done_callback(holding.discard)
                    if not await self._settle_ready(shard, in_hand, postponed):
                        await bell.wait(_IDLE_S)
                for task in holding:
                    task.cancel()
                # Whoever is next takes them up for the first time: nothing of them has ended this process.
                await self._put_back(shard, [held.raw for held in in_hand.values()])

    async def _take(self, shard: Shard, in_hand: _InHand, postponed: Postponed) -> list[Raw]:
        room = _IN_HAND - len(in_hand)
        if room <= 0:
            return []
        raws = await self._database.transact(
            lambda tx: self._raws.take(
                tx,
                shard.n,
                [raw_id for _, raw_id in in_hand],
                room,
                again=self._unsettled,
                passed=postponed.raws,
                halted=postponed.workspaces,
            ),
            claims=[shard.n],
            fence=shard.fence,
        )
        self._unsettled |= {raw.raw_id for raw in raws}
        return raws

    async def _hold(self, held: _Held, ring: Callable[[], None]) -> None:
        """Reads it in its turn and brings its files to where they stay; its turn is over once it is let go."""
        try:
            async with self._reading.turn(held.raw) as turn:
                read = await self._read(held.raw)
                if isinstance(read, ReadMail) and (blobs := read.blobs()):
                    held.stored = await self._blobs.stage(blobs)
                held.read = read
                turn.over()
                ring()
                await held.let_go.wait()
        except Unavailable as error:
            held.problem = error
            ring()

    async def _read(self, raw: Raw) -> Read:
        if raw.attempts > _MAX_ATTEMPTS:
            return await self._reading.unread(raw, f"it was taken up by {raw.attempts} processes")
        try:
            return await self._reading.read(raw)
        except (TransientError, StaleEpoch):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it brings about ends in quarantine
            return await self._reading.unread(raw, f"reading it fails: {type(error).__name__}")

    async def _settle_ready(self, shard: Shard, in_hand: _InHand, postponed: Postponed) -> bool:
        """Receives what can be received; whether there was anything."""
        lost = [held for held in in_hand.values() if held.problem]
        await self._put_back(shard, [held.raw for held in lost])
        for held in lost:
            self._postpone(held.raw, postponed, str(held.problem), "bytes")
            self._let_go(in_hand, held)
        ready = _ready(in_hand.values())
        if ready:
            items = [Ready(held.read, held.stored) for held in ready if held.read]
            settled = await self._settling.settle(shard, items)
            if settled.has_worked:
                postponed.worked()
            for refusal in settled.refused:
                await self._refuse(shard, refusal, postponed)
            refused = {refusal.item.raw.raw_id for refusal in settled.refused}
            for held in ready:
                if held.raw.raw_id in settled.untried:
                    continue
                if held.raw.raw_id not in refused:
                    self._unsettled.discard(held.raw.raw_id)
                    postponed.forget(held.raw.raw_id)
                self._let_go(in_hand, held)
        return bool(lost or ready)

    async def _refuse(self, shard: Shard, refusal: Refusal, postponed: Postponed) -> None:
        raw, error = refusal.item.raw, "the database fails at it"
        pause = self._postpone(raw, postponed, error, "database", is_suspect=refusal.is_suspect)
        if pause.refusals >= _MAX_REFUSALS:
            await self._settling.set_aside(shard, refusal.item, error)
            postponed.forget(raw.raw_id)

    async def _put_back(self, shard: Shard, raws: Collection[Raw]) -> None:
        """That they were taken is no attempt."""
        if not raws:
            return
        await self._database.transact(
            lambda tx: self._raws.put_back(tx, [raw.key for raw in raws]),
            workspaces={raw.workspace_id for raw in raws},
            fence=shard.fence,
        )
        self._unsettled -= {raw.raw_id for raw in raws}

    def _postpone(
        self, raw: Raw, postponed: Postponed, error: str, why: str, *, is_suspect: bool = False
    ) -> Pause:
        pause = postponed.add(raw, is_suspect=is_suspect)
        self._delayed.labels(why).inc()
        log.warning(Log.MAIL_DELAYED, raw_id=str(raw.raw_id), error=error, failures=pause.failures)
        return pause

    def _let_go(self, in_hand: _InHand, held: _Held) -> None:
        held.let_go.set()
        del in_hand[held.raw.key]


def _ready(in_hand: Iterable[_Held]) -> list[_Held]:
    """Those that can share the next commit: read, behind no unread one of their sender, and free of each other.

    A mail that refers to another of the same commit, or repeats it, could not find it there.
    """
    ready: list[_Held] = []
    held_up: set[tuple[str, str, str | None]] = set()
    recognised: set[tuple[str, bytes]] = set()
    for held in in_hand:
        raw, item = held.raw, held.read
        sender = (raw.workspace_id, raw.channel, raw.sender)
        if sender in held_up or item is None:
            held_up.add(sender)
            continue
        if isinstance(item, ReadMail) and isinstance(item.mail, Mail):
            if any((raw.workspace_id, key) in recognised for key in refers_to(item.mail)):
                held_up.add(sender)
                continue
            kept = recognised_by(item.mail) | awaits(item.mail)
            recognised |= {(raw.workspace_id, key) for key in kept}
        ready.append(held)
    return ready
