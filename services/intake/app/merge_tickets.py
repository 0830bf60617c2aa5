"""Lets one ticket go up in another."""

from uuid import UUID

from services.intake.app.desk import By, Desk, record
from services.intake.app.ports import TicketKey, Told
from services.intake.domain.lifecycle import mention, merge
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx
from shared.errors import IllegalTransition, NotFound


async def merge_tickets(key: TicketKey, into: UUID, by: By, *, tx: Tx, desk: Desk) -> tuple[Ticket, Ticket]:
    """The source and the target as they are afterwards; a target that was merged itself is followed to its end.

    Raises NotFound, NotAllowed, and IllegalTransition for a ticket into itself, even by a detour.
    """
    workspace_id, source_id = key
    target_key = workspace_id, into
    # One statement locks both, in the order in which everybody locks.
    found = await desk.correspondence.locate(tx, {key, target_key})
    if key not in found or target_key not in found:
        raise NotFound("There is no such ticket.")
    source, target = found[key].ticket, found[target_key].ticket
    if source.ticket_id != source_id:
        raise IllegalTransition("The ticket went up in another one.")
    by.check(source)
    by.check(target)
    of = workspace_id, source.customer_id
    customer = (await desk.correspondence.customers(tx, [of]))[of]
    change = merge(source, target, by.actor, await tx.now())
    (told,) = await record([(change, customer, by.cause)], tx=tx, tickets=desk.correspondence, ids=desk.ids)
    grown = mention(target)
    await desk.correspondence.save_tickets(tx, [grown])
    await desk.correspondence.add_told(tx, [Told(grown.ticket_id, grown.entries, told.event)])
    return change.ticket, grown
