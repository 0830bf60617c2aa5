"""Applies what is read for a shard: batches, in order, each with its position in one commit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import structlog

from shared.clock import monotonic
from shared.db import progress
from shared.db.engine import SURROUNDINGS
from shared.db.progress import Subject
from shared.db.shards import Leases, Shard
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DataRefused, DomainError, PoisonMessage, TransientError, VersionGap
from shared.events.envelope import Event
from shared.kafka import parked
from shared.kafka.admission import Incoming, admit, passed_over, read, settle
from shared.kafka.client import Record
from shared.kafka.inbox import Inbox, Inboxes
from shared.telemetry.logging import frames
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

T = TypeVar("T")

PassesOver = Callable[[Record], bool]
"""Whether a service has no use for a record, by its headers alone."""

Apply = Callable[[Tx, Sequence[Event]], Awaitable[None]]
"""Folds events into state. What it writes and emits commits together with the position."""

BATCH_MAX_RECORDS = 500
"""Most records one commit covers. Higher: fewer commits, more rework after a failure."""

_IDLE_S = 5.0
_PARKED_POLL_S = 1.0
_FORESEEN = (PoisonMessage, DomainError, DataRefused)


class FuseBlown(Exception):
    """Too many records in a row cannot be applied."""


_INNOCENT = (*SURROUNDINGS, FuseBlown)
"""Errors that are no record's fault."""


class Fuse:
    """Stops a shard after too many poison records in a row: a bad release must not park a whole topic."""

    def __init__(self, limit: int = 20) -> None:
        self._limit = limit
        self._blown: set[int] = set()

    def test(self, shard: int, poison_in_a_row: int) -> None:
        """Raises FuseBlown where this shard has to stop."""
        if poison_in_a_row >= self._limit:
            self._blown.add(shard)
            log.error(Log.FUSE_BLOWN, shard=shard, poison_in_a_row=poison_in_a_row)
            raise FuseBlown

    def mend(self, shard: int) -> None:
        """A shard that starts afresh, or moves away, has a new fuse."""
        self._blown.discard(shard)

    def check(self) -> None:
        """Raises PoisonMessage naming the shards that stand still."""
        if self._blown:
            raise PoisonMessage(f"shards {sorted(self._blown)} stand still: too many poison records in a row")


class Applier:
    """Turns the records of one shard into commits, and finds the guilty record of a commit that fails.

    is_repeatable: whether `apply` may run again within one call of it, as it does after a deadlock
    """

    def __init__(
        self,
        database: Database,
        shard: Shard,
        apply: Apply,
        *,
        seen: SeenWorkspaces,
        fuse: Fuse,
        metrics: Metrics,
        is_repeatable: bool = True,
        passes_over: PassesOver = lambda _: False,
    ) -> None:
        self._passes_over = passes_over
        self._database = database
        self._shard = shard
        self._apply = apply
        self._seen = seen
        self._fuse = fuse
        self._metrics = metrics
        self._is_repeatable = is_repeatable
        self._poison_in_a_row = 0
        self._has_filled_gaps = False

    async def consume(self, inbox: Inbox, inboxes: Inboxes, most: int = BATCH_MAX_RECORDS) -> None:
        """Applies what an inbox holds, at most so many records. Raises FuseBlown, StaleEpoch, TransientError."""
        records = inbox.take(most)
        if not records:
            return
        shards = self._database.shards
        await self.commit([passed_over(one) if self._passes_over(one) else read(one, shards) for one in records])
        inbox.commit({record.topic.name: record.offset + 1 for record in records})
        inboxes.resume(inbox)

    async def commit(self, incoming: Sequence[Incoming]) -> None:
        """Applies a batch; what cannot be applied is parked, alone and with what follows it.

        Raises FuseBlown, StaleEpoch and TransientError.
        """
        try:
            await self._commit(incoming, condemned=None)
        except Exception as error:
            if isinstance(error, _INNOCENT) or not incoming:
                raise
            if len(incoming) == 1:
                await self._commit(incoming, condemned=_problem(error))
                return
            middle = len(incoming) // 2
            await self.commit(incoming[:middle])
            await self.commit(incoming[middle:])

    async def _commit(self, incoming: Sequence[Incoming], condemned: str | None) -> None:
        started = monotonic()
        workspaces = {item.workspace_id for item in incoming if not item.is_passed_over}

        async def unit(tx: Tx) -> None:
            admission = await admit(tx, incoming, self._poison_in_a_row, condemned)
            self._fuse.test(self._shard.n, admission.longest_poison_run)
            await self._seen.remember(tx, workspaces)
            await self._apply(tx, admission.events)
            await settle(tx, admission, self._shard.n)

            def committed() -> None:
                self._poison_in_a_row = admission.poison_in_a_row
                self._has_filled_gaps |= bool(admission.filled)
                self._metrics.skipped.inc(admission.skipped)
                for parking in admission.parking:
                    self._metrics.parked.labels(parking.problem.reason).inc()
                    log.error(
                        Log.RECORD_PARKED,
                        reason=parking.problem.reason,
                        detail=str(parking.problem),
                        workspace=parking.workspace_id,
                        subject=parking.subject,
                        sequence=parking.sequence,
                    )

            tx.after_commit(committed)

        await self._transact(unit, workspaces)
        if incoming:
            self._metrics.commit_seconds.observe(monotonic() - started)

    async def replay(self, inbox: Inbox) -> None:
        """Tries parked records again, of subjects that somebody asked for or whose gap has closed."""
        if not (inbox.has_requests or self._has_filled_gaps):
            return
        inbox.has_requests = self._has_filled_gaps = False
        subjects = await self._database.transact(
            lambda tx: parked.requested(tx, self._shard.n), claims=[self._shard.n]
        )
        for subject in subjects:
            while await self._replay_first(subject):
                pass

    async def _replay_first(self, subject: Subject) -> bool:
        """Applies or discards a subject's first parked record. False when it stays, or there is none."""

        async def unit(tx: Tx) -> bool:
            row = await parked.first_of(tx, self._shard.n, subject)
            if row is None:
                return False
            item = read(row.record, self._database.shards)
            seen = (await progress.standings(tx, {item.key}))[item.key].last
            is_next = item.sequence == seen + 1
            if not row.is_discarded and (item.sequence is None or item.sequence > seen):
                if item.event is None or not (is_next or item.is_baseline):
                    problem = item.problem or VersionGap(f"expected {seen + 1}")
                    await parked.keep(tx, self._shard.n, subject, str(problem))
                    return False
                await self._apply(tx, [item.event] if item.is_known else [])
            has_other = row.is_discarded and await parked.has_other(tx, row.id)
            if (
                item.sequence is not None
                and not has_other
                and (is_next or (item.is_baseline and not row.is_discarded))
            ):
                await progress.advance(tx, {item.key: max(seen, item.sequence)}, self._shard.n)
            await parked.remove(tx, row.id)
            return True

        try:
            return await self._transact(unit, {subject[0]})
        except Exception as error:
            if isinstance(error, _INNOCENT):
                raise
            detail = _problem(error)
            await self._transact(lambda tx: parked.keep(tx, self._shard.n, subject, detail), {subject[0]})
            return False

    async def _transact(self, unit: Callable[[Tx], Awaitable[T]], workspaces: Collection[str]) -> T:
        return await self._database.transact(
            unit, workspaces=workspaces, fence=self._shard.fence, is_repeatable=self._is_repeatable
        )


def _problem(error: Exception) -> str:
    """Why a record could not be applied. What nobody foresaw may say anything: only its name."""
    if isinstance(error, _FORESEEN):
        return f"{type(error).__name__}: {error}"
    log.error(Log.RECORD_UNFORESEEN, error=type(error).__name__, where=frames(error))
    return type(error).__name__


class ParkedWatch:
    """Looks, for all shards of this process at once, whether parked records are to be replayed or discarded."""

    def __init__(self, database: Database, leases: Leases, inboxes: Inboxes) -> None:
        self._database = database
        self._leases = leases
        self._inboxes = inboxes

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks every second, until `stopping`."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_PARKED_POLL_S):
                    await stopping.wait()
            held = [shard.n for shard in self._leases.held()]
            with suppress(TransientError):
                for shard in await self._database.transact(parked.shards_with_requests, claims=held):
                    self._inboxes.request_replay(shard)


class Consumer:
    """Applies the topics of every shard that this process holds. Used by services whose state is rows."""

    def __init__(
        self,
        database: Database,
        inboxes: Inboxes,
        apply: Apply,
        *,
        seen: SeenWorkspaces,
        fuse: Fuse,
        metrics: Metrics,
        passes_over: PassesOver = lambda _: False,
    ) -> None:
        self._passes_over = passes_over
        self._database = database
        self._inboxes = inboxes
        self._apply = apply
        self._seen = seen
        self._fuse = fuse
        self._metrics = metrics

    async def run(self, shard: Shard) -> None:
        """Consumes until the shard is drained. Raises StaleEpoch and TransientError."""
        applier = Applier(
            self._database,
            shard,
            self._apply,
            seen=self._seen,
            fuse=self._fuse,
            metrics=self._metrics,
            passes_over=self._passes_over,
        )
        async with read_shard(self._database, self._inboxes, shard, self._fuse) as (inbox, bell):
            while not shard.draining.is_set():
                if not inbox.pending and not inbox.has_requests:
                    await bell.wait(_IDLE_S)
                await applier.consume(inbox, self._inboxes)
                await applier.replay(inbox)


@asynccontextmanager
async def read_shard(
    database: Database, inboxes: Inboxes, shard: Shard, fuse: Fuse
) -> AsyncIterator[tuple[Inbox, Wakeup]]:
    """Reads a shard's partitions from its stored positions, for as long as the context lasts."""
    topics = inboxes.topics
    next_offsets = await database.transact(lambda tx: progress.offsets(tx, shard.n, topics))
    bell = shard.bell()
    inbox = inboxes.attach(shard.n, next_offsets, bell)
    try:
        yield inbox, bell
    except FuseBlown:
        # It stands still, visibly, until somebody starts the process anew.
        inboxes.detach(inbox)
        await shard.draining.wait()
    finally:
        inboxes.detach(inbox)
        fuse.mend(shard.n)
