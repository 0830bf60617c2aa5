"""Forgets a person: what is personal goes, ids stay, so that numbers still add up."""

from services.intake.app.change_customer import CHUNK, ClientDesk
from services.intake.app.client_ports import CustomerHistory, Erasure
from services.intake.app.desk import By, record
from services.intake.app.ports import CustomerKey
from services.intake.domain.customer import erase
from services.intake.domain.lifecycle import erase as erase_ticket
from shared.db.unit_of_work import Tx
from shared.errors import NotFound


async def erase_customer(key: CustomerKey, by: By, *, tx: Tx, desk: ClientDesk, erasure: Erasure) -> None:
    """Takes everything personal away, and closes the customer's tickets.

    Erasing again finds nothing to do.
    Raises NotFound, and IllegalTransition for a customer who was merged.
    """
    found = await desk.clients.lock_customer(tx, key, ())
    if found is None:
        raise NotFound("There is no such customer.")
    before, identities = found
    if before.erased_at is not None:
        return
    now = await tx.now()
    after = erase(before, now)
    last = None
    while tickets := await desk.clients.lock_customer_tickets(tx, key, last, CHUNK, only_unsolved=False):
        changes = [(erase_ticket(ticket, by.actor, now), after, by.cause) for ticket in tickets]
        await record(changes, tx=tx, tickets=desk.clients, ids=desk.ids)
        last = tickets[-1].ticket_id
    await erasure.forget(tx, key)
    await desk.clients.set_identities(tx, key, added=(), removed=identities)
    await desk.clients.save_customer(tx, after)
    entry = CustomerHistory(workspace_id=key[0], customer_id=key[1], at=now, action="erased", actor=by.source)
    await desk.clients.add_history(tx, entry)
