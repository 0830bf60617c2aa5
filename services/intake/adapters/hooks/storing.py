"""What providers' calls leave behind beside messages: consents, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import select, text

from services.intake.adapters.outbound import tables
from services.intake.app.hook_ports import Said
from services.intake.domain.hook import Consent
from services.intake.domain.message import Identity
from shared.db.unit_of_work import Tx

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
