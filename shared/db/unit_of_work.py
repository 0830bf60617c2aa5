"""The unit of work: what happens in one transaction, and the only commit."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import stamina
from sqlalchemy import CursorResult, Executable, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db import outbox
from shared.db.engine import Collision, meaning
from shared.errors import DatabaseUnavailable, DataRefused, FatalError, StaleEpoch, TransientError
from shared.events.envelope import Event
from shared.wakeups import RelaySignal

T = TypeVar("T")

_OPEN = text(
    "SELECT set_config('app.workspaces', :workspaces, true), set_config('app.shards', :claims, true),"
    " (SELECT count(*) FROM (SELECT s.n FROM shard s"
    " JOIN unnest(CAST(:ns AS smallint[]), CAST(:epochs AS bigint[])) AS held (n, epoch) USING (n, epoch)"
    " ORDER BY s.n FOR SHARE OF s) AS locked) AS held"
)
_NOW = text("SELECT clock_timestamp()")
_ADMIT = text("SELECT set_config('app.workspaces', :workspaces, true)")
_TAKE_TIME = (
    # A timeout that runs is not set anew by another value, but by none and then another.
    text("SELECT set_config('transaction_timeout', '0', true)"),
    text("SELECT set_config('transaction_timeout', '10min', true)"),
)
_NOTIFY = text("SELECT pg_notify('outbox', :shards)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A shard at the epoch under which this process holds it."""

    n: int
    epoch: int


class _NotBegun(DatabaseUnavailable):
    """The connection was dead before anything was done: the pool has fresh ones now."""


@dataclass(slots=True)
class Tx:
    """One transaction. Whoever gets it reads, writes and emits; only `Database.transact` commits."""

    connection: AsyncConnection
    clock_shift: timedelta
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    outbox: list[Event] = field(default_factory=list)
    committed: list[Callable[[], None]] = field(default_factory=list)

    async def execute(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> CursorResult[Any]:
        """Runs one statement, after those that somebody else within this transaction has asked for."""
        async with self._turn:
            return await self.connection.execute(statement, parameters)

    async def now(self) -> datetime:
        """The database's clock, read at this moment: after locking, where the order of events matters."""
        now: datetime = (await self.execute(_NOW)).scalar_one()
        return now + self.clock_shift

    async def admit(self, workspaces: Collection[str]) -> None:
        """Lets this transaction touch the rows of these workspaces, and of no others."""
        await self.execute(_ADMIT, {"workspaces": ",".join(workspaces)})

    async def take_time(self) -> None:
        """Lets this transaction last ten minutes, for what reads much; each statement of it is quick as ever."""
        for statement in _TAKE_TIME:
            await self.execute(statement)

    async def savepoint(self, part: Callable[[], Awaitable[T]]) -> T:
        """Runs a part of the unit that the database may refuse alone: then nothing of it stays, the rest does.

        Raises DataRefused, and whatever `part` raises.
        """
        emitted, actions = len(self.outbox), len(self.committed)
        try:
            async with self.connection.begin_nested():
                return await part()
        except Exception as error:
            del self.outbox[emitted:], self.committed[actions:]
            known = meaning(error)
            if isinstance(known, DataRefused):
                raise known from error
            raise

    def emit(self, events: Iterable[Event]) -> None:
        """Publishes events with this transaction, in this order."""
        self.outbox.extend(events)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Runs a quick, infallible action once the commit is known to have succeeded."""
        self.committed.append(action)


class Database:
    """A service's database.

    clock_shift: added to every reading of the database's clock; zero but in tests that travel in time
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        shards: int,
        relaying: RelaySignal,
        clock_shift: Callable[[], timedelta] = timedelta,
    ) -> None:
        self.engine = engine
        self.shards = shards
        self._relaying = relaying
        self._clock_shift = clock_shift
        self._running: set[asyncio.Future[Any]] = set()

    async def transact(
        self,
        unit: Callable[[Tx], Awaitable[T]],
        *,
        workspaces: Collection[str] = (),
        claims: Collection[int] = (),
        fence: Fence | None = None,
        fences: Collection[Fence] = (),
        is_repeatable: bool = True,
        is_snapshot: bool = False,
    ) -> T:
        """Runs `unit` in one transaction and commits it.

        workspaces: whose rows it may touch; claims: of which shards it may scan the claim tables;
        fence: commit only if this process still holds the shard; fences: or all of these;
        is_repeatable: a deadlock or serialisation failure runs the whole unit again;
        is_snapshot: all of its statements see the database as it was at the first of them
        Raises StaleEpoch, DataRefused, DatabaseUnavailable, and whatever `unit` raises. After
        DatabaseUnavailable the outcome is unknown.
        """
        held = [*fences, fence] if fence else fences
        attempt = partial(self._attempt, unit, workspaces, claims, held, is_snapshot)
        work = asyncio.ensure_future(self._transact(attempt, is_repeatable))
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # Whoever waits may give up, the transaction does not: cut in the middle of the protocol, a
            # connection is lost to the pool. The server's timeouts bound how long it takes.
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # nobody is left to hear of it
            raise

    async def _transact(self, attempt: Callable[[], Awaitable[T]], is_repeatable: bool) -> T:
        try:
            return await attempt()
        except _NotBegun:
            return await attempt()
        except Collision:
            if not is_repeatable:
                raise
        async for again in stamina.retry_context(on=Collision, attempts=5, wait_initial=0.01, wait_max=0.2):
            with again:
                return await attempt()
        raise AssertionError("unreachable")

    async def _attempt(
        self,
        unit: Callable[[Tx], Awaitable[T]],
        workspaces: Collection[str],
        claims: Collection[int],
        fences: Collection[Fence],
        is_snapshot: bool,
    ) -> T:
        has_begun = False
        try:
            async with self.engine.connect() as connection:
                if is_snapshot:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                tx = Tx(connection, self._clock_shift())
                await self._open(tx, workspaces, claims, fences)
                has_begun = True
                result = await unit(tx)
                if tx.outbox:
                    await self._publish_with(tx)
                await connection.commit()
        except Exception as error:
            known = meaning(error)
            if isinstance(known, DatabaseUnavailable) and not has_begun:
                raise _NotBegun from error
            if known is not None:
                raise known from error
            raise
        if tx.outbox:
            self._relaying.wake(outbox.shards_of(tx.outbox, self.shards))
        try:
            for action in tx.committed:
                action()
        except Exception as error:
            # It has happened: nobody may take it for refused, and do it again.
            raise FatalError("What follows a commit has failed.") from error
        return result

    async def _open(
        self, tx: Tx, workspaces: Collection[str], claims: Collection[int], fences: Collection[Fence]
    ) -> None:
        row = await tx.execute(
            _OPEN,
            {
                "workspaces": ",".join(workspaces),
                "claims": ",".join(map(str, claims)),
                "ns": [fence.n for fence in fences],
                "epochs": [fence.epoch for fence in fences],
            },
        )
        if row.one().held != len(fences):
            raise StaleEpoch

    async def _publish_with(self, tx: Tx) -> None:
        await outbox.append(tx.connection, tx.outbox, self.shards)
        elsewhere = outbox.shards_of(tx.outbox, self.shards) - self._relaying.held
        if elsewhere:
            # NOTIFY takes a lock that serialises commits: only where another process relays.
            await tx.execute(_NOTIFY, {"shards": ",".join(map(str, sorted(elsewhere)))})

    async def ping(self) -> None:
        """Raises TransientError where the database does not answer."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:
            raise (meaning(error) or TransientError()) from error
