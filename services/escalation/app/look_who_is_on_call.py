"""Somebody else is on call, or will be: what told whoever was is looked at again, at once."""

from dataclasses import replace
from uuid import UUID

from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Saving, ServiceLevels, TicketKey, Tracking, Watches, WatchKey
from services.escalation.domain.hand_over import looked_at_again
from shared.db.unit_of_work import Tx


async def look_who_is_on_call(
    workspace_id: str, rotation: str, *, tx: Tx, tracking: Tracking, watches: Watches, levels: ServiceLevels
) -> None:
    """Has every escalation looked at that told somebody because they are on call for a rotation."""
    about = await tracking.told_on_call(tx, workspace_id, rotation)
    tickets: list[TicketKey] = [(workspace_id, root) for root in about if isinstance(root, UUID)]
    watched: list[WatchKey] = [(workspace_id, root) for root in about if isinstance(root, str)]
    # Tickets are locked before whatever is watched.
    if tickets:
        cases, _ = await locked_cases(tickets, tx=tx, tracking=tracking, levels=levels)
        now = await tx.now()
        after = {
            key: replace(case, escalations=tuple(looked_at_again(item, now) for item in case.escalations))
            for key, case in cases.items()
        }
        await tracking.save(tx, [Saving(cases[key], case) for key, case in after.items()])
    if watched:
        await watches.lock(tx, watched)
        live = await watches.live(tx, watched, await levels.load(tx, [workspace_id]))
        now = await tx.now()
        again = [looked_at_again(item, now) for group in live.values() for item in group]
        await watches.save_escalations(tx, again, now)
