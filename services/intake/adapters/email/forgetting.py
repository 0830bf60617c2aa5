"""Forgets what was settled long ago and nothing came of: receipts, ignored calls, used tokens, refusals."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.hooks.signatures import MAILGUN_AGE, MAILGUN_AHEAD
from services.intake.app.mail_ports import Blobs
from shared.db.housekeeping import PORTION
from shared.db.unit_of_work import Tx

_KEPT = timedelta(days=30)
_TOKENS_KEPT = MAILGUN_AGE + MAILGUN_AHEAD + timedelta(days=1)
"""After that no token is good any more; the day is for machines whose clock names ids."""

# What is in quarantine waits for a person, and what became of a message goes with it.
_RAWS = text(
    "WITH gone AS ("
    "DELETE FROM raw r USING (SELECT workspace_id, raw_id FROM raw WHERE state IN ('parsed', 'duplicate')"
    " AND message_id IS NULL AND ticket_id IS NULL AND received_at < :before"
    " ORDER BY received_at LIMIT :most FOR UPDATE SKIP LOCKED) AS old"
    " WHERE r.workspace_id = old.workspace_id AND r.raw_id = old.raw_id"
    " RETURNING r.workspace_id, r.raw_id, r.sha256), people AS ("
    "DELETE FROM raw_person p USING gone WHERE p.workspace_id = gone.workspace_id AND p.raw_id = gone.raw_id)"
    " SELECT workspace_id, sha256 FROM gone"
)
_TOKENS = text(
    "DELETE FROM used_token t USING (SELECT workspace_id, channel, token FROM used_token WHERE raw_id < :before"
    " ORDER BY raw_id LIMIT :most) AS old WHERE t.workspace_id = old.workspace_id"
    " AND t.channel = old.channel AND t.token = old.token RETURNING 1"
)
_REFUSALS = text(
    "DELETE FROM refusal r USING (SELECT workspace_id, channel, key_hash FROM refusal"
    " WHERE disposition = 'dropped' AND message_id < :before ORDER BY message_id LIMIT :most) AS old"
    " WHERE r.workspace_id = old.workspace_id AND r.channel = old.channel AND r.key_hash = old.key_hash"
    " RETURNING 1"
)


class Forgetting:
    """A chore of housekeeping."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def forget(self, tx: Tx) -> bool:
        """Deletes a portion of what is too old; whether there may be more."""
        now = await tx.now()
        tokens = (await tx.execute(_TOKENS, {"before": _first_id(now - _TOKENS_KEPT), "most": PORTION})).all()
        refusals = (await tx.execute(_REFUSALS, {"before": _first_id(now - _KEPT), "most": PORTION})).all()
        rows = (await tx.execute(_RAWS, {"before": now - _KEPT, "most": PORTION})).all()
        for workspace_id in sorted({row.workspace_id for row in rows}):
            sha256s = [row.sha256 for row in rows if row.workspace_id == workspace_id]
            await self._blobs.delete(tx, workspace_id, sha256s)
        return PORTION in (len(tokens), len(refusals), len(rows))


def _first_id(at: datetime) -> UUID:
    """The first of the ids that are made at a moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
