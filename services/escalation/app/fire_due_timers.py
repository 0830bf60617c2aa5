"""Fires the timers of some tickets: whatever their clocks and escalations say is due, once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.escalation.app.due_chains import due_chains
from services.escalation.app.escalation_teller import News
from services.escalation.app.finder import open_finder
from services.escalation.app.folding import fold
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Lateness, Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Firing, Settling
from services.escalation.app.tally import Tally, asked, versions_in
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.ids import IdFactory


async def fire_due_timers(
    due: Mapping[TicketKey, Firing], *, tx: Tx, tracking: Tracking, levels: ServiceLevels, ids: IdFactory
) -> Mapping[TicketKey, Sequence[Lateness]]:
    """What was due on these tickets takes effect, in due order; by ticket, the timers that had one.

    Tickets that somebody else has locked are left for the next time. A timer only makes us look: whether
    anything is due is for the clock to say.
    """
    cases, histories = await locked_cases(due, tx=tx, tracking=tracking, levels=levels, is_patient=False)
    standing = await tracking.timers(tx, cases)
    until = {key: firing.until for key, firing in due.items()}
    folded = await fold(cases, {}, tx=tx, tracking=tracking, histories=histories, judged_until=until)
    now = await tx.now()
    versions = versions_in(cases, histories)
    tally = Tally(await tracking.begun(tx, asked(versions, histories), now))
    chains = (
        (key[0], steps)
        for key, (before, tracked) in folded.items()
        for steps in due_chains(before, tracked, histories[key[0]], now)
    )
    finder = await open_finder(chains, histories, tx=tx, tracking=tracking, now=now)
    savings: list[Saving] = []
    fired: dict[TicketKey, Sequence[Lateness]] = {}
    news: list[News] = []
    for key in (key for key in due if key in folded):
        before, tracked = folded[key]
        firing = due[key]
        settling = Settling(
            ticket=tracked.ticket,
            now=now,
            ids=ids,
            history=histories[key[0]],
            firing=replace(firing, until=min(firing.until, now)),
            tally=tally,
            finder=finder,
        )
        settled = settling.settle(before, tracked)
        savings.append(Saving(before, settled.case, settled.notifications, standing.get(key, set())))
        fired[key] = settled.fired
        news.extend(settled.news)
    await tracking.save(tx, savings)
    await tracking.save_turns(tx, finder.taken)
    tx.emit(_in_due_order(news))
    return fired


def _in_due_order(news: Sequence[News]) -> list[Event]:
    """Events by when they were due, those of one subject in their sequence."""
    latest: dict[str, datetime] = {}
    due: list[datetime] = []
    for item in news:
        subject = item.event.subject
        latest[subject] = max(item.due_at, latest.get(subject, item.due_at))
        due.append(latest[subject])
    return [news[index].event for index in sorted(range(len(news)), key=due.__getitem__)]
