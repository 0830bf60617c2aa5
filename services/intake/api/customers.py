"""`/v1/customers`: who writes to us."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.intake.api.callers import Clerk, Reader, asked_by
from services.intake.api.customer_schemas import (
    CustomerPatch,
    CustomerRequest,
    CustomerResource,
    check_time_zone,
    edit_of,
    identity_of,
)
from services.intake.app.change_customer import ClientDesk, add_customer, change_customer
from services.intake.app.phone import phone_identity
from services.intake.app.queries import Customers
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, email_identity
from services.intake.domain.reachability import Reachability
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.etags import IfMatchHeader, etag
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit

Flags = Mapping[Identity, Reachability]

_Sought = Annotated[
    str | None,
    Query(min_length=1, max_length=300, pattern=r"^[^\x00]+$", description="An address, a number or a handle."),
]


def routes(database: Database, customers: Customers, desk: ClientDesk) -> APIRouter:
    """Lists, single customers and their change."""
    router = api_router("customers")

    @router.get("/v1/customers")
    async def list_customers(
        principal: Reader, identity: _Sought = None, limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[CustomerResource]:
        """Customers, the newest first."""
        before = decode_id(cursor)
        workspace_id = principal.workspace_id
        values = None if identity is None else _spellings(identity)

        async def unit(tx: Tx) -> tuple[list[tuple[Customer, list[Identity]]], Flags]:
            found = await customers.find(tx, workspace_id, values, before, limit + 1)
            identities = [identity for _, known in found for identity in known]
            return found, await customers.reachability(tx, workspace_id, identities)

        found, flags = await database.transact(unit, workspaces=[workspace_id])
        return page(
            found, limit, lambda item: (str(item[0].customer_id),), lambda item: CustomerResource.of(item, flags)
        )

    @router.get("/v1/customers/{customer_id}")
    async def show_customer(customer_id: UUID, principal: Reader, response: Response) -> CustomerResource:
        """One customer, or who they turned out to be."""
        key = principal.workspace_id, customer_id

        async def unit(tx: Tx) -> CustomerResource:
            found = await customers.get(tx, key)
            return CustomerResource.of(found, await customers.reachability(tx, key[0], found[1]))

        shown = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(shown.version)
        return shown

    @router.post("/v1/customers", status_code=201, response_model=CustomerResource)
    async def create_customer(request: CustomerRequest, principal: Clerk, once: OnceHeader) -> Response:
        """A customer before their first message."""
        check_time_zone(request.time_zone)
        identities = {identity_of(item) for item in request.identities}

        async def unit(tx: Tx) -> Answer:
            customer = Customer(
                workspace_id=principal.workspace_id,
                customer_id=desk.ids.new(),
                name=request.name,
                tier="",
                language=request.language,
                time_zone=request.time_zone,
                organisation_id=request.organisation_id,
                do_not_contact=request.do_not_contact,
            )
            stored = await add_customer(customer, identities, tier=request.tier, tx=tx, desk=desk)
            shown = CustomerResource.of((stored, list(identities)), {})
            return Answer.of(201, shown, headers={"etag": etag(stored.version)})

        return await once.transact(database, unit)

    @router.patch("/v1/customers/{customer_id}")
    async def update_customer(
        customer_id: UUID, patch: CustomerPatch, principal: Clerk, if_match: IfMatchHeader, response: Response
    ) -> CustomerResource:
        """Changes what is known of a customer; their unsolved tickets tell what others decide by."""
        check_time_zone(patch.time_zone)
        key = principal.workspace_id, customer_id
        edit = edit_of(patch)
        identities = None if patch.identities is None else {identity_of(item) for item in patch.identities}
        by = asked_by(principal)

        async def unit(tx: Tx) -> CustomerResource:
            customer, known = await change_customer(
                key, edit, identities, by, seen=if_match.check, tx=tx, desk=desk
            )
            return CustomerResource.of((customer, list(known)), await customers.reachability(tx, key[0], known))

        shown = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(shown.version)
        return shown

    return router


def _spellings(sought: str) -> list[str]:
    """What an identity's value may be that somebody looks for."""
    return sorted({sought, email_identity(sought).value, phone_identity(sought, None).value})
