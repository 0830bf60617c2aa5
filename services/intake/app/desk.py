"""What the staff's commands have in common: who asks, what they need, how what they changed is recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.intake.app.outbound import kept_apart, tell
from services.intake.app.ports import Correspondence, TicketKey, Tickets, Told, Workspaces
from services.intake.domain.customer import Customer
from services.intake.domain.notice import planned
from services.intake.domain.ticket import Actor, Change, Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import NotAllowed, NotFound
from shared.events.envelope import Cause
from shared.ids import IdFactory

Seen = Callable[[int], None]
"""Raises PreconditionFailed where the caller has not seen this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the staff's commands need."""

    correspondence: Correspondence
    workspaces: Workspaces
    ids: IdFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who asks.

    has_own_only: whether they may change only tickets that are assigned to them
    """

    actor: Actor
    cause: Cause
    has_own_only: bool = False

    @property
    def source(self) -> str:
        """Who this is, beside what they have set."""
        return f"{self.actor.kind}:{self.actor.actor_id}" if self.actor.actor_id else self.actor.kind.value

    def check(self, ticket: Ticket) -> None:
        """Raises NotAllowed where this ticket is not theirs to change."""
        if self.has_own_only and ticket.assignee_id != self.actor.actor_id:
            raise NotAllowed("The ticket is not assigned to you.")


async def lock_ticket(key: TicketKey, by: By, *, tx: Tx, desk: Desk) -> tuple[Ticket, Customer]:
    """A ticket to change, with its customer. Raises NotFound and NotAllowed."""
    ticket = (await desk.correspondence.lock_tickets(tx, [key])).get(key)
    if ticket is None:
        raise NotFound("There is no such ticket.")
    by.check(ticket)
    # Read behind the ticket's lock: whoever changes the customer tells their tickets in the same commit.
    of = key[0], ticket.customer_id
    return ticket, (await desk.correspondence.customers(tx, [of]))[of]


async def record(
    changes: Sequence[tuple[Change, Customer, Cause]], *, tx: Tx, tickets: Tickets, ids: IdFactory
) -> list[Told]:
    """Saves tickets as they are now, and tells what has changed. No ticket stands twice among them."""
    told = [item for change, customer, cause in changes for item in tell(change, customer, cause, ids)]
    await tickets.save_tickets(tx, [change.ticket for change, _, _ in changes])
    await tickets.add_told(tx, kept_apart(told))
    tx.emit(item.event for item in told)
    return told


async def record_with_notices(
    change: Change, customer: Customer, cause: Cause, workspace: Workspace, *, tx: Tx, desk: Desk
) -> None:
    """Records what has changed about one ticket, and plans the notices that it brings about."""
    await record([(change, customer, cause)], tx=tx, tickets=desk.correspondence, ids=desk.ids)
    await desk.correspondence.plan_notices(tx, list(planned(change, workspace)))
