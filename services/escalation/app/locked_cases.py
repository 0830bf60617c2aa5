"""Locks tickets, and then reads what they are decided by."""

from collections.abc import Collection

from services.escalation.app.ports import Case, Histories, ServiceLevels, TicketKey, Tracking
from shared.db.unit_of_work import Tx


async def locked_cases(
    keys: Collection[TicketKey], *, tx: Tx, tracking: Tracking, levels: ServiceLevels, is_patient: bool = True
) -> tuple[dict[TicketKey, Case], Histories]:
    """The cases that are known, locked, and the service levels of their workspaces.

    is_patient: waits for whoever else has locked one; otherwise leaves those out
    """
    tickets = await tracking.lock(tx, keys, is_patient=is_patient)
    # Only behind the locks: until then somebody may carry a clock over to a version that is newer than ours.
    histories = await levels.load(tx, {key[0] for key in keys})
    return await tracking.cases(tx, tickets, histories), histories
