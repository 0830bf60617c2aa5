"""Sends, for a shard that this process holds, the notices that are due.

What is due is a row, and what has become of it is kept in the commit that sends it: a crash neither loses a
notice nor sends it twice.
"""

from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy import text

from services.intake.adapters.bells import Bells
from services.intake.adapters.due import Due
from services.intake.app.answering_ports import Notice, NoticeKey
from services.intake.app.send_notices import NoticeDesk, send_notices, withhold_notice
from services.intake.domain.notice_plan import Reason
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import StaleEpoch, TransientError
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

# What a process of a later release has planned waits for one that knows what it is.
_EARLIEST = text(
    "SELECT workspace_id, ticket_id, reason, due_at FROM notice"
    " WHERE shard = :shard AND state = 'due' AND reason = ANY (CAST(:known AS text[]))"
    " ORDER BY due_at LIMIT :most"
).bindparams(known=[reason.value for reason in Reason])


class Notifying:
    """Sends notices when their time has come."""

    def __init__(self, database: Database, desk: NoticeDesk, *, bells: Bells, metrics: Metrics) -> None:
        self._database = database
        self._desk = desk
        self._bells = bells
        self._due = Due[NoticeKey](
            database,
            _EARLIEST,
            lambda row: (row.workspace_id, row.ticket_id, Reason(row.reason)),
            at_once=50,
            longest_wait_s=5.0,
        )
        self._settled = metrics.counter("notices_settled", "Notices that something has become of.", "outcome")

    async def run(self, shard: Shard) -> None:
        """Sends until the shard is drained. Raises StaleEpoch and TransientError."""
        with self._bells.hung(shard) as bell:
            await self._due.run(shard, bell, self._send)

    async def _send(self, shard: Shard, keys: Sequence[NoticeKey]) -> None:
        """Sends notices in one commit; where that fails each in its own, and the guilty one never."""

        async def unit(tx: Tx) -> list[Notice]:
            return await send_notices(keys, tx=tx, desk=self._desk)

        workspaces = {key[0] for key in keys}
        try:
            settled = await self._database.transact(unit, workspaces=workspaces, fence=shard.fence)
        except (TransientError, StaleEpoch):
            raise
        except Exception as error:  # noqa: BLE001 - whatever one notice brings about must not hold up the others
            if len(keys) > 1:
                for key in keys:
                    await self._send(shard, [key])
                return
            why = f"failed: {type(error).__name__}"
            log.warning(Log.NOTICE_FAILED, error=type(error).__name__, reason=keys[0][2])
            await self._database.transact(
                partial(self._withhold, keys[0], why), workspaces=workspaces, fence=shard.fence
            )
            return
        for notice in settled:
            self._settled.labels(notice.why or notice.state.value).inc()

    async def _withhold(self, key: NoticeKey, why: str, tx: Tx) -> None:
        await withhold_notice(key, why, tx=tx, desk=self._desk)
