"""Works out from tickets what their timers should be, and mends them: independent of whoever fires them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Case, Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Settling
from services.escalation.domain.audit import Findings, audited, compare
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.tracking import Tracked
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found of some tickets, and those of them that have to be mended."""

    findings: Findings
    suspects: tuple[TicketKey, ...]


async def audit_timers(
    tickets: Mapping[TicketKey, Ticket], *, tx: Tx, tracking: Tracking, levels: ServiceLevels
) -> Audit:
    """Looks only. The unit of work sees everything as of one moment, and keeps nobody waiting."""
    histories = await levels.load(tx, {key[0] for key in tickets})
    cases = await tracking.cases(tx, tickets, histories)
    standing = await tracking.timers(tx, tickets)
    now = await tx.now()
    total, suspects = Findings(), []
    for key, case in cases.items():
        clocks = _clocks(case)
        misjudged = sum(after != clocks[measure] for measure, after in audited(clocks, now).items())
        findings = compare(case.timers(), standing[key], now, misjudged=misjudged)
        total += findings
        if findings.mistakes:
            suspects.append(key)
    return Audit(total, tuple(suspects))


async def mend_timers(
    keys: Collection[TicketKey], *, tx: Tx, tracking: Tracking, levels: ServiceLevels, ids: IdFactory
) -> Mapping[TicketKey, Findings]:
    """What was wrong with these tickets, and is not any more. Those that somebody is at work on are left out.

    A clock that is due at another moment by now tells so; whether that has passed is for its timer to find.
    """
    cases, histories = await locked_cases(keys, tx=tx, tracking=tracking, levels=levels, is_patient=False)
    standing = await tracking.timers(tx, cases)
    now = await tx.now()
    savings: list[Saving] = []
    mended: dict[TicketKey, Findings] = {}
    for key, case in cases.items():
        clocks = _clocks(case)
        after = audited(clocks, now)
        misjudged = sum(clock != clocks[measure] for measure, clock in after.items())
        findings = compare(case.timers(), standing[key], now, misjudged=misjudged)
        if not findings.mistakes:
            continue
        settling = Settling(ticket=case.ticket, now=now, ids=ids, history=histories[key[0]])
        settled = settling.settle(case, Tracked(case.ticket, after))
        savings.append(Saving(case, settled.case, settled.notifications, standing[key]))
        tx.emit(news.event for news in settled.news)
        mended[key] = findings
    await tracking.save(tx, savings)
    return mended


def _clocks(case: Case) -> Mapping[Measure, SlaClock]:
    return {record.clock.measure: record.clock for record in case.clocks}
