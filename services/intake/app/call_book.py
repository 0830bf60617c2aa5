"""Brings calls up to date in one transaction: locks, reads, folds, writes, a statement a table."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from services.intake.app.call_folding import Fresh, folded
from services.intake.app.call_group import CallGroup, CallNews
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.app.call_recordings import receive_recordings
from services.intake.app.outbound import kept_apart
from services.intake.app.ports import IdentityKey, Opening, SenderKey, TicketKey
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.reopening import WINDOW
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.vocabulary import TicketStatus


async def keep_calls(
    fresh: Mapping[CallKey, Fresh],
    configured: Mapping[str, Workspace],
    *,
    tx: Tx,
    desk: CallDesk,
    is_overdue: bool = False,
) -> dict[CallKey, Call]:
    """The calls as they are afterwards, of channels that are configured.

    is_overdue: whether nothing more is waited for; then calls that are not known are left out
    """
    await desk.calls.lock(tx, fresh)
    told = await folded(fresh, configured, tx=tx, desk=desk, is_overdue=is_overdue)
    news = told.news
    if not news:
        return told.unchanged
    group = await _group(news, configured, tx=tx, desk=desk)
    calls = {key: group.take(item) for key, item in news.items()}
    await desk.conversations.add_customers(tx, group.new_customers)
    await desk.conversations.add_tickets(tx, list(group.opened.values()))
    await desk.conversations.save_tickets(tx, list(group.changed.values()))
    await desk.calls.save_subjects(tx, list(group.opened.values()))
    await desk.calls.save_calls(tx, list(calls.values()))
    await desk.conversations.plan_notices(tx, group.notices)
    await desk.conversations.add_told(tx, kept_apart(group.told))
    tx.emit(told.event for told in group.told)
    refused = await receive_recordings([(calls[key], item) for key, item in news.items()], tx=tx, desk=desk)
    for key, reasons in refused.items():
        fresh[key].refuse_recordings(reasons)
    taken = [(key, event) for key, event in told.events if event.seq not in fresh[key].refused]
    await desk.calls.add_events(tx, taken, group.now)
    return {**told.unchanged, **calls}


async def _group(
    news: Mapping[CallKey, CallNews], configured: Mapping[str, Workspace], *, tx: Tx, desk: CallDesk
) -> CallGroup:
    """Everything that these calls touch, locked in the order that everybody keeps."""
    callers = {(key[0], item.identity) for key, item in news.items() if item.identity}
    customers = await desk.conversations.lock_customers(tx, callers)
    of_senders = await desk.conversations.newest_tickets(tx, _senders(news, customers))
    newest = {sender: tickets[0][0] for sender, tickets in of_senders.items() if tickets}
    wanted = {(key[0], ticket_id) for key, ticket_id in newest.items()}
    wanted |= {key for item in news.values() if (key := item.call.ticket_key)}
    located = await desk.conversations.locate(tx, wanted)
    tickets = {(key[0], found.ticket.ticket_id): found.ticket for key, found in located.items()}
    of = {(key[0], ticket.customer_id) for key, ticket in tickets.items()}
    owners = dict(await desk.conversations.customers(tx, of))
    owners |= {(key[0], customer.customer_id): customer for key, customer in customers.items()}
    # An upper bound: a number that nobody takes is a gap, and gaps are allowed.
    may_open = Counter(key[0] for key, item in news.items() if _may_open(item, located))
    now = await tx.now()
    solved = [key for key, ticket in tickets.items() if ticket.status is TicketStatus.SOLVED]
    reopeners = set(owners) if solved else ()
    return CallGroup(
        configured=configured,
        customers=customers,
        owners=owners,
        newest=newest,
        located=located,
        tickets=tickets,
        calls=_own(news, tickets),
        others=await desk.calls.others(tx, tickets, [item.call.call_id for item in news.values()]),
        written=frozenset(await desk.calls.with_messages(tx, tickets)),
        reopenings=Counter(await desk.conversations.reopenings(tx, solved, reopeners, now - WINDOW)),
        openings=await _openings(tickets, news, configured, tx=tx, desk=desk),
        numbers=await desk.conversations.take_numbers(tx, may_open),
        ids=desk.ids,
        now=now,
    )


def _senders(news: Mapping[CallKey, CallNews], customers: Mapping[IdentityKey, Customer]) -> set[SenderKey]:
    return {
        (key[0], customer.customer_id, key[1])
        for key, item in news.items()
        if item.identity and (customer := customers.get((key[0], item.identity)))
    }


def _may_open(item: CallNews, located: Mapping[TicketKey, Located]) -> bool:
    """Whether it might open a ticket: without one, or where that is closed."""
    found = located.get(item.call.ticket_key) if item.call.ticket_key else None
    return found is None or found.ticket.status is TicketStatus.CLOSED


def _own(news: Mapping[CallKey, CallNews], tickets: Collection[TicketKey]) -> dict[TicketKey, dict[UUID, Call]]:
    """The calls of these tickets that this commit is about, as they were."""
    calls: dict[TicketKey, dict[UUID, Call]] = {}
    for item in news.values():
        if item.known and (key := item.known.ticket_key) in tickets and key:
            calls.setdefault(key, {})[item.known.call_id] = item.known
    return calls


async def _openings(
    tickets: Mapping[TicketKey, Ticket],
    news: Mapping[CallKey, CallNews],
    configured: Mapping[str, Workspace],
    *,
    tx: Tx,
    desk: CallDesk,
) -> dict[TicketKey, Opening]:
    """What rules read of tickets, where there are rules and a label may change."""
    may_label = {key[0] for key, item in news.items() if item.record.summary and configured[key[0]].rules.rules}
    return {key: await desk.conversations.opening(tx, key) for key in tickets if key[0] in may_label}
