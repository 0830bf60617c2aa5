"""Keeps what the router and escalation tell about tickets: in their timelines, and as marks on them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from services.intake.app.desk import Desk
from services.intake.app.outbound import kept_apart, tell
from services.intake.app.ports import TicketKey, Told
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import assigned, mention, placed
from services.intake.domain.notice import Planned, because
from services.intake.domain.notice_plan import Reason
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.events.contract import Contract
from shared.events.envelope import Event
from shared.events.escalations import ClockContract, EscalationContract, EscalationRaisedV2
from shared.events.routing import (
    WorkAssignedV1,
    WorkContract,
    WorkQueuedV1,
    WorkRequeuedV1,
    WorkSnapshotV1,
)
from shared.vocabulary import WorkState


async def follow_events(events: Sequence[Event], *, tx: Tx, desk: Desk) -> None:
    """Folds a batch. What it tells about a ticket that is not known is kept all the same."""
    about = [(event, ticket_id) for event in events if (ticket_id := _ticket_of(event)) is not None]
    keys = {(event.workspace_id, ticket_id) for event, ticket_id in about}
    before = await desk.correspondence.lock_tickets(tx, keys)
    of = {(ticket.workspace_id, ticket.customer_id) for ticket in before.values()}
    customers = await desk.correspondence.customers(tx, of)
    configured = await desk.workspaces.load(tx, {key[0] for key in before})
    now = await tx.now()
    after: dict[TicketKey, Ticket] = dict(before)
    foreign: list[Told] = []
    own: list[Told] = []
    notices: list[Planned] = []
    for event, ticket_id in about:
        key = event.workspace_id, ticket_id
        ticket = after.get(key)
        if ticket is None:
            foreign.append(Told(ticket_id, 0, event))
            continue
        if not _is_snapshot(event):
            ticket = mention(ticket)
            foreign.append(Told(ticket_id, ticket.entries, event))
        ticket = _marked(ticket, event)
        if isinstance(event.data, WorkAssignedV1):
            change = assigned(ticket, now)
            ticket = change.ticket
            customer: Customer = customers[ticket.workspace_id, ticket.customer_id]
            own += tell(change, customer, event.caused(), desk.ids)
        notices += _notices(ticket, event, configured[key[0]], now)
        after[key] = ticket
    changed = [ticket for key, ticket in after.items() if ticket != before[key]]
    await desk.correspondence.save_tickets(tx, changed)
    await desk.correspondence.plan_notices(tx, notices)
    await desk.correspondence.add_told(tx, [*foreign, *kept_apart(own)])
    tx.emit(told.event for told in own)


_WARNED = "sla.warned"
"""What sets off an escalation before anything is late: of that, customers need not hear."""


def _notices(ticket: Ticket, event: Event, workspace: Workspace, now: datetime) -> Iterator[Planned]:
    """What the customer is told of an event; at a second one of its kind they have been told."""
    if not ticket.status.is_unsolved:
        return
    match event.data:
        case WorkAssignedV1():
            yield from because(Reason.ASSIGNED, ticket, workspace, now)
        case EscalationRaisedV2(trigger=trigger) if trigger != _WARNED:
            yield from because(Reason.ESCALATED, ticket, workspace, now)
        case _:
            return


def _ticket_of(event: Event) -> UUID | None:
    data = event.data
    return data.ticket_id if isinstance(data, WorkContract | ClockContract | EscalationContract) else None


def _is_snapshot(event: Event) -> bool:
    """A snapshot says where things stand; nothing has happened."""
    return isinstance(event.data, Contract) and event.data.is_snapshot


def _marked(ticket: Ticket, event: Event) -> Ticket:
    """The ticket with the mark that an event leaves on it. Work that has ended leaves the last one standing."""
    match event.data:
        case WorkQueuedV1() | WorkRequeuedV1() as data:
            agent_id = None
        case WorkAssignedV1() as data:
            agent_id = data.agent_id
        case WorkSnapshotV1() as data if data.state not in (WorkState.COMPLETED, WorkState.CANCELLED):
            agent_id = data.agent_id if data.state in (WorkState.ASSIGNED, WorkState.WRAPPING) else None
        case _:
            return ticket
    return placed(ticket, event.time, queue=data.queue, support_tier=data.support_tier, assignee_id=agent_id)
