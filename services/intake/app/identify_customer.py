"""Finds the one customer behind what somebody is known by, and learns the rest of it."""

from collections.abc import Sequence

from services.intake.app.change_customer import ClientDesk, CustomerEdit, add_customer, change_customer
from services.intake.app.desk import By
from services.intake.app.merge_customers import merge_customers
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity
from shared.db.engine import Collision
from shared.db.unit_of_work import Tx
from shared.errors import Conflict

Identified = tuple[Customer, frozenset[Identity], bool]
"""The customer, their identities, and whether they are new."""


def _whatever(_version: int) -> None:
    """Whoever identifies has seen no version."""


async def identify_customer(
    stranger: Customer,
    identities: Sequence[Identity],
    edit: CustomerEdit,
    by: By,
    *,
    may_merge: bool,
    tx: Tx,
    desk: ClientDesk,
) -> Identified:
    """The customer whom all of these identities point to from now on; the caller vouches for them.

    stranger: who it is, edited, where nobody is known by any of them
    identities: at least one, the strongest first
    may_merge: whether several customers are made one, whom the first of the identities points to
    Raises Conflict where they are several and may not be merged, and what changing a customer raises.
    """
    workspace_id = stranger.workspace_id
    known = await desk.clients.lock_customers(tx, {(workspace_id, identity) for identity in identities})
    ranked = [known[workspace_id, identity] for identity in identities if (workspace_id, identity) in known]
    found = list(dict.fromkeys(customer.customer_id for customer in ranked))
    if not found:
        try:
            added = await add_customer(stranger, identities, tier=edit.get("tier"), tx=tx, desk=desk)
        except Conflict as error:
            raise Collision("somebody else has made them known meanwhile") from error
        return added, frozenset(identities), True
    if len(found) > 1 and not may_merge:
        raise Conflict(f"They point to several customers: {', '.join(map(str, found))}.")
    survivor = found[0]
    for other in found[1:]:
        await merge_customers((workspace_id, other), survivor, by, tx=tx, desk=desk)
    key = workspace_id, survivor
    held = (await desk.clients.lock_customer(tx, key, identities)) or (ranked[0], frozenset())
    wanted = held[1] | frozenset(identities)
    customer, all_of_them = await change_customer(key, edit, wanted, by, seen=_whatever, tx=tx, desk=desk)
    return customer, all_of_them, False
