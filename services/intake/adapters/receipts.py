"""What became of messages that were received before, in PostgreSQL: those with a ticket, and those without."""

import hashlib
from collections.abc import Collection, Mapping

from sqlalchemy import text

from services.intake.adapters import tables
from services.intake.app.ports import DedupeKey, Receipt
from services.intake.domain.message import Disposition
from shared.db.engine import Collision
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Tx

_RECEIPTS = text(
    "WITH w AS (SELECT * FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]),"
    " CAST(:keys AS text[]), CAST(:hashes AS bytea[])) AS w (workspace_id, channel, dedupe_key, key_hash))"
    " SELECT m.workspace_id, m.channel, m.dedupe_key, m.message_id, m.ticket_id, t.number"
    " FROM w JOIN message m USING (workspace_id, channel, dedupe_key)"
    " JOIN ticket t ON t.workspace_id = m.workspace_id AND t.ticket_id = m.ticket_id"
    " UNION ALL SELECT r.workspace_id, r.channel, w.dedupe_key, r.message_id, NULL, NULL"
    " FROM w JOIN refusal r USING (workspace_id, channel, key_hash)"
)
_COLUMNS = ("workspace_id", "channel", "key_hash", "message_id", "disposition")
_ADD = insert_new_set(tables.refusal, _COLUMNS).returning(tables.refusal.c.message_id)


class PostgresReceipts:
    """A part of the port `Messages`."""

    async def receipts(self, tx: Tx, keys: Collection[DedupeKey]) -> dict[DedupeKey, Receipt]:
        """What became of messages that were received before. A refused one that was let in has its ticket."""
        if not keys:
            return {}
        asked = {**{key: key for key in keys}, **{_erased(key): key for key in keys}}
        workspaces, channels, dedupe_keys = map(list, zip(*asked, strict=True))
        named = {"workspaces": workspaces, "channels": channels, "keys": dedupe_keys}
        found: dict[DedupeKey, Receipt] = {}
        for row in await tx.execute(_RECEIPTS, {**named, "hashes": [_hash(key) for key in dedupe_keys]}):
            key = asked[row.workspace_id, row.channel, row.dedupe_key]
            if row.ticket_id or key not in found:
                found[key] = Receipt(
                    ticket_id=row.ticket_id,
                    ticket_number=row.number,
                    message_id=row.message_id,
                    disposition=Disposition.DUPLICATE,
                )
        return found

    async def add_refusals(self, tx: Tx, refusals: Mapping[DedupeKey, Receipt]) -> None:
        """Messages that a rule lets open no ticket, by what they are known again.

        Raises Collision where somebody else was faster with a dedupe key: run again, it is found.
        """
        if not refusals:
            return
        ordered = sorted(refusals)
        added = await tx.execute(
            _ADD,
            {
                "workspace_id": [key[0] for key in ordered],
                "channel": [key[1] for key in ordered],
                "key_hash": [_hash(key[2]) for key in ordered],
                "message_id": [refusals[key].message_id for key in ordered],
                "disposition": [refusals[key].disposition.value for key in ordered],
            },
        )
        if len(added.all()) != len(ordered):
            raise Collision("somebody else was faster with a message that is refused")


def _hash(dedupe_key: str) -> bytes:
    return hashlib.sha256(dedupe_key.encode()).digest()


def _erased(key: DedupeKey) -> DedupeKey:
    """The same as erasure leaves it behind: what comes again of somebody who is forgotten stays known."""
    return *key[:2], f"sha256:{_hash(key[2]).hex()}"
