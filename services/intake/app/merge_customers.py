"""Makes one of two customers who turned out to be the same person."""

from dataclasses import replace
from uuid import UUID

from services.intake.app.change_customer import CHUNK, ClientDesk
from services.intake.app.client_ports import CustomerHistory
from services.intake.app.desk import By, record
from services.intake.app.ports import CustomerKey
from services.intake.domain.customer import Customer, merge
from services.intake.domain.lifecycle import customer_changed
from services.intake.domain.message import Identity
from shared.db.unit_of_work import Tx
from shared.errors import NotFound


async def merge_customers(
    key: CustomerKey, into: UUID, by: By, *, tx: Tx, desk: ClientDesk
) -> tuple[Customer, frozenset[Identity]]:
    """The survivor and all their identities. The other one's id stays good for looking them up.

    Tickets and messages become the survivor's; unsolved tickets tell what others decide by.
    Raises NotFound, and IllegalTransition for the same customer or one that was merged or erased.
    """
    workspace_id, source_id = key
    found = await desk.clients.lock_both(tx, workspace_id, source_id, into)
    if source_id not in found or into not in found:
        raise NotFound("There is no such customer.")
    (source, more), (target, known) = found[source_id], found[into]
    gone, kept = merge(source, target)
    await desk.clients.move_identities(tx, key, into)
    await desk.clients.save_customer(tx, gone)
    await desk.clients.save_customer(tx, kept)
    await _move_tickets(key, kept, by, tx=tx, desk=desk)
    await desk.clients.move_messages(tx, key, into)
    now = await tx.now()
    for one, other in ((source_id, into), (into, source_id)):
        entry = CustomerHistory(
            workspace_id=workspace_id, customer_id=one, at=now, action="merged", other_id=other, actor=by.source
        )
        await desk.clients.add_history(tx, entry)
    return kept, known | more


async def _move_tickets(source: CustomerKey, target: Customer, by: By, *, tx: Tx, desk: ClientDesk) -> None:
    last = None
    while tickets := await desk.clients.lock_customer_tickets(tx, source, last, CHUNK, only_unsolved=False):
        now = await tx.now()
        moved = [replace(ticket, customer_id=target.customer_id) for ticket in tickets]
        changes = [
            (customer_changed(ticket, by.actor, now), target, by.cause)
            for ticket in moved
            if ticket.status.is_unsolved
        ]
        await record(changes, tx=tx, tickets=desk.clients, ids=desk.ids)
        quiet = [replace(ticket, version=ticket.version + 1) for ticket in moved if not ticket.status.is_unsolved]
        await desk.clients.save_tickets(tx, quiet)
        last = tickets[-1].ticket_id
