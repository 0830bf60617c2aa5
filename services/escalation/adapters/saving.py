"""Stores escalations."""

from collections.abc import Collection

from services.escalation.adapters import rows, tables
from services.escalation.domain.escalation import Escalation
from shared.db.sets import transposed, upsert_set
from shared.db.unit_of_work import Tx

_SAVE = upsert_set(tables.escalation, rows.ESCALATION)


async def save_escalations(tx: Tx, escalations: Collection[Escalation]) -> None:
    """Stores escalations as they are."""
    if escalations:
        # Resolved ones first: only one may be live at any time.
        ordered = sorted(escalations, key=lambda item: item.is_live)
        await tx.execute(_SAVE, transposed(map(rows.escalation_row, ordered), rows.ESCALATION))
