"""Somebody takes on everything that one message told them of."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from services.escalation.app.escalation_teller import EscalationTeller, News, by_request
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.domain.escalation import acknowledge
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import EscalationState


async def take_on(
    keys: Collection[TicketKey],
    escalation_ids: Collection[UUID],
    *,
    by: str,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    levels: ServiceLevels,
    ids: IdFactory,
) -> int:
    """Acknowledges these escalations of these tickets, those that nobody has acknowledged and that are not over.

    Returns how many they were. However many tickets there are, each table is read and written once.
    """
    wanted = frozenset(escalation_ids)
    cases, _ = await locked_cases(keys, tx=tx, tracking=tracking, levels=levels)
    now = await tx.now()
    savings: list[Saving] = []
    news: list[News] = []
    taken = 0
    for case in cases.values():
        teller = EscalationTeller(workspace_id=case.key[0], now=now, ids=ids, causes=by_request(cause))
        after = [
            teller.acknowledged(acknowledge(escalation, by, now))
            if escalation.escalation_id in wanted and escalation.state is EscalationState.RAISED
            else escalation
            for escalation in case.escalations
        ]
        taken += len(teller.news)
        savings.append(Saving(case, replace(case, escalations=tuple(after))))
        news.extend(teller.news)
    await tracking.save(tx, savings)
    tx.emit(item.event for item in news)
    return taken
