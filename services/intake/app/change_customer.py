"""Adds customers, and changes what is known of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TypedDict

from services.intake.app.client_ports import Clients
from services.intake.app.desk import By, Seen, record
from services.intake.app.ports import CustomerKey, IdentityKey, Workspaces
from services.intake.domain.customer import DEFAULT_TIER, Customer
from services.intake.domain.lifecycle import customer_changed
from services.intake.domain.message import Identity
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from shared.ids import IdFactory

CHUNK = 500
"""Tickets that are changed at one time."""

TOLD = ("tier", "language", "organisation_id")
"""What others decide by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDesk:
    """What changes of customers need."""

    clients: Clients
    workspaces: Workspaces
    ids: IdFactory


class CustomerEdit(TypedDict, total=False):
    """Fields with their new values; what is missing stays. A tier of None is the organisation's."""

    name: str | None
    tier: str | None
    language: str | None
    time_zone: str | None
    organisation_id: str | None
    do_not_contact: bool


async def add_customer(
    customer: Customer, identities: Collection[Identity], *, tier: str | None, tx: Tx, desk: ClientDesk
) -> Customer:
    """A new customer, as stored; without an organisation in that of their mail domain.

    tier: without one, their organisation's
    Raises InvalidInput for an organisation that is not configured, Conflict for an identity of another customer.
    """
    workspace = (await desk.workspaces.load(tx, [customer.workspace_id]))[customer.workspace_id]
    organisation_id = customer.organisation_id or _organisation_by(identities, workspace)
    organisation_tier = _check_organisation(organisation_id, workspace)
    customer = replace(customer, organisation_id=organisation_id, tier=tier or organisation_tier)
    keys: list[IdentityKey] = [(customer.workspace_id, identity) for identity in identities]
    if await desk.clients.lock_customers(tx, keys):
        raise Conflict("An identity belongs to another customer.")
    await desk.clients.add_customers(tx, dict.fromkeys(keys, customer) or {customer.customer_id: customer})
    return customer


async def change_customer(
    key: CustomerKey,
    edit: CustomerEdit,
    identities: Collection[Identity] | None,
    by: By,
    *,
    seen: Seen,
    tx: Tx,
    desk: ClientDesk,
) -> tuple[Customer, frozenset[Identity]]:
    """The customer and their identities as they are afterwards; unsolved tickets tell what others decide by.

    identities: all that they have from now on; none means unchanged. With a new one they join the organisation of
    its mail domain, unless they have one, or the edit says that they have none
    Raises NotFound, PreconditionFailed, InvalidInput and Conflict.
    """
    found = await desk.clients.lock_customer(tx, key, identities or ())
    if found is None:
        raise NotFound("There is no such customer.")
    before, known = found
    check_is_there(before)
    seen(before.version)
    workspace = (await desk.workspaces.load(tx, [key[0]]))[key[0]]
    wanted = known if identities is None else frozenset(identities)
    after = _edited(before, edit, workspace)
    if after.organisation_id is None and "organisation_id" not in edit:
        added = sorted(wanted - known, key=lambda identity: (identity.kind, identity.value))
        after = _joined(after, _organisation_by(added, workspace), workspace)
    if after == before and wanted == known:
        return before, known
    after = replace(after, version=before.version + 1)
    await desk.clients.save_customer(tx, after)
    await desk.clients.set_identities(tx, key, added=wanted - known, removed=known - wanted)
    if any(getattr(after, name) != getattr(before, name) for name in TOLD):
        await _tell_tickets(after, by, tx=tx, desk=desk)
    return after, wanted


def check_is_there(customer: Customer) -> None:
    """Raises IllegalTransition for a customer who was merged or erased."""
    if customer.merged_into is not None:
        raise IllegalTransition("The customer was merged into another one.")
    if customer.erased_at is not None:
        raise IllegalTransition("The customer was erased.")


def _edited(before: Customer, edit: CustomerEdit, workspace: Workspace) -> Customer:
    after = replace(
        before,
        name=edit.get("name", before.name),
        language=edit.get("language", before.language),
        time_zone=edit.get("time_zone", before.time_zone),
        organisation_id=edit.get("organisation_id", before.organisation_id),
        do_not_contact=edit.get("do_not_contact", before.do_not_contact),
    )
    if "organisation_id" in edit or "tier" in edit:
        organisation_tier = _check_organisation(after.organisation_id, workspace)
        after = replace(after, tier=edit.get("tier", before.tier) or organisation_tier)
    return after


async def _tell_tickets(customer: Customer, by: By, *, tx: Tx, desk: ClientDesk) -> None:
    key = customer.workspace_id, customer.customer_id
    last = None
    while tickets := await desk.clients.lock_customer_tickets(tx, key, last, CHUNK, only_unsolved=True):
        now = await tx.now()
        changes = [(customer_changed(ticket, by.actor, now), customer, by.cause) for ticket in tickets]
        await record(changes, tx=tx, tickets=desk.clients, ids=desk.ids)
        last = tickets[-1].ticket_id


def _joined(customer: Customer, organisation_id: str | None, workspace: Workspace) -> Customer:
    """The customer in an organisation, with its tier unless they have one of their own."""
    has_own = customer.tier != DEFAULT_TIER
    tier = customer.tier if has_own else _check_organisation(organisation_id, workspace)
    return replace(customer, organisation_id=organisation_id, tier=tier)


def _organisation_by(identities: Iterable[Identity], workspace: Workspace) -> str | None:
    """The organisation of the first mail address that belongs to one."""
    found = filter(None, map(workspace.organisation_of, identities))
    return next((organisation.organisation_id for organisation in found), None)


def _check_organisation(organisation_id: str | None, workspace: Workspace) -> str:
    """The tier of its customers."""
    organisation = next(
        (item for item in workspace.organisations if item.organisation_id == organisation_id), None
    )
    if organisation_id is not None and organisation is None:
        raise InvalidInput("There is no such organisation.", problems=(("/organisation_id", "unknown"),))
    return workspace.tier_of(organisation)
