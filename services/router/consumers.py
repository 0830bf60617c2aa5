"""The loop of one shard: whatever inputs are queued, events, commands or timers, are decided and committed.

Events and commands have commits of their own: a command that the database refuses must not lead to an event
being parked, nor the other way round.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from services.router.app.attendance import Attendance
from services.router.app.command import Command
from services.router.app.ports import RoutingRows
from services.router.app.run_workspace import Changed, ShardEngine
from services.router.domain.floor_decision import SetAside
from services.router.domain.state import RoutingState
from shared.access import RevokedTokens
from shared.clock import Clock
from shared.db import workspaces
from shared.db.engine import SURROUNDINGS
from shared.db.shards import Leases, Shard
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DataRefused, StaleEpoch, TransientError, Unavailable, WaypostError
from shared.events.catalog import shard_of
from shared.events.envelope import Event
from shared.http.idempotency import Answer, Once, find, store
from shared.ids import IdFactory
from shared.kafka.consumer import Applier, Fuse, read_shard
from shared.kafka.inbox import Inboxes
from shared.telemetry.logging import frames
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Changes, Wakeup

log = structlog.get_logger()

_IDLE_S = 5.0
_LOADING_S = 5.0
_MOST_COMMANDS = 200


@dataclass(slots=True, eq=False)
class _Waiting:
    command: Command
    once: Once
    done: "asyncio.Future[Answer]"


@dataclass(slots=True)
class _Seat:
    """One shard at work."""

    engine: ShardEngine
    bell: Wakeup
    commands: deque[_Waiting] = field(default_factory=deque)

    def put(self, command: Command, once: Once) -> "asyncio.Future[Answer]":
        """Puts a command in line; its answer."""
        waiting = _Waiting(command, once, asyncio.get_running_loop().create_future())
        self.commands.append(waiting)
        self.bell.ring()
        return waiting.done

    def tell(self, command: Command) -> None:
        """Puts a command in line of which nobody waits for the answer."""
        done = self.put(command, Once.without_key(command.workspace_id, "router"))
        done.add_done_callback(lambda done: done.cancelled() or done.exception())

    def take(self, most: int) -> list[_Waiting]:
        """The commands whose turn it is, at most so many; the repeat of one of them waits for its answer."""
        taken: list[_Waiting] = []
        repeats: list[_Waiting] = []
        keys: set[tuple[str, ...]] = set()
        while self.commands and len(taken) < most:
            waiting = self.commands.popleft()
            if waiting.done.done():
                continue
            if waiting.once.key is not None:
                if waiting.once.name in keys:
                    repeats.append(waiting)
                    continue
                keys.add(waiting.once.name)
            taken.append(waiting)
        self.commands.extendleft(reversed(repeats))
        return taken


class Engines:
    """The engines of all shards that this process holds, and the way to them."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        inboxes: Inboxes,
        rows: RoutingRows,
        clock: Clock,
        ids: IdFactory,
        *,
        revoked: RevokedTokens,
        seen: SeenWorkspaces,
        fuse: Fuse,
        metrics: Metrics,
        changed: Changed,
    ) -> None:
        self._database = database
        self._leases = leases
        self._inboxes = inboxes
        self._rows = rows
        self._clock = clock
        self._ids = ids
        self._revoked = revoked
        self._seen = seen
        self._fuse = fuse
        self._metrics = metrics
        self._changed = changed
        self._failures = metrics.counter(
            "policy_condition_failures",
            "Conditions of routing policies that could not be evaluated, and so did not hold.",
            "reason",
        )
        self._stuck = metrics.counter(
            "work_stuck", "Work whose last step has opened while nobody could be asked for it."
        )
        self._undecided = metrics.counter(
            "timers_undecided", "What was due and could not be decided, because of a defect.", "what"
        )
        self._attendance = Attendance()
        self._seats: dict[int, _Seat] = {}
        self._seated = Changes()

    async def until_loaded(self, workspace_id: str) -> None:
        """Waits until the state of a workspace whose shard is held has been loaded, but not for ever."""
        n = shard_of(workspace_id, self._database.shards)
        await self._seated.until(lambda: n in self._seats, within_s=_LOADING_S)

    async def check(self) -> None:
        """Raises Unavailable while the state of a shard that is held has not been loaded."""
        missing = [shard.n for shard in self._leases.held() if shard.n not in self._seats]
        if missing:
            raise Unavailable(f"shards {missing} are being loaded")

    def state(self, workspace_id: str) -> RoutingState | None:
        """The memory of a workspace, to look at; None before anything has happened there.

        It may be a commit ahead of the rows. Raises Unavailable where another process has it.
        """
        seat = self._seats.get(shard_of(workspace_id, self._database.shards))
        if seat is None:
            raise Unavailable("The workspace is moving between processes.")
        return seat.engine.states.get(workspace_id)

    async def submit(self, command: Command, once: Once) -> Answer:
        """The answer to a command, after its commit. Raises what it is refused with, and Unavailable."""
        seat = self._seats.get(shard_of(command.workspace_id, self._database.shards))
        if seat is None:
            raise Unavailable("The workspace is moving between processes.")
        return await seat.put(command, once)

    def holds(self, workspace_id: str) -> bool:
        """Whether this process has the engine of a workspace."""
        return shard_of(workspace_id, self._database.shards) in self._seats

    @contextmanager
    def attended(self, workspace_id: str, agent_id: str) -> Iterator[None]:
        """An agent is there as long as this lasts."""
        self._attendance.come(workspace_id, agent_id)
        self._look(workspace_id, agent_id)
        try:
            yield
        finally:
            self._attendance.leave(workspace_id, agent_id)
            self._look(workspace_id, agent_id)

    def _look(self, workspace_id: str, agent_id: str) -> None:
        """Has the engine look whether an agent is there. Where it has moved meanwhile, its roll call does."""
        seat = self._seats.get(shard_of(workspace_id, self._database.shards))
        if seat is not None:
            seat.tell(self._attendance.look(workspace_id, agent_id))

    async def run(self, shard: Shard) -> None:
        """Runs a shard's engine until it is drained. Raises StaleEpoch and TransientError."""
        engine = ShardEngine(
            self._rows,
            self._clock,
            self._ids,
            epoch=shard.epoch,
            changed=self._changed,
            set_aside=self._tell_set_aside,
            failed=self._count_failures,
            stuck=self._stuck.inc,
        )

        async def apply(tx: Tx, events: Sequence[Event]) -> None:
            if engine.is_stale:
                await self._load(engine, shard)
            await self._revoked.record_events(tx, events)
            await engine.apply_events(tx, events)

        applier = Applier(
            self._database,
            shard,
            apply,
            seen=self._seen,
            fuse=self._fuse,
            metrics=self._metrics,
            is_repeatable=False,
        )
        await self._load(engine, shard)
        async with read_shard(self._database, self._inboxes, shard, self._fuse) as (inbox, bell):
            seat = self._seats[shard.n] = _Seat(engine, bell)
            self._seated.tell()
            for state in engine.states.values():
                if (command := self._attendance.roll_call(state)) is not None:
                    seat.tell(command)
            try:
                while not shard.draining.is_set():
                    if not inbox.pending and not inbox.has_requests and not seat.commands:
                        await bell.wait(self._idle_s(engine))
                    await applier.consume(inbox, self._inboxes)
                    await applier.replay(inbox)
                    await self._serve(seat, shard)
            finally:
                # Whoever was cut off late may find a successor there: the shard has come back meanwhile.
                if self._seats.get(shard.n) is seat:
                    del self._seats[shard.n]
                _refuse(seat.commands, Unavailable("The workspace is moving between processes."))

    def _count_failures(self, reasons: Collection[str]) -> None:
        for reason in reasons:
            self._failures.labels(reason).inc()

    def _tell_set_aside(self, timers: Collection[tuple[str, SetAside]]) -> None:
        for workspace_id, timer in timers:
            self._undecided.labels(timer.what).inc()
            log.error(
                Log.TIMER_FAILED,
                workspace=workspace_id,
                what=timer.what,
                subject=timer.subject,
                error=type(timer.error).__name__,
                where=frames(timer.error),
            )

    async def _load(self, engine: ShardEngine, shard: Shard) -> None:
        names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
        await self._database.transact(lambda tx: engine.load(tx, names), workspaces=names)
        log.info(Log.ENGINE_LOADED, shard=shard.n, workspaces=len(names))

    def _idle_s(self, engine: ShardEngine) -> float:
        due_at = engine.next_due_at()
        if due_at is None:
            return _IDLE_S
        return min(_IDLE_S, max(0.0, (due_at - self._clock.now()).total_seconds()))

    async def _serve(self, seat: _Seat, shard: Shard) -> None:
        """Decides the commands that wait and the timers that are due."""
        if seat.engine.is_stale:
            await self._load(seat.engine, shard)
        batch = seat.take(_MOST_COMMANDS)
        due = seat.engine.due_workspaces()
        if not (batch or due):
            return
        try:
            await self._decide(seat, shard, batch, due)
        except BaseException as error:
            known = isinstance(error, TransientError | StaleEpoch)
            _refuse(batch, error if known else Unavailable("Try again."))
            raise

    async def _decide(self, seat: _Seat, shard: Shard, batch: list[_Waiting], due: set[str]) -> None:
        names = {*due, *(waiting.command.workspace_id for waiting in batch)}

        async def unit(tx: Tx) -> list[Answer | WaypostError]:
            await self._seen.remember(tx, names)
            answered = await find(tx, [waiting.once for waiting in batch])
            fresh = [waiting for waiting, before in zip(batch, answered, strict=True) if before is None]
            decided = await seat.engine.apply_commands(tx, [waiting.command for waiting in fresh], due)
            await store(
                tx,
                [
                    (waiting.once, answer)
                    for waiting, answer in zip(fresh, decided, strict=True)
                    if isinstance(answer, Answer)
                ],
            )
            news = iter(decided)
            return [
                next(news) if before is None else before.checked(waiting.once)
                for waiting, before in zip(batch, answered, strict=True)
            ]

        try:
            answers = await self._database.transact(unit, workspaces=names, fence=shard.fence, is_repeatable=False)
        except Exception as error:
            if isinstance(error, SURROUNDINGS):
                raise
            await self._isolate(seat, shard, batch, due, error)
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                _deliver(waiting, answer)

    async def _isolate(
        self, seat: _Seat, shard: Shard, batch: list[_Waiting], due: set[str], error: Exception
    ) -> None:
        """Tries the commands of a commit that failed one by one: only the guilty one fails.

        Also with an error that nobody foresaw: one command ends no process in which other workspaces are served.
        """
        if not batch:
            raise error
        await self._load(seat.engine, shard)
        if len(batch) == 1:
            if not isinstance(error, DataRefused):
                log.error(Log.COMMAND_UNFORESEEN, error=type(error).__name__, where=frames(error))
            _deliver(batch[0], error)
        else:
            for waiting in batch:
                await self._decide(seat, shard, [waiting], set())
                if seat.engine.is_stale:
                    await self._load(seat.engine, shard)
        if due:
            await self._decide(seat, shard, [], due)


def _refuse(commands: Iterable[_Waiting], error: BaseException) -> None:
    """Tells whoever has no answer yet that there will be none."""
    for waiting in commands:
        if not waiting.done.done():
            waiting.done.set_exception(error)


def _deliver(waiting: _Waiting, answer: Answer | Exception) -> None:
    if waiting.done.done():
        return
    if isinstance(answer, Answer):
        waiting.done.set_result(answer)
    else:
        waiting.done.set_exception(answer)
