"""Tells people and systems, for each shard a loop: at least once each, with growing pauses after failures.

The loop alone talks to the database, about whatever has gathered since its last round; what is under way only
talks to the outside. So a storm makes rounds larger, and not more of them.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from services.escalation.adapters.telling import gathering, gone, messages
from services.escalation.adapters.telling.delivery import Attempted, Carrier, Delivery
from services.escalation.adapters.telling.leaving_alone import Addressee
from services.escalation.adapters.telling.messages import MessageKey
from services.escalation.app.ports import ServiceLevels
from services.escalation.domain.message import Answer, Message, Outcome
from services.escalation.domain.notification import NotificationState
from services.escalation.domain.recipient import Way
from shared.attempts import attempted
from shared.clock import Clock, monotonic
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_MOST_AT_ONCE = 40
_MOST_OF_ONE = 8
"""Attempts under way to one address from which on it gets no more: one that is slow holds up no other."""
_POLL_S = 5.0
_NAP_S = 1.0
_LEAVING_S = 2.0
"""How long a shard that is given up waits for what is under way; what is cut off its next holder sends again."""

_NEXT = text(
    "SELECT least((SELECT min(send_at) FROM notification WHERE shard = :shard AND send_at IS NOT NULL),"
    " (SELECT min(next_attempt_at) FROM message WHERE shard = :shard AND next_attempt_at IS NOT NULL))"
)
_OLDEST = text(
    "SELECT least((SELECT min(coalesce(held_until, created_at)) FROM notification"
    " WHERE shard = :shard AND send_at IS NOT NULL),"
    " (SELECT min(created_at) FROM message WHERE shard = :shard AND next_attempt_at IS NOT NULL))"
)
_NEXT_AFTER = text(
    "SELECT least((SELECT min(send_at) FROM notification"
    " WHERE shard = :shard AND send_at > CAST(:now AS timestamptz)),"
    " (SELECT min(next_attempt_at) FROM message"
    " WHERE shard = :shard AND next_attempt_at > CAST(:now AS timestamptz)))"
)


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is to do: who is waited for, which messages are due; when there will be something, if not now."""

    waiting: Collection[Addressee]
    due: Sequence[tuple[MessageKey, Addressee]]
    next_at: datetime | None


class Notifier:
    """Tells people and systems. carriers: who takes messages there, by way"""

    def __init__(
        self,
        database: Database,
        levels: ServiceLevels,
        carriers: Mapping[Way, Carrier],
        bells: ShardBells,
        *,
        clock: Clock,
        ids: IdFactory,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._levels = levels
        self._carriers = carriers
        self._bells = bells
        self._clock = clock
        self._ids = ids
        self._attempts = metrics.counter(
            "notification_attempts", "Attempts to tell staff, by way and by what came of them.", "way", "answer"
        )
        self._over = metrics.counter(
            "notification_messages", "Messages to staff that are over, by way and how they ended.", "way", "state"
        )

        self._oldest: dict[int, datetime] = {}
        self._measured: dict[int, float] = {}
        metrics.gauge(
            "notification_oldest_seconds", "Age of what staff was to be told the longest ago and is not over yet."
        ).set_function(self._oldest_s)

    def _oldest_s(self) -> float:
        if not self._oldest:
            return 0.0
        return max(0.0, (self._clock.now() - min(self._oldest.values())).total_seconds())

    async def run(self, shard: Shard) -> None:
        """Sends until the shard is drained. Raises StaleEpoch and TransientError."""
        try:
            await self._run(shard)
        finally:
            self._oldest.pop(shard.n, None)

    async def _run(self, shard: Shard) -> None:
        under_way: Counter[Addressee] = Counter()
        ended: list[Attempted] = []

        async def deliver(delivery: Delivery) -> None:
            began = monotonic()
            outcome = await attempted(
                self._carriers[delivery.message.way].send(delivery), _not_now, way=delivery.message.way
            )
            ended.append(Attempted(delivery, outcome, timedelta(seconds=monotonic() - began)))
            under_way[_addressee(delivery.message)] -= 1
            bell.ring()

        with self._bells.hung(shard) as bell:
            async with asyncio.TaskGroup() as group:
                tasks: set[asyncio.Task[None]] = set()
                while not shard.draining.is_set():
                    await self._settle(shard, ended)
                    look = await self._look(shard, +under_way)
                    begun = await self._begin(shard, look, +under_way) if look.waiting or look.due else ()
                    for delivery in begun:
                        under_way[_addressee(delivery.message)] += 1
                        task = group.create_task(deliver(delivery))
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
                    # What was gathered is due at once: the next look finds it.
                    if not (begun or ended or look.waiting):
                        await bell.wait(self._pause_s(look.next_at))
                if tasks:
                    _, late = await asyncio.wait(tasks, timeout=_LEAVING_S)
                    for task in late:
                        task.cancel()
            await self._settle(shard, ended)

    def _pause_s(self, next_at: datetime | None) -> float:
        if next_at is None:
            return _POLL_S
        left_s = (next_at - self._clock.now()).total_seconds()
        return min(max(left_s, 0.005), _NAP_S)

    async def _look(self, shard: Shard, under_way: Counter[Addressee]) -> _Look:
        room = _MOST_AT_ONCE - under_way.total()
        busy = [who for who, count in under_way.items() if count >= _MOST_OF_ONE]

        async def unit(tx: Tx) -> _Look:
            now = await tx.now()
            next_at: datetime | None = (await tx.execute(_NEXT, {"shard": shard.n})).scalar_one()
            await self._measure(tx, shard, is_idle=next_at is None)
            if next_at is None or next_at > now:
                return _Look((), (), next_at)
            waiting = await gathering.waiting(tx, shard.n, now)
            due = list(await messages.due(tx, shard.n, now, busy)) if room > 0 else []
            if len(due) == messages.LOOKED_AT:
                # Few may be all that was seen: who waits behind them?
                crowd = {who for _, who in due}
                due.extend(await messages.due(tx, shard.n, now, {*busy, *crowd}))
            next_at = (await tx.execute(_NEXT_AFTER, {"shard": shard.n, "now": now})).scalar_one()
            return _Look(waiting, due, next_at)

        return await self._database.transact(unit, claims=[shard.n])

    async def _measure(self, tx: Tx, shard: Shard, *, is_idle: bool) -> None:
        """Notes what waits for the longest, now and then: everything that waits has to be read for that."""
        if is_idle:
            self._oldest.pop(shard.n, None)
        elif monotonic() - self._measured.get(shard.n, -_POLL_S) >= _POLL_S:
            self._measured[shard.n] = monotonic()
            oldest: datetime | None = (await tx.execute(_OLDEST, {"shard": shard.n})).scalar_one()
            if oldest is not None:
                self._oldest[shard.n] = oldest

    async def _begin(self, shard: Shard, look: _Look, under_way: Counter[Addressee]) -> Sequence[Delivery]:
        """Makes messages of what waits, and begins the attempts that are due, as many as there is room for."""
        chosen = _within_room(look.due, under_way)
        waiting = sorted(look.waiting)[: gathering.MOST_AT_ONCE]
        workspaces = sorted({who.workspace_id for who in waiting} | {key[0] for key in chosen})

        async def unit(tx: Tx) -> Sequence[Delivery]:
            now = await tx.now()
            if waiting:
                await gathering.gather(tx, now, waiting)
            if not chosen:
                return ()
            histories = await self._levels.load(tx, workspaces)
            known_gone = await gone.gone(tx, workspaces)
            begun = []
            for message, digest, has_another_way in await messages.take(tx, now, chosen):
                policies = histories[message.workspace_id].latest
                webhook = policies.webhooks.get(message.address) if message.way is Way.WEBHOOK else None
                begun.append(
                    Delivery(
                        message=message,
                        digest=digest,
                        policies=policies,
                        is_gone=webhook is not None
                        and (message.workspace_id, webhook.webhook_id, webhook.url) in known_gone,
                        has_another_way=has_another_way,
                    )
                )
            return begun

        return await self._database.transact(unit, workspaces=workspaces, claims=[shard.n], fence=shard.fence)

    async def _settle(self, shard: Shard, ended: list[Attempted]) -> None:
        """Notes what came of attempts."""
        if not ended:
            return
        noted, ended[:] = list(ended), []
        workspaces = {item.delivery.message.workspace_id for item in noted}

        async def unit(tx: Tx) -> Sequence[Message]:
            await gone.note(tx, noted)
            return await messages.settle(tx, noted, shards=self._database.shards, ids=self._ids)

        settled = await self._database.transact(unit, workspaces=workspaces, fence=shard.fence)
        for item, message in zip(noted, settled, strict=True):
            self._note(item, message)

    def _note(self, item: Attempted, message: Message) -> None:
        self._attempts.labels(message.way, item.outcome.answer).inc()
        level, event = _LOGGED.get(message.state, (_WARNING, Log.NOTIFICATION_FAILED))
        log.log(
            level,
            event,
            way=message.way,
            notification=str(message.message_id),
            notifications=item.delivery.digest.total,
            detail=message.detail,
            attempts=message.attempts,
        )
        if message.state is not NotificationState.PENDING:
            self._over.labels(message.way, message.state).inc()


def _within_room(due: Sequence[tuple[MessageKey, Addressee]], under_way: Counter[Addressee]) -> list[MessageKey]:
    """The first of them, no more of one addressee or of all than may be under way at once."""
    counts, room = Counter(under_way), _MOST_AT_ONCE - under_way.total()
    chosen: list[MessageKey] = []
    for key, who in due:
        if len(chosen) < room and counts[who] < _MOST_OF_ONE:
            counts[who] += 1
            chosen.append(key)
    return chosen


def _not_now(reason: str) -> Outcome:
    return Outcome(answer=Answer.DEFERRED, detail=reason)


def _addressee(message: Message) -> Addressee:
    return Addressee(message.workspace_id, message.way, message.address)


_DEBUG, _INFO, _WARNING = 10, 20, 30
_LOGGED = {
    NotificationState.SENT: (_DEBUG, Log.NOTIFICATION_SENT),
    NotificationState.PENDING: (_INFO, Log.NOTIFICATION_DELAYED),
}
