"""Brings calls up to date in one transaction: locks, reads, folds, writes, a statement a table."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.intake.app.call_group import CallGroup, CallNews
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.app.call_recordings import receive_recordings
from services.intake.app.outbound import kept_apart
from services.intake.app.phone import caller_identity
from services.intake.app.ports import IdentityKey, Opening, SenderKey, TicketKey
from services.intake.domain.call import CallEvent, CallRecord, fold
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.reopening import WINDOW
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import TicketStatus


@dataclass(slots=True, kw_only=True)
class Fresh:
    """What comes about one call. repeated: the places of events that are known already, filled in."""

    cause: Cause
    events: list[CallEvent] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)


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
    known = await desk.calls.find(tx, fresh)
    news: dict[CallKey, CallNews] = {}
    new_events: list[tuple[CallKey, CallEvent]] = []
    unchanged: dict[CallKey, Call] = {}
    for key, coming in fresh.items():
        call, events = known.get(key, (None, []))
        places = {event.seq for event in events}
        coming.repeated |= places
        # Of two that claim one place the first one has it, here and in the table.
        firsts = {event.seq: event for event in reversed(coming.events)}
        added = [event for seq, event in firsts.items() if seq not in places]
        if call is not None and not added and not is_overdue:
            unchanged[key] = call
        elif events or added:
            new_events += [(key, event) for event in added]
            news[key] = _news(
                key,
                call,
                record=fold([*events, *added]),
                region=configured[key[0]].channel(key[1]).region,
                cause=coming.cause,
                ids=desk.ids,
                is_overdue=is_overdue,
            )
    if not news:
        return unchanged
    group = await _group(news, configured, tx=tx, desk=desk)
    calls = {key: group.take(item) for key, item in news.items()}
    await desk.conversations.add_customers(tx, group.new_customers)
    await desk.conversations.add_tickets(tx, list(group.opened.values()))
    await desk.conversations.save_tickets(tx, list(group.changed.values()))
    await desk.calls.save_subjects(tx, list(group.opened.values()))
    await desk.calls.save_calls(tx, list(calls.values()))
    await desk.calls.add_events(tx, new_events, group.now)
    await desk.conversations.add_told(tx, kept_apart(group.told))
    tx.emit(told.event for told in group.told)
    await receive_recordings([(calls[key], item) for key, item in news.items()], tx=tx, desk=desk)
    return {**unchanged, **calls}


def _news(
    key: CallKey,
    known: Call | None,
    *,
    record: CallRecord,
    region: str | None,
    cause: Cause,
    ids: IdFactory,
    is_overdue: bool,
) -> CallNews:
    workspace_id, channel_id, provider_call_id = key
    identity = caller_identity(record.caller, region) if record.caller else None
    call = known or Call(
        workspace_id=workspace_id,
        channel=channel_id,
        provider_call_id=provider_call_id,
        call_id=ids.new(),
        phase=record.phase,
        started_at=record.started_at,
    )
    return CallNews(
        call=replace(
            call,
            caller=identity.value if identity else record.caller,
            name=record.name,
            called=record.called,
            phase=record.phase,
            started_at=record.started_at,
        ),
        known=known,
        record=record,
        identity=identity,
        cause=cause,
        is_overdue=is_overdue,
    )


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
        calls=await _siblings(tickets, tx=tx, desk=desk),
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


async def _siblings(
    tickets: Collection[TicketKey], *, tx: Tx, desk: CallDesk
) -> dict[TicketKey, dict[UUID, Call]]:
    """All calls of these tickets, which nobody else changes: the tickets are locked."""
    calls: dict[TicketKey, dict[UUID, Call]] = {}
    for call in await desk.calls.of_tickets(tx, tickets):
        if key := call.ticket_key:
            calls.setdefault(key, {})[call.call_id] = call
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
