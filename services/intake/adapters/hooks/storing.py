"""What providers' calls leave behind beside messages: receipts and consents, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import select, text

from services.intake.adapters import tables
from services.intake.app.hook_ports import Said
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Consent
from services.intake.domain.message import Identity
from shared.db.unit_of_work import Tx

# How far a message has got only grows; what has failed stays so.
_RECEIPTS = text(
    "UPDATE delivery d SET state = w.state, last_error = COALESCE(w.reason, d.last_error)"
    " FROM (SELECT DISTINCT ON (workspace_id, channel, provider_id) * FROM unnest(CAST(:workspaces AS text[]),"
    " CAST(:channels AS text[]), CAST(:provider_ids AS text[]), CAST(:states AS text[]),"
    " CAST(:ranks AS smallint[]), CAST(:reasons AS text[]))"
    " AS w (workspace_id, channel, provider_id, state, rank, reason)"
    " ORDER BY workspace_id, channel, provider_id, rank DESC) AS w"
    " WHERE d.workspace_id = w.workspace_id AND d.channel = w.channel AND d.provider_id = w.provider_id"
    " AND w.rank > array_position(CAST(:order AS text[]), d.state)"
)
_ORDER = ("none", "queued", "sent", "delivered", "read", "bounced", "failed")
_OUT = text(
    "INSERT INTO opt_out (workspace_id, channel, kind, value, at)"
    " SELECT * FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:kinds AS text[]),"
    " CAST(:values AS text[]), CAST(:ats AS timestamptz[])) ON CONFLICT DO NOTHING"
)
_IN = text(
    "DELETE FROM opt_out o USING unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]),"
    " CAST(:kinds AS text[]), CAST(:values AS text[])) AS w (workspace_id, channel, kind, value)"
    " WHERE (o.workspace_id, o.channel, o.kind, o.value) = (w.workspace_id, w.channel, w.kind, w.value)"
)


class PostgresReceipts:
    """Implements the port `Deliveries`."""

    async def record(self, tx: Tx, receipts: Sequence[DeliveryReceipt]) -> None:
        """Keeps how far they have got. One that is further already stays; an unknown one is left aside."""
        await tx.execute(
            _RECEIPTS,
            {
                "workspaces": [receipt.workspace_id for receipt in receipts],
                "channels": [receipt.channel for receipt in receipts],
                "provider_ids": [receipt.provider_id for receipt in receipts],
                "states": [receipt.state.value for receipt in receipts],
                "ranks": [_ORDER.index(receipt.state.value) + 1 for receipt in receipts],
                "reasons": [receipt.reason for receipt in receipts],
                "order": list(_ORDER),
            },
        )


class PostgresConsents:
    """Implements the port `Consents`."""

    async def keep(self, tx: Tx, said: Sequence[Said]) -> None:
        """What was said, in this order: of several things the last counts."""
        latest = {(one.workspace_id, one.channel, one.identity.kind, one.identity.value): one for one in said}
        for consent, statement in ((Consent.OPTED_OUT, _OUT), (Consent.OPTED_IN, _IN)):
            keys = sorted(key for key, one in latest.items() if one.consent is consent)
            if keys:
                named: dict[str, list[object]] = {
                    "workspaces": [key[0] for key in keys],
                    "channels": [key[1] for key in keys],
                    "kinds": [key[2].value for key in keys],
                    "values": [key[3] for key in keys],
                }
                when = {"ats": [latest[key].at for key in keys]} if consent is Consent.OPTED_OUT else {}
                await tx.execute(statement, {**named, **when})


async def is_opted_out(tx: Tx, workspace_id: str, channel: str, identity: Identity) -> bool:
    """Whether this identity does not want to be written to by this channel."""
    t = tables.opt_out.c
    query = select(t.at).where(
        t.workspace_id == workspace_id,
        t.channel == channel,
        t.kind == identity.kind.value,
        t.value == identity.value,
    )
    return (await tx.execute(query)).first() is not None
