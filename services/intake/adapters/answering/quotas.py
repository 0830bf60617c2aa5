"""How often recipients were written to, in PostgreSQL."""

from datetime import datetime, timedelta

from sqlalchemy import text

from services.intake.adapters.answering import tables
from shared.db.housekeeping import delete_portion
from shared.db.unit_of_work import Tx
from shared.vocabulary import Purpose

_HOUR = timedelta(hours=1)

# One statement: of two that come at once the second waits for the first, and counts it.
_TURN = text(
    "INSERT INTO recipient_turn AS r (recipient, purpose, sent_at, latest_at)"
    " VALUES (:recipient, :purpose, ARRAY[CAST(:now AS timestamptz)], :now)"
    " ON CONFLICT (recipient, purpose) DO UPDATE SET latest_at = excluded.latest_at,"
    " sent_at = ARRAY(SELECT one FROM unnest(r.sent_at) AS each (one) WHERE one > :since) || excluded.sent_at"
    " WHERE (SELECT count(*) FROM unnest(r.sent_at) AS each (one) WHERE one > :since) < :most RETURNING 1"
)


class PostgresQuotaBook:
    """Implements the port `QuotaBook`."""

    async def take(self, tx: Tx, recipient: bytes, purpose: Purpose, most: int, now: datetime) -> bool:
        """Whether this recipient may get one more within the hour, over all workspaces. If so, it counts."""
        named = {"recipient": recipient, "purpose": purpose.value, "most": most}
        taken = await tx.execute(_TURN, {**named, "now": now, "since": now - _HOUR})
        return taken.first() is not None


async def forget_quotas(tx: Tx) -> bool:
    """Deletes those whose hour is over: a chore of housekeeping."""
    return await delete_portion(
        tx, tables.recipient_turn, tables.recipient_turn.c.latest_at < await tx.now() - _HOUR
    )
