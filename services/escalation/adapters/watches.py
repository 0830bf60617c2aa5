"""What is watched without a ticket, and the escalations about it, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text

from services.escalation.adapters import rows, tables
from services.escalation.adapters.saving import save_escalations
from services.escalation.adapters.telling.book import NotificationBook
from services.escalation.adapters.waking import wake
from services.escalation.app.ports import Histories, WatchKey
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.notification import Notification
from services.escalation.domain.watch import Waiting, Watch
from shared.db.bells import ShardBells
from shared.db.sets import transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of

_COLUMNS = tuple(column.name for column in tables.watch.columns)
_OF = " FROM unnest(CAST(:workspaces AS text[]), CAST(:names AS text[])) AS w (workspace_id, subject)"
_LOCK = "SELECT x.*" + _OF + " JOIN watch x USING (workspace_id, subject) ORDER BY 1, 2 FOR UPDATE OF x"
_LOCKED = text(_LOCK)
_LOCKED_IF_FREE = text(_LOCK + " SKIP LOCKED")
_LIVE = text(
    "SELECT e.*" + _OF + " JOIN escalation e ON e.workspace_id = w.workspace_id AND e.watch = w.subject"
    " WHERE e.state <> 'resolved' ORDER BY e.escalation_id"
)
_WAITING = text(
    "SELECT w.workspace_id, w.subject, (SELECT count(*) FROM (SELECT 1 FROM tracked_ticket t"
    " WHERE t.workspace_id = w.workspace_id AND t.waiting_in = w.queue LIMIT w.most) AS counted) AS length,"
    " (SELECT min(t.waiting_since) FROM tracked_ticket t"
    " WHERE t.workspace_id = w.workspace_id AND t.waiting_in = w.queue) AS oldest_at"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:names AS text[]), CAST(:queues AS text[]),"
    " CAST(:most AS integer[])) AS w (workspace_id, subject, queue, most)"
)
_LOOK = text(
    "INSERT INTO watch (workspace_id, subject, shard, queue, kpi, is_alerted, shown, look_at)"
    " SELECT w.workspace_id, w.subject, w.shard, w.queue, w.kpi, w.is_alerted, '[]', CAST(:at AS timestamptz)"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:names AS text[]), CAST(:shards AS smallint[]),"
    " CAST(:queues AS text[]), CAST(:kpis AS text[]), CAST(:alerted AS boolean[]))"
    " AS w (workspace_id, subject, shard, queue, kpi, is_alerted)"
    " ON CONFLICT (workspace_id, subject) DO UPDATE SET look_at = least(watch.look_at, excluded.look_at),"
    " is_alerted = excluded.is_alerted"
)
_LOOK_AT = text(
    "UPDATE watch x SET look_at = least(x.look_at, CAST(:at AS timestamptz))"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:names AS text[])) AS w (workspace_id, subject)"
    " WHERE x.workspace_id = w.workspace_id AND x.subject = w.subject"
)
_LOOK_AT_ALL = text(
    "UPDATE watch x SET look_at = least(x.look_at, CAST(:at AS timestamptz))"
    " FROM (SELECT workspace_id, subject FROM watch WHERE workspace_id = :workspace ORDER BY 1, 2 FOR UPDATE) AS w"
    " WHERE x.workspace_id = w.workspace_id AND x.subject = w.subject"
)
_HAND_OFF_ALL = text(
    "UPDATE escalation SET hand_off_at = CAST(:at AS timestamptz) WHERE workspace_id = :workspace"
    " AND watch IS NOT NULL AND state <> 'resolved' AND hand_off_at > CAST(:at AS timestamptz)"
)
_SAVE = upsert_set(tables.watch, _COLUMNS)


class PostgresWatches:
    """Implements the port `Watches`."""

    def __init__(self, shards: int, looks: ShardBells, notifications: NotificationBook) -> None:
        self._shards = shards
        self._looks = looks
        self._notifications = notifications

    async def look(self, tx: Tx, watches: Collection[Watch], at: datetime) -> None:
        """Has them looked at by a moment, and notes which KPIs are out of bounds. All in one order: see `lock`."""
        if watches:
            await tx.execute(_LOOK, {**self._new(watches), "at": at})
            await self._wake(tx, {watch.workspace_id for watch in watches}, at)

    async def look_at_all(self, tx: Tx, workspace_id: str, at: datetime) -> None:
        """Has everything looked at that is watched in a workspace, and who is on call for what was told of it."""
        await tx.execute(_LOOK_AT_ALL, {"workspace": workspace_id, "at": at})
        await tx.execute(_HAND_OFF_ALL, {"workspace": workspace_id, "at": at})
        await self._wake(tx, [workspace_id], at)

    async def lock(self, tx: Tx, keys: Collection[WatchKey], *, is_patient: bool = True) -> dict[WatchKey, Watch]:
        """Watches, locked in the one order that everybody keeps, and after any tickets."""
        found = (await tx.execute(_LOCKED if is_patient else _LOCKED_IF_FREE, _pairs(keys))).mappings()
        return {(row["workspace_id"], row["subject"]): _to_watch(row) for row in found}

    async def live(
        self, tx: Tx, keys: Collection[WatchKey], histories: Histories
    ) -> dict[WatchKey, tuple[Escalation, ...]]:
        """Their live escalations, the oldest first."""
        live: dict[WatchKey, tuple[Escalation, ...]] = defaultdict(tuple)
        for row in (await tx.execute(_LIVE, _pairs(keys))).mappings():
            key = row["workspace_id"], row["watch"]
            live[key] = (*live[key], rows.to_escalation(row, histories[key[0]]))
        return live

    async def waiting(self, tx: Tx, most: Mapping[Watch, int]) -> dict[WatchKey, Waiting]:
        """What waits in the queues of watches, counted up to as many each."""
        asked = {
            "workspaces": [watch.workspace_id for watch in most],
            "names": [watch.subject for watch in most],
            "queues": [watch.queue for watch in most],
            "most": list(most.values()),
        }
        return {
            (row.workspace_id, row.subject): Waiting(length=row.length, oldest_at=row.oldest_at)
            for row in (await tx.execute(_WAITING, asked) if most else ())
        }

    async def save(self, tx: Tx, watches: Collection[Watch], escalations: Collection[Escalation]) -> None:
        """Stores watches as they are, and what has changed of their escalations."""
        ordered = sorted(watches, key=lambda watch: (watch.workspace_id, watch.subject))
        await tx.execute(_SAVE, transposed(map(self._row, ordered), _COLUMNS))
        await save_escalations(tx, escalations)

    async def save_escalations(self, tx: Tx, escalations: Collection[Escalation], at: datetime) -> None:
        """Stores what a person has changed of them, and has their watches looked at, which are locked."""
        await save_escalations(tx, escalations)
        keys = {(item.workspace_id, item.watch) for item in escalations if item.watch is not None}
        await tx.execute(_LOOK_AT, {**_pairs(keys), "at": at})
        await self._wake(tx, {key[0] for key in keys}, at)

    async def notify(self, tx: Tx, notifications: Sequence[Notification]) -> None:
        """Has people and systems told."""
        await self._notifications.add(tx, notifications)

    def _row(self, watch: Watch) -> dict[str, object]:
        fields = {name: getattr(watch, name) for name in _COLUMNS if name not in ("shard", "shown")}
        return {**fields, "shard": shard_of(watch.workspace_id, self._shards), "shown": sorted(watch.shown)}

    def _new(self, watches: Collection[Watch]) -> dict[str, object]:
        ordered = sorted(watches, key=lambda watch: (watch.workspace_id, watch.subject))
        return {
            "workspaces": [watch.workspace_id for watch in ordered],
            "names": [watch.subject for watch in ordered],
            "shards": [shard_of(watch.workspace_id, self._shards) for watch in ordered],
            "queues": [watch.queue for watch in ordered],
            "kpis": [watch.kpi for watch in ordered],
            "alerted": [watch.is_alerted for watch in ordered],
        }

    async def _wake(self, tx: Tx, workspaces: Collection[str], at: datetime) -> None:
        await wake(tx, self._looks, dict.fromkeys({shard_of(name, self._shards) for name in workspaces}, at))


def _to_watch(row: RowMapping) -> Watch:
    fields = {name: row[name] for name in _COLUMNS if name not in ("shard", "shown")}
    return Watch(shown=frozenset(row["shown"]), **fields)


def _pairs(keys: Collection[WatchKey]) -> dict[str, object]:
    ordered = sorted(keys)
    return {"workspaces": [key[0] for key in ordered], "names": [key[1] for key in ordered]}
