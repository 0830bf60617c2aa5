"""Has open tickets come over to a new version of their workspace's service levels."""

from collections.abc import Sequence

from services.escalation.app.folding import fold, holding_until
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Settling
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory


async def carry_policies(
    keys: Sequence[TicketKey], *, tx: Tx, tracking: Tracking, levels: ServiceLevels, ids: IdFactory
) -> None:
    """Clocks that have not ended come over as the new promise's `on_change` says; finished ones never change.

    keep: the old promise to the end; carry: elapsed time stays; restart: it begins anew; recompute: it is counted
    anew. See `OnChange`.
    """
    cases, histories = await locked_cases(keys, tx=tx, tracking=tracking, levels=levels)
    now = await tx.now()
    until = holding_until(now, histories)
    folded = await fold(cases, {}, tx=tx, tracking=tracking, histories=histories, carried_until=until)
    savings = []
    for (workspace_id, _), (before, tracked) in folded.items():
        settling = Settling(ticket=tracked.ticket, now=now, ids=ids, history=histories[workspace_id])
        settled = settling.settle(before, tracked)
        savings.append(Saving(before, settled.case, settled.notifications))
        tx.emit(news.event for news in settled.news)
    await tracking.save(tx, savings)
