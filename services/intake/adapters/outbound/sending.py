"""Sends what waits to leave, for every shard that this process holds. Blind to the channel.

At least once: a crash between a provider's yes and our commit, or an attempt whose outcome nobody knows, sends
the message again under the same id, by which the provider tells a repeat where it can. Each channel has its own
lane: one vendor that is slow or gone holds up no other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import stamina
import structlog

from services.intake.adapters.bells import Bells
from services.intake.adapters.outbound.carriers import Carriers
from services.intake.adapters.outbound.deliveries import Attempt, PostgresDeliveries
from services.intake.adapters.outbound.lanes import Lanes
from services.intake.adapters.outbound.queue import DeliveryQueue, LaneKey, Waiting
from services.intake.app.ports import Workspaces
from services.intake.domain.lane import Lane
from services.intake.domain.message import DeliveryState
from services.intake.domain.outgoing import Later, Never, Outcome, Outgoing, Taken
from services.intake.domain.progress import Progress
from services.intake.domain.retries import give_up_after
from services.intake.domain.workspace import Workspace
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import DataRefused, TransientError, WaypostError
from shared.retries import pause
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_IDLE_S = 60.0
_SHORTEST_S = 0.01
_BLOCKED_S = 0.25
"""What is due and cannot be taken waits for an earlier message of its ticket."""


class Outbound:
    """Sends for shards."""

    def __init__(
        self,
        database: Database,
        queue: DeliveryQueue,
        deliveries: PostgresDeliveries,
        workspaces: Workspaces,
        carriers: Carriers,
        *,
        bells: Bells,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._queue = queue
        self._deliveries = deliveries
        self._workspaces = workspaces
        self._carriers = carriers
        self._bells = bells
        self._attempts = metrics.counter(
            "delivery_attempts", "Attempts to send a message, by what came of them.", "channel_kind", "state"
        )

    async def run(self, shard: Shard) -> None:
        """Sends until the shard is drained. Raises StaleEpoch and TransientError."""
        failures: list[WaypostError] = []
        with self._bells.hung(shard) as bell:
            lanes = Lanes()

            async def deliver(outgoing: Outgoing, workspace: Workspace, at: datetime) -> None:
                try:
                    await self._deliver(shard, lanes, outgoing, workspace, at)
                except WaypostError as error:
                    failures.append(error)
                finally:
                    bell.ring()

            # What is under way ends by itself, whatever fails beside it: cut off, its outcome would be unknown.
            async with asyncio.TaskGroup() as group:
                while not shard.draining.is_set() and not failures:
                    try:
                        begun, wait_s = await self._begin(shard, lanes)
                    except WaypostError as error:
                        failures.append(error)
                        break
                    for item in begun:
                        group.create_task(deliver(*item))
                    if not begun:
                        await bell.wait(wait_s)
        if failures:
            raise failures[0]

    async def _begin(
        self, shard: Shard, lanes: Lanes
    ) -> tuple[Sequence[tuple[Outgoing, Workspace, datetime]], float]:
        """What begins to leave, or how long to wait for something to do."""

        async def look(tx: Tx) -> tuple[list[Waiting], datetime]:
            return await self._queue.waiting(tx, shard.n), await tx.now()

        waiting, now = await self._database.transact(look, claims=[shard.n])
        ready = lanes.ready(waiting, now)
        if not ready:
            lanes.forget_idle(now)
            wait_s = lanes.wait_s(waiting, now)
            return [], _IDLE_S if wait_s is None else min(_IDLE_S, max(_SHORTEST_S, wait_s))
        names = {key[0] for key in ready}

        async def take(
            tx: Tx,
        ) -> tuple[Mapping[str, Workspace], Mapping[LaneKey, tuple[Lane, int]], list[Outgoing]]:
            configured = await self._workspaces.load(tx, names)
            rooms = lanes.rooms(ready, configured, now)
            taken = await self._queue.take(tx, shard.n, {key: room for key, (_, room) in rooms.items()})
            return configured, rooms, taken

        configured, rooms, taken = await self._database.transact(
            take, workspaces=names, claims=[shard.n], fence=shard.fence
        )
        for key in {outgoing.lane for outgoing in taken}:
            lanes.began(key, rooms[key][0], sum(outgoing.lane == key for outgoing in taken))
        return [(outgoing, configured[outgoing.workspace_id], now) for outgoing in taken], _BLOCKED_S

    async def _deliver(
        self, shard: Shard, lanes: Lanes, outgoing: Outgoing, workspace: Workspace, at: datetime
    ) -> None:
        ended_at = at
        outcome: Outcome = Later(reason="the attempt broke off")
        try:
            outcome = await self._carriers.send(outgoing, workspace, at)
            try:
                progress, ended_at = await self._settle(shard, outgoing, outcome)
            except DataRefused:
                # Sent again and again is worse than not to know how the provider calls it.
                outcome = _without_words(outcome)
                progress, ended_at = await self._settle(shard, outgoing, outcome)
        finally:
            lanes.ended(outgoing.lane, ended_at, is_well=not isinstance(outcome, Later), hold_s=_hold_s(outcome))
        self._attempts.labels(outgoing.channel_kind.value, progress.state.value).inc()
        name = _NAMES.get(progress.state, Log.DELIVERY_SENT)
        log.info(name, channel_kind=outgoing.channel_kind.value, attempt=outgoing.attempts, error=progress.reason)

    async def _settle(self, shard: Shard, outgoing: Outgoing, outcome: Outcome) -> tuple[Progress, datetime]:
        async def unit(tx: Tx) -> tuple[Progress, datetime]:
            now = await tx.now()
            return await self._deliveries.settle(tx, outgoing, _attempt(outgoing, outcome, now)), now

        # A provider's yes that is not noted sends the message twice: worth trying more than once.
        async for again in stamina.retry_context(on=TransientError, attempts=4, wait_initial=0.1, wait_max=2.0):
            with again:
                return await self._database.transact(unit, workspaces=[outgoing.workspace_id], fence=shard.fence)
        raise AssertionError("unreachable")


def _attempt(outgoing: Outgoing, outcome: Outcome, now: datetime) -> Attempt:
    match outcome:
        case Taken():
            return Attempt(
                progress=Progress(state=DeliveryState.SENT, sent_at=now),
                provider_id=outcome.provider_id,
                reference=outcome.reference,
                next_attempt_at=now,
            )
        case Later() if now - outgoing.queued_at <= give_up_after(outgoing.channel_kind):
            waiting = Progress(state=DeliveryState.QUEUED, reason=outcome.reason)
            wait = pause(outgoing.message_id, outgoing.attempts, outcome.after)
            return Attempt(progress=waiting, next_attempt_at=now + wait)
        case Later() | Never():
            failed = Progress(state=DeliveryState.FAILED, failed_at=now, reason=outcome.reason)
            return Attempt(progress=failed, next_attempt_at=now)


def _without_words(outcome: Outcome) -> Outcome:
    """The same with nothing that the provider wrote."""
    match outcome:
        case Taken():
            return Taken(provider_id=None)
        case Later() | Never():
            return replace(outcome, reason="the provider's answer cannot be kept")


def _hold_s(outcome: Outcome) -> float:
    if isinstance(outcome, Later) and outcome.holds:
        return (outcome.after or _UNSAID).total_seconds()
    return 0.0


_UNSAID = timedelta(seconds=5)
_NAMES = {DeliveryState.QUEUED: Log.DELIVERY_DELAYED, DeliveryState.FAILED: Log.DELIVERY_FAILED}
