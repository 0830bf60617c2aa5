"""What providers' calls leave behind beside messages: consents, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import text

from services.intake.app.hook_ports import Said
from services.intake.domain.hook import Consent
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
