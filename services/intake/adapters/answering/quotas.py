"""How often recipients were written to, in PostgreSQL."""

from datetime import datetime, timedelta

from sqlalchemy import text

from shared.db.housekeeping import PORTION
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

# The table is no workspace's: each shard's housekeeping takes what no other one is at.
_FORGET = text(
    "DELETE FROM recipient_turn r USING (SELECT recipient, purpose FROM recipient_turn WHERE latest_at < :before"
    " ORDER BY latest_at LIMIT :most FOR UPDATE SKIP LOCKED) AS old"
    " WHERE r.recipient = old.recipient AND r.purpose = old.purpose RETURNING 1"
)


class PostgresQuotaBook:
    """Implements the port `QuotaBook`."""

    async def take(self, tx: Tx, recipient: bytes, purpose: Purpose, most: int, now: datetime) -> bool:
        """Whether this recipient may get one more within the hour, over all workspaces. If so, it counts."""
        named = {"recipient": recipient, "purpose": purpose.value, "most": most}
        taken = await tx.execute(_TURN, {**named, "now": now, "since": now - _HOUR})
        return taken.first() is not None


async def forget_quotas(tx: Tx) -> bool:
    """Deletes a portion of those whose hour is over; whether there may be more: a chore of housekeeping."""
    forgotten = await tx.execute(_FORGET, {"before": await tx.now() - _HOUR, "most": PORTION})
    return len(forgotten.all()) == PORTION
