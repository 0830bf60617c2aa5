"""The auditor: for each shard, works out all timers anew, a portion at a time, and mends what is wrong.

It asks nothing of the loops that fire timers. So a defect of theirs is found, a row that is lost, and a due time
that follows no more from its calendar because the zone data or the code were replaced.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import text

from services.escalation.adapters import rows
from services.escalation.adapters.apart import by_halves
from services.escalation.app.audit_timers import Audit, audit_timers, mend_timers
from services.escalation.app.ports import ServiceLevels, TicketKey, Tracking
from services.escalation.domain.audit import GRACE, Findings
from shared.clock import monotonic
from shared.db import workspaces
from shared.db.engine import SURROUNDINGS
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory
from shared.telemetry.logging import told_of
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_PORTION = 25
"""Tickets that are looked at in one go: nobody waits for more."""
_SHARE = 0.05
"""Of this process's time, for all of its shards together."""

_FIRST = UUID(int=0)
_MOST_LEFT = 10
"""So many in a row that cannot be audited, and it is the workspace that cannot."""
# Open tickets, and those that have timers or escalations although they are over.
_TICKETS = text(
    "SELECT t.ticket_id, CAST(t.state AS text) AS state FROM (SELECT ticket_id FROM"
    " ((SELECT ticket_id FROM tracked_ticket WHERE workspace_id = :workspace AND ticket_id > :after AND is_live"
    " ORDER BY ticket_id LIMIT :most)"
    " UNION (SELECT DISTINCT ticket_id FROM timer WHERE workspace_id = :workspace AND ticket_id > :after"
    " ORDER BY ticket_id LIMIT :most)"
    " UNION (SELECT ticket_id FROM escalation WHERE workspace_id = :workspace AND ticket_id > :after"
    " AND state <> 'resolved' AND clock_id IS NULL ORDER BY ticket_id LIMIT :most)) AS found"
    " ORDER BY ticket_id LIMIT :most) AS few JOIN LATERAL (SELECT * FROM tracked_ticket"
    " WHERE workspace_id = :workspace AND ticket_id = few.ticket_id OFFSET 0) AS t ON true ORDER BY t.ticket_id"
)
_BUSY = text(
    "SELECT w.id FROM unnest(CAST(:names AS text[])) AS w (id)"
    # In order and with an offset, or all that there are are read once, to look the names up among them.
    " WHERE EXISTS (SELECT 1 FROM tracked_ticket WHERE workspace_id = w.id AND is_live"
    " ORDER BY ticket_id LIMIT 1 OFFSET 0)"
    " OR EXISTS (SELECT 1 FROM timer WHERE workspace_id = w.id ORDER BY ticket_id LIMIT 1 OFFSET 0)"
    " OR EXISTS (SELECT 1 FROM escalation WHERE workspace_id = w.id AND state <> 'resolved' AND clock_id IS NULL)"
    " ORDER BY 1"
)
_OVERDUE = text(
    "SELECT (SELECT count(*) FROM timer WHERE shard = :shard AND due_at < CAST(:before AS timestamptz))"
    " + (SELECT count(*) FROM watch WHERE shard = :shard AND look_at < CAST(:before AS timestamptz))"
)
# A queue or a KPI has no timers of its own, but a moment to be looked at, no later than its escalations want.
_DEAD_WATCHES = text(
    "UPDATE watch w SET look_at = :now FROM (SELECT workspace_id, watch, min(least(next_at, resumes_at)) AS at"
    " FROM escalation WHERE workspace_id = ANY (CAST(:workspaces AS text[])) AND watch IS NOT NULL"
    " AND state <> 'resolved' GROUP BY 1, 2) AS e WHERE w.workspace_id = e.workspace_id AND w.subject = e.watch"
    " AND e.at IS NOT NULL AND (w.look_at IS NULL OR w.look_at > e.at) RETURNING w.subject"
)


class _Portion(NamedTuple):
    """What was found, and behind which ticket the next portion begins, if there is one.

    is_left: it was one ticket, which could not be audited
    """

    findings: Findings
    after: UUID | None
    is_left: bool = False


class Auditor:
    """Audits every shard that this process holds. every: how often, unless there is too much for that"""

    def __init__(
        self,
        database: Database,
        tracking: Tracking,
        levels: ServiceLevels,
        *,
        every: timedelta,
        ids: IdFactory,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._tracking = tracking
        self._levels = levels
        self._every_s = every.total_seconds()
        self._ids = ids
        self._turn = asyncio.Lock()
        self._by_shard: dict[int, int] = {}
        self._audits = metrics.counter("timer_audits", "Shards whose timers were all worked out anew.")
        self._tickets = metrics.counter("timer_audit_tickets", "Tickets whose timers were worked out anew.")
        self._mistakes = metrics.counter("timer_mistakes", "Timers that were wrong and were mended.", "kind")
        self._overdue = metrics.gauge("timers_overdue", "Timers due for more than a second, as of the last audit.")

    async def run(self, shard: Shard) -> None:
        """Audits until the shard is drained. Raises StaleEpoch and TransientError."""
        try:
            while not shard.draining.is_set():
                began = monotonic()
                findings = await self._audit(shard)
                if not shard.draining.is_set():
                    self._note(shard, findings)
                await _pause(shard, began + self._every_s - monotonic())
        finally:
            self._by_shard.pop(shard.n, None)
            self._overdue.set(sum(self._by_shard.values()))

    async def _audit(self, shard: Shard) -> Findings:
        names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
        self._by_shard[shard.n] = await self._count(shard)
        self._overdue.set(sum(self._by_shard.values()))
        total = await self._mend_watches(shard, names)
        for name in await self._busy(names):
            after: UUID | None = _FIRST
            left = 0
            while after is not None and left < _MOST_LEFT and not shard.draining.is_set():
                # One portion at a time in this process, and then somebody else's turn.
                async with self._turn:
                    began = monotonic()
                    portion = await self._portion(shard, name, after)
                    await _pause(shard, (monotonic() - began) * (1 / _SHARE - 1))
                total += portion.findings
                after, left = portion.after, left + 1 if portion.is_left else 0
        return total

    async def _busy(self, names: Sequence[str]) -> Sequence[str]:
        """Those workspaces of which there is anything to be looked at."""

        async def unit(tx: Tx) -> Sequence[str]:
            return [row.id for row in await tx.execute(_BUSY, {"names": list(names)})]

        return await self._database.transact(unit, workspaces=names)

    async def _count(self, shard: Shard) -> int:
        """How many are overdue by the timers' own account: it is quick."""

        async def unit(tx: Tx) -> int:
            before = await tx.now() - GRACE
            return int((await tx.execute(_OVERDUE, {"shard": shard.n, "before": before})).scalar_one())

        return await self._database.transact(unit, claims=[shard.n])

    async def _portion(self, shard: Shard, workspace_id: str, after: UUID, most: int = _PORTION) -> _Portion:
        try:
            audit, keys = await self._looked_at(workspace_id, after, most)
        except Exception as error:
            if isinstance(error, SURROUNDINGS):
                raise
            if most > 1:
                return await self._portion(shard, workspace_id, after, most // 2)
            return _Portion(Findings(), await self._passed_over(workspace_id, after, error), is_left=True)
        self._tickets.inc(len(keys))
        if audit.suspects:
            await by_halves(audit.suspects, partial(self._mend, shard), self._leave)
        return _Portion(audit.findings, keys[-1][1] if len(keys) == most else None)

    async def _looked_at(self, workspace_id: str, after: UUID, most: int) -> tuple[Audit, list[TicketKey]]:
        async def look(tx: Tx) -> tuple[Audit, list[TicketKey]]:
            found = (await tx.execute(_TICKETS, {"workspace": workspace_id, "after": after, "most": most})).all()
            tickets = {(workspace_id, row.ticket_id): rows.to_ticket(row.state) for row in found}
            if not tickets:
                return Audit(Findings(), ()), []
            audit = await audit_timers(tickets, tx=tx, tracking=self._tracking, levels=self._levels)
            return audit, list(tickets)

        return await self._database.transact(look, workspaces=[workspace_id], is_snapshot=True)

    async def _passed_over(self, workspace_id: str, after: UUID, error: Exception) -> UUID | None:
        """The next ticket, which cannot be audited; none where it is not there any more."""

        async def unit(tx: Tx) -> UUID | None:
            found = await tx.execute(_TICKETS, {"workspace": workspace_id, "after": after, "most": 1})
            row = found.one_or_none()
            return None if row is None else row.ticket_id

        ticket_id = await self._database.transact(unit, workspaces=[workspace_id])
        if ticket_id is not None:
            await self._leave((workspace_id, ticket_id), error)
        return ticket_id

    async def _leave(self, key: TicketKey, error: Exception) -> None:
        """What cannot be audited is told of at each audit."""
        log.error(Log.TIMERS_NOT_AUDITED, workspace=key[0], ticket=str(key[1]), **told_of(error))

    async def _mend(self, shard: Shard, suspects: Sequence[TicketKey]) -> None:
        mended = await self._database.transact(
            lambda tx: mend_timers(suspects, tx=tx, tracking=self._tracking, levels=self._levels, ids=self._ids),
            workspaces={key[0] for key in suspects},
            fence=shard.fence,
        )
        for key, findings in mended.items():
            counts = {name: getattr(findings, name) for name in _MISTAKES if getattr(findings, name)}
            for kind, count in counts.items():
                self._mistakes.labels(kind).inc(count)
            log.error(Log.TIMERS_MENDED, workspace=key[0], ticket=str(key[1]), **counts)

    async def _mend_watches(self, shard: Shard, names: Sequence[str]) -> Findings:
        async def unit(tx: Tx) -> int:
            found = await tx.execute(_DEAD_WATCHES, {"workspaces": list(names), "now": await tx.now()})
            return len(found.all())

        dead = await self._database.transact(unit, workspaces=names, fence=shard.fence)
        if dead:
            self._mistakes.labels("watch").inc(dead)
            log.error(Log.TIMERS_MENDED, shard=shard.n, watches=dead)
        return Findings(missing=dead)

    def _note(self, shard: Shard, findings: Findings) -> None:
        """The heartbeat: whoever hears none has no auditor."""
        self._audits.inc()
        level = _WARNING if findings.mistakes or findings.overdue else _DEBUG
        log.log(level, Log.TIMERS_AUDITED, shard=shard.n, mistakes=findings.mistakes, overdue=findings.overdue)


async def _pause(shard: Shard, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await shard.draining.wait()


_DEBUG, _WARNING = 10, 30
_MISTAKES = ("missing", "orphaned", "wrong", "misjudged")
