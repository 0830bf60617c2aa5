"""Works through what was stored: read in parallel, received in the order in which it came.

Only the holder of a shard does, under its fence, so each is received exactly once: whatever a crash
leaves behind, the next holder finds in its rows. Two mails of one sender in one channel keep their order; a
mail that takes long to read holds up nobody else while another parser is free. What a provider posts names no
sender before it is read: all of it keeps its order in its channel.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.inbound import Waiters
from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.email.reading import Read, Reading, unread
from services.intake.app.hook_ports import HookDesk, ReadHook
from services.intake.app.mail_ports import Blobs, Outcome, Raw, RawKey, RawState, ReadMail
from services.intake.app.receive_hooks import receive_hooks, record_told
from services.intake.app.receive_mail import MailDesk, receive_mails
from services.intake.domain.mail import Mail
from services.intake.domain.mail_threads import awaits, recognised_by, refers_to
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import StaleEpoch, TransientError
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_IN_HAND = 64
"""Mails of one shard that are being read or received at one time, at most."""
_MAX_ATTEMPTS = 8
"""A mail that was taken up by more processes and never settled seems to end each of them."""
_IDLE_S = 30.0


class Backlog:
    """Receives what came for every shard that this process holds."""

    def __init__(
        self,
        database: Database,
        desk: MailDesk,
        hook_desk: HookDesk,
        raws: PostgresRaws,
        reading: Reading,
        blobs: Blobs,
        *,
        bells: Bells,
        waiters: Waiters,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._desk = desk
        self._hook_desk = hook_desk
        self._raws = raws
        self._reading = reading
        self._blobs = blobs
        self._bells = bells
        self._waiters = waiters
        self._unsettled: set[UUID] = set()
        self._settled = metrics.counter("mails_settled", "Mails that something has become of.", "disposition")

    async def run(self, shard: Shard) -> None:
        """Receives until the shard is drained. Raises StaleEpoch and TransientError."""
        in_hand: dict[RawKey, tuple[Raw, asyncio.Task[Read]]] = {}
        with self._bells.hung(shard) as bell:
            async with asyncio.TaskGroup() as group:
                while not shard.draining.is_set():
                    for raw in await self._take(shard, in_hand):
                        task = group.create_task(self.read(raw))
                        task.add_done_callback(lambda _: bell.ring())
                        in_hand[raw.key] = raw, task
                    if ready := _ready(in_hand):
                        for items in filter(None, _apart(ready)):
                            await self._settle(shard, items)
                        for item in ready:
                            del in_hand[item.raw.key]
                    else:
                        await bell.wait(_IDLE_S)
                for _, task in in_hand.values():
                    task.cancel()

    async def read(self, raw: Raw) -> Read:
        """What can be made of it."""
        if raw.attempts > _MAX_ATTEMPTS:
            return unread(raw, f"it was taken up by {raw.attempts} processes")
        return await self._reading.read(raw)

    async def _take(self, shard: Shard, in_hand: Mapping[RawKey, object]) -> list[Raw]:
        room = _IN_HAND - len(in_hand)
        if room <= 0:
            return []
        taken, again = [raw_id for _, raw_id in in_hand], self._unsettled
        raws = await self._database.transact(
            lambda tx: self._raws.take(tx, shard.n, taken, room, again=again), claims=[shard.n], fence=shard.fence
        )
        self._unsettled |= {raw.raw_id for raw in raws}
        return raws

    async def _settle(self, shard: Shard, items: Sequence[Read]) -> None:
        """Receives these in one commit; where that fails each in its own, and the guilty one is set aside."""
        try:
            outcomes = await self._receive(shard, items)
        except (TransientError, StaleEpoch):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a mail brings about ends in quarantine
            if len(items) > 1:
                for item in items:
                    await self._settle(shard, [item])
                return
            reason = f"it cannot be stored: {type(error).__name__}"
            outcomes = await self._receive(shard, [unread(items[0].raw, reason)])
        for outcome in outcomes:
            self._unsettled.discard(outcome.raw.raw_id)
            self._settled.labels(outcome.disposition.value).inc()
            if outcome.state is RawState.QUARANTINED:
                log.warning(Log.MAIL_QUARANTINED, reason=outcome.reason, raw_id=str(outcome.raw.raw_id))
        self._waiters.settle(outcomes)

    async def _receive(self, shard: Shard, items: Sequence[Read]) -> list[Outcome]:
        workspaces = {item.raw.workspace_id for item in items}
        mails = [item for item in items if isinstance(item, ReadMail)]
        hooks = [item for item in items if isinstance(item, ReadHook)]
        stored = await self._blobs.stage({key: blob for item in mails for key, blob in item.blobs().items()})
        if telling := [item for item in hooks if item.has_receipts]:
            await self._database.transact(
                lambda tx: record_told(telling, tx=tx, desk=self._hook_desk),
                workspaces={item.raw.workspace_id for item in telling},
                fence=shard.fence,
            )

        async def unit(tx: Tx) -> list[Outcome]:
            if hooks:
                return await receive_hooks(hooks, tx=tx, desk=self._hook_desk)
            outcomes = await receive_mails(mails, tx=tx, desk=self._desk)
            await stored(tx)
            return outcomes

        return await self._database.transact(unit, workspaces=workspaces, fence=shard.fence)


def _apart(items: Sequence[Read]) -> tuple[Sequence[Read], ...]:
    """Mails, what tells of telephone calls, and all else.

    They are received in commits of their own, as each locks in its order: calls lock tickets, and messages
    behind them would lock whoever writes.
    """
    hooks = [item for item in items if isinstance(item, ReadHook)]
    return (
        [item for item in items if isinstance(item, ReadMail)],
        [item for item in hooks if item.has_calls],
        [item for item in hooks if not item.has_calls],
    )


def _ready(in_hand: Mapping[RawKey, tuple[Raw, asyncio.Task[Read]]]) -> list[Read]:
    """Those that can share the next commit: read, behind no unread one of their sender, and free of each other.

    A mail that refers to another of the same commit, or repeats it, could not find it there.
    """
    ready: list[Read] = []
    held_up: set[tuple[str, str, str | None]] = set()
    recognised: set[tuple[str, bytes]] = set()
    for raw, task in in_hand.values():
        sender = (raw.workspace_id, raw.channel, raw.sender)
        if sender in held_up or not task.done():
            held_up.add(sender)
            continue
        item = task.result()
        if isinstance(item, ReadMail) and isinstance(item.mail, Mail):
            if any((raw.workspace_id, key) in recognised for key in refers_to(item.mail)):
                held_up.add(sender)
                continue
            kept = recognised_by(item.mail) | awaits(item.mail)
            recognised |= {(raw.workspace_id, key) for key in kept}
        ready.append(item)
    return ready
