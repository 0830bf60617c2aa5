"""Folds events into cases: on top where they come in order, anew from everything kept where they do not."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.escalation.app.ports import Case, Histories, TicketKey, Tracking
from services.escalation.domain.happening import Happening
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.tracking import OutOfOrder, Tracked, anew, caught_up, forward
from shared.db.unit_of_work import Tx


def holding_until(now: datetime, histories: Histories) -> datetime:
    """By when the latest versions hold: from when they were stored, even where the clock has gone back since."""
    return max([now, *(history.latest.since for history in histories.values())])


async def fold(
    cases: Mapping[TicketKey, Case],
    arrived: Mapping[TicketKey, Sequence[Happening]],
    *,
    tx: Tx,
    tracking: Tracking,
    histories: Histories,
    judged_until: Mapping[TicketKey, datetime] | None = None,
    carried_until: datetime | None = None,
) -> dict[TicketKey, tuple[Case, Tracked]]:
    """Each case as it was, and as it is with what arrived, which is kept already.

    judged_until: up to when clocks are judged; carried_until: when what holds measures them
    """
    judged = judged_until or {}
    folded: dict[TicketKey, tuple[Case, Tracked]] = {}
    late: list[TicketKey] = []
    for key, case in cases.items():
        history = histories[key[0]]
        try:
            tracked = forward(_current(case), arrived.get(key, ()), history, until=judged.get(key))
            folded[key] = case, _carried(tracked, history, carried_until)
        except OutOfOrder:
            late.append(key)
    if late:
        everything = await tracking.happenings(tx, late)
        clocks = await tracking.all_clocks(tx, late, histories)
        for key in late:
            case = Case(cases[key].ticket, clocks.get(key, ()), cases[key].escalations)
            history = histories[key[0]]
            until = max(filter(None, (case.ticket.fired_until, judged.get(key))), default=None)
            tracked = anew(case.ticket, everything.get(key, ()), history, until=until)
            folded[key] = case, _carried(tracked, history, carried_until)
    return folded


def _current(case: Case) -> Tracked:
    return Tracked(case.ticket, {record.clock.measure: record.clock for record in case.clocks})


def _carried(tracked: Tracked, history: PolicyHistory, until: datetime | None) -> Tracked:
    return tracked if until is None else caught_up(tracked, until, history)
