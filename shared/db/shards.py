"""Shards: who works for which workspaces. A lease of some seconds with an epoch that only grows (ADR 0004)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import text

from shared.clock import monotonic
from shared.db.unit_of_work import Database, Fence, Tx
from shared.errors import FatalError, StaleEpoch, TransientError
from shared.patience import Patience
from shared.telemetry.names import Log
from shared.wakeups import Changes, Wakeup

log = structlog.get_logger()

LEASE = timedelta(seconds=4)
_RENEW_S = 1.0
_TRUST_S = 3.5
"""How long after a renewal we believe in it: less than the lease, by the monotonic clock."""
_DRAIN_S = 2.5
"""How long a shard may take to finish its unit of work: less than the lease, which is not renewed meanwhile."""
_HEALTHY_S = 10.0
"""A shard that was served for so long had recovered from its earlier failures."""

_CREATE = text(
    "INSERT INTO shard (n, epoch) SELECT n, 0 FROM generate_series(0, :shards - 1) n ON CONFLICT DO NOTHING"
)
_CREATE_LEASES = text(
    "INSERT INTO shard_lease (n, expires_at) SELECT n, '-infinity' FROM generate_series(0, :shards - 1) n"
    " ON CONFLICT DO NOTHING"
)
_COUNT = text("SELECT count(*) FROM shard")
_RECLAIM = text(
    "UPDATE shard SET epoch = epoch + 1 WHERE n IN"
    " (SELECT n FROM shard_lease WHERE holder = :holder FOR UPDATE) RETURNING n, epoch"
)
_RENEW = text(
    "UPDATE shard_lease l SET expires_at = clock_timestamp() + CAST(:lease AS interval), owner_url = :url"
    " FROM shard s, unnest(CAST(:ns AS smallint[]), CAST(:epochs AS bigint[])) AS mine (n, epoch)"
    " WHERE l.n = mine.n AND s.n = mine.n AND s.epoch = mine.epoch AND l.holder = :holder RETURNING l.n"
)
_JOIN = text(
    "INSERT INTO member (holder, expires_at) VALUES (:holder, clock_timestamp() + CAST(:lease AS interval))"
    " ON CONFLICT (holder) DO UPDATE SET expires_at = excluded.expires_at"
)
_MEMBERS = text("SELECT count(*) FROM member WHERE expires_at > clock_timestamp()")
_FREE = text("SELECT n FROM shard_lease WHERE expires_at < clock_timestamp() ORDER BY n")
_OWNERS = text("SELECT n, owner_url FROM shard_lease WHERE expires_at > clock_timestamp()")
_CLAIM = text("SELECT n FROM shard_lease WHERE n = :n AND expires_at < clock_timestamp() FOR UPDATE SKIP LOCKED")
_BE_QUICK = text("SET LOCAL lock_timeout = '100ms'")
_RAISE_EPOCH = text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n RETURNING epoch")
_TAKE = text(
    "UPDATE shard_lease SET holder = :holder, owner_url = :url,"
    " expires_at = clock_timestamp() + CAST(:lease AS interval) WHERE n = :n"
)
_RELEASE = text(
    "UPDATE shard_lease SET holder = NULL, owner_url = NULL, expires_at = '-infinity'"
    " WHERE n = :n AND holder = :holder"
)
_LEAVE = text("DELETE FROM member WHERE holder = :holder OR expires_at < clock_timestamp() - interval '1 hour'")


@dataclass(slots=True, eq=False)
class Shard:
    """A shard that this process holds.

    draining: set when it is to be given up; loops end after the unit of work they are in
    """

    n: int
    epoch: int
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    _bells: list[Wakeup] = field(default_factory=list)

    def bell(self) -> Wakeup:
        """A bell for one of this shard's loops; it also rings when the shard is to be given up."""
        bell = Wakeup()
        self._bells.append(bell)
        return bell

    def drain(self) -> None:
        """Asks every loop to end."""
        self.draining.set()
        for bell in self._bells:
            bell.ring()

    @property
    def fence(self) -> Fence:
        """What every commit for this shard names."""
        return Fence(self.n, self.epoch)


Serve = Callable[[Shard], Awaitable[None]]
"""What is done for a shard, for as long as it is held."""


def fair_share(shards: int, members: int) -> int:
    """The most shards that a process takes on when `members` of them share the work."""
    return -(-shards // max(1, members))


class Leases:
    """Holds this process's share of the shards and runs `serve` for each of them.

    holder: a name that is the same after a restart, and nobody else's
    owner_url: where other processes forward requests for our shards to
    """

    def __init__(self, database: Database, *, holder: str, owner_url: str) -> None:
        self._database = database
        self._holder = holder
        self._url = owner_url
        self._held: dict[int, tuple[Shard, asyncio.Task[None]]] = {}
        self._owners: Mapping[int, str] = {}
        self._trusted_until = 0.0
        self._reclaims = True
        self._rounds = Changes()

    def held(self) -> list[Shard]:
        """The shards that this process may work for at this moment."""
        if monotonic() >= self._trusted_until:
            return []
        return [shard for shard, task in self._held.values() if not task.done()]

    async def locate(self, n: int, *, within_s: float) -> str | None:
        """Where the holder of a shard listens, our own address where we hold it; None where nobody turns up.

        within_s: how long to wait for somebody to take a shard that is between two holders
        """
        return await self._rounds.until(lambda: self._locate(n), within_s=within_s)

    async def prepare(self) -> None:
        """Makes the rows of a new installation. Raises FatalError where it has another number of shards."""

        async def unit(tx: Tx) -> int:
            await tx.execute(_CREATE, {"shards": self._database.shards})
            await tx.execute(_CREATE_LEASES, {"shards": self._database.shards})
            return int((await tx.execute(_COUNT)).scalar_one())

        found = await self._database.transact(unit)
        if found != self._database.shards:
            raise FatalError(f"this installation has {found} shards, the settings say {self._database.shards}")

    async def run(self, serve: Serve, stopping: asyncio.Event) -> None:
        """Takes, renews and hands over shards until `stopping`, then gives all of them up."""
        async with asyncio.TaskGroup() as group:
            while not stopping.is_set():
                await self._round(serve, group)
                self._rounds.tell()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_RENEW_S):
                        await stopping.wait()
            await self._give_up(list(self._held))
            with suppress(TransientError):
                await self._database.transact(lambda tx: tx.execute(_LEAVE, {"holder": self._holder}))

    def _locate(self, n: int) -> str | None:
        if n in self._held and not self._held[n][1].done() and monotonic() < self._trusted_until:
            return self._url
        owner_url = self._owners.get(n)
        return None if owner_url == self._url else owner_url

    async def _round(self, serve: Serve, group: asyncio.TaskGroup) -> None:
        started = monotonic()
        try:
            kept, members = await self._renew()
            await self._drop(set(self._held) - kept)
            self._trusted_until = started + _TRUST_S
            share = fair_share(self._database.shards, members)
            for shard in [*await self._take_back(), *await self._take_free(share - len(self._held))]:
                task = group.create_task(self._serve(shard, serve), name=f"shard-{shard.n}")
                self._held[shard.n] = shard, task
                log.info(Log.SHARD_TAKEN, shard=shard.n, epoch=shard.epoch)
            await self._give_up(sorted(self._held)[share:])
        except TransientError as error:
            log.warning(Log.LEASE_RENEWAL_FAILED, error=str(error))
            if monotonic() > self._trusted_until and self._held:
                await self._drop(set(self._held))
                self._reclaims = True

    async def _renew(self) -> tuple[set[int], int]:
        """The shards that are still ours, and how many processes share the work."""
        mine = [shard for shard, task in self._held.values() if not task.done()]

        async def unit(tx: Tx) -> tuple[set[int], int]:
            await tx.execute(_JOIN, {"holder": self._holder, "lease": LEASE})
            renewal = {
                "holder": self._holder,
                "url": self._url,
                "lease": LEASE,
                "ns": [shard.n for shard in mine],
                "epochs": [shard.epoch for shard in mine],
            }
            kept = {int(row.n) for row in await tx.execute(_RENEW, renewal)}
            self._owners = {int(row.n): str(row.owner_url) for row in await tx.execute(_OWNERS)}
            return kept, int((await tx.execute(_MEMBERS)).scalar_one())

        return await self._database.transact(unit)

    async def _take_back(self) -> list[Shard]:
        """Our own shards of before a restart or an outage, at once and under a new epoch."""
        if not self._reclaims:
            return []

        async def unit(tx: Tx) -> list[Shard]:
            rows = (await tx.execute(_RECLAIM, {"holder": self._holder})).all()
            for row in rows:
                await tx.execute(_TAKE, self._claim(int(row.n)))
            return [Shard(int(row.n), int(row.epoch)) for row in rows]

        taken = await self._database.transact(unit)
        self._reclaims = False
        return taken

    async def _take_free(self, most: int) -> list[Shard]:
        if most <= 0:
            return []
        free = await self._database.transact(lambda tx: tx.execute(_FREE))
        taken: list[Shard] = []
        for n in [int(row.n) for row in free if int(row.n) not in self._held]:
            # One that cannot be had yet, because a frozen process holds it in the middle of a commit, keeps
            # nobody from the others; and what was taken before a failure is ours already.
            with suppress(TransientError):
                if len(taken) < most and (shard := await self._take(n)):
                    taken.append(shard)
        return taken

    async def _take(self, n: int) -> Shard | None:
        async def unit(tx: Tx) -> Shard | None:
            if (await tx.execute(_CLAIM, {"n": n})).first() is None:
                return None
            # Waits for the commit that the previous holder may have under way, but not for long: our own
            # leases are to be renewed. The next round tries again.
            await tx.execute(_BE_QUICK)
            epoch = (await tx.execute(_RAISE_EPOCH, {"n": n})).scalar_one()
            await tx.execute(_TAKE, self._claim(n))
            return Shard(n, int(epoch))

        return await self._database.transact(unit)

    def _claim(self, n: int) -> dict[str, object]:
        return {"n": n, "holder": self._holder, "url": self._url, "lease": LEASE}

    async def _serve(self, shard: Shard, serve: Serve) -> None:
        """Runs `serve` until the shard is drained or lost; after a transient failure from the start again."""
        patience = Patience(f"shard {shard.n}")
        while not shard.draining.is_set():
            began = monotonic()
            try:
                await serve(shard)
                return
            except Exception as error:
                causes = _leaves(error)
                if not all(isinstance(cause, StaleEpoch | TransientError) for cause in causes):
                    raise
                if any(isinstance(cause, StaleEpoch) for cause in causes):
                    log.warning(Log.SHARD_STALE, shard=shard.n, epoch=shard.epoch)
                    return
                log.warning(Log.SHARD_RETRIED, shard=shard.n, error=f"{type(causes[0]).__name__}: {causes[0]}")
                if monotonic() - began > _HEALTHY_S:
                    patience.succeeded()
                await patience.bear(error, shard.draining)

    async def _drop(self, ns: Collection[int]) -> None:
        """Stops working for shards that are not ours any more."""
        dropped = [self._held.pop(n) for n in ns]
        for shard, task in dropped:
            if not task.done():
                log.warning(Log.SHARD_LOST, shard=shard.n)
            # Both: a cancellation that meets a failure is lost in it, and the loops would be begun again.
            shard.drain()
            task.cancel()
        if dropped:
            await asyncio.wait([task for _, task in dropped], timeout=_DRAIN_S)

    async def _give_up(self, ns: Collection[int]) -> None:
        """Lets the loops of these shards finish what they are in, then frees the leases."""
        if not ns:
            return
        leaving = [self._held[n] for n in ns]
        for shard, _ in leaving:
            shard.drain()
        await asyncio.wait([task for _, task in leaving], timeout=_DRAIN_S)
        for n in ns:
            shard, task = self._held.pop(n)
            task.cancel()
            with suppress(TransientError):
                await self._release(n)
            log.info(Log.SHARD_RELEASED, shard=n, epoch=shard.epoch)

    async def _release(self, n: int) -> None:
        released = {"n": n, "holder": self._holder}
        await self._database.transact(lambda tx: tx.execute(_RELEASE, released))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
