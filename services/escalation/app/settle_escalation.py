"""A person acknowledges, snoozes or resolves an escalation."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.app.escalation_teller import EscalationTeller, by_request
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Case, Saving, ServiceLevels, Tracking, Watches
from services.escalation.domain.escalation import Escalation, acknowledge, resolve, snooze
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput, NotFound
from shared.events.envelope import Cause
from shared.ids import IdFactory

LONGEST_SNOOZE = timedelta(days=30)

Step = Callable[[Escalation, datetime], Escalation]


async def acknowledge_escalation(
    workspace_id: str,
    escalation_id: UUID,
    *,
    by: str,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Escalation:
    """Somebody has taken it on: no further step is taken. Raises NotFound, IllegalTransition once resolved."""
    return await _settle(
        workspace_id,
        escalation_id,
        lambda escalation, now: acknowledge(escalation, by, now),
        EscalationTeller.acknowledged,
        cause=cause,
        tx=tx,
        tracking=tracking,
        watches=watches,
        levels=levels,
        ids=ids,
    )


async def snooze_escalation(
    workspace_id: str,
    escalation_id: UUID,
    *,
    until: datetime | timedelta,
    by: str,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Escalation:
    """It is put off until a moment, or for so long; then it goes on where it was.

    Raises NotFound, InvalidInput for a time that is past or far away, IllegalTransition where nothing is left.
    """

    def put_off(escalation: Escalation, now: datetime) -> Escalation:
        resumes_at = now + until if isinstance(until, timedelta) else until
        if not now < resumes_at <= now + LONGEST_SNOOZE:
            raise InvalidInput("Nothing is put off so long.", problems=(("/until", "is in the next 30 days"),))
        return snooze(escalation, resumes_at, by, now)

    return await _settle(
        workspace_id,
        escalation_id,
        put_off,
        EscalationTeller.snoozed,
        cause=cause,
        tx=tx,
        tracking=tracking,
        watches=watches,
        levels=levels,
        ids=ids,
    )


async def resolve_escalation(
    workspace_id: str,
    escalation_id: UUID,
    *,
    by: str,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Escalation:
    """It is over: steps to come are dropped. Raises NotFound."""
    return await _settle(
        workspace_id,
        escalation_id,
        lambda escalation, now: resolve(escalation, "by_hand", now, by),
        EscalationTeller.resolved,
        cause=cause,
        tx=tx,
        tracking=tracking,
        watches=watches,
        levels=levels,
        ids=ids,
    )


async def _settle(
    workspace_id: str,
    escalation_id: UUID,
    step: Step,
    tell: Callable[[EscalationTeller, Escalation], Escalation],
    *,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Escalation:
    root = await tracking.root_of(tx, workspace_id, escalation_id)
    if root is None:
        raise NotFound
    case: Case | None = None
    if isinstance(root, UUID):
        cases, histories = await locked_cases([(workspace_id, root)], tx=tx, tracking=tracking, levels=levels)
        case = cases[workspace_id, root]
    else:
        await watches.lock(tx, [(workspace_id, root)])
        histories = await levels.load(tx, [workspace_id])
    before = await tracking.escalation(tx, workspace_id, escalation_id, histories)
    assert before is not None
    now = await tx.now()
    after = step(before, now)
    if after == before:
        return before
    teller = EscalationTeller(workspace_id=workspace_id, now=now, ids=ids, causes=by_request(cause))
    after = tell(teller, after)
    if case is not None:
        others = tuple(item for item in case.escalations if item.escalation_id != escalation_id)
        await tracking.save(tx, [Saving(case, Case(case.ticket, case.clocks, (*others, after)))])
    else:
        await watches.save_escalations(tx, [after], now)
    tx.emit(news.event for news in teller.news)
    return after
