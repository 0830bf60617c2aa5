"""Folds `tickets` and `routing` into tickets and their clocks, a batch in one commit."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from services.escalation.app.folding import fold, holding_until
from services.escalation.app.inbound import ticket_of, to_happening
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Case, Histories, Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Settling
from services.escalation.domain.happening import Happening
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.watch import Watch, queue_watch, queues_of
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.ids import IdFactory


async def track_tickets(
    events: Sequence[Event],
    *,
    tx: Tx,
    tracking: Tracking,
    levels: ServiceLevels,
    ids: IdFactory,
) -> set[Watch]:
    """Clocks after these events. What is about a ticket not yet known waits in its row until the ticket comes.

    Returns the queues in which others wait than before, as far as a trigger is about them.
    """
    arrived: dict[TicketKey, list[Happening]] = defaultdict(list)
    kept: list[tuple[TicketKey, Event]] = []
    for event in events:
        ticket_id, happening = ticket_of(event), to_happening(event)
        if ticket_id is not None and happening is not None:
            key = event.workspace_id, ticket_id
            arrived[key].append(happening)
            kept.append((key, event))
    if not kept:
        return set()
    known, histories = await locked_cases(arrived, tx=tx, tracking=tracking, levels=levels)
    await tracking.keep(tx, kept)
    cases = {key: known.get(key) or _unknown(key) for key in arrived}
    now = await tx.now()
    # What was read late is measured by what holds today, as if it had been there when that came to hold.
    until = holding_until(now, histories)
    folded = await fold(cases, arrived, tx=tx, tracking=tracking, histories=histories, carried_until=until)
    causes = {event.id: event.caused() for _, event in kept}
    savings = []
    for (workspace_id, _), (before, tracked) in folded.items():
        history = histories[workspace_id]
        settling = Settling(ticket=tracked.ticket, now=now, ids=ids, history=history, causes=causes)
        settled = settling.settle(before, tracked)
        savings.append(Saving(before, settled.case, settled.notifications))
        tx.emit(news.event for news in settled.news)
    await tracking.save(tx, savings)
    return set(_changed_queues(savings, histories))


def _changed_queues(savings: Sequence[Saving], histories: Histories) -> Iterator[Watch]:
    for saving in savings:
        before, after = saving.before.ticket, saving.after.ticket
        if (before.queue, before.waiting_since) == (after.queue, after.waiting_since):
            continue
        watched = set(queues_of(histories[after.workspace_id].latest.triggers))
        for queue in watched & {before.queue, after.queue}:
            yield queue_watch(after.workspace_id, queue)


def _unknown(key: TicketKey) -> Case:
    return Case(Ticket(workspace_id=key[0], ticket_id=key[1]))
