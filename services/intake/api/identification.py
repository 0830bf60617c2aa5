"""Who a customer is: identified, merged with another one, forgotten."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.intake.api.callers import Clerk, Reader, asked_by
from services.intake.api.customer_schemas import (
    CustomerHistoryResource,
    CustomerMergeRequest,
    CustomerResource,
    HistoryEntry,
    IdentifyRequest,
    check_time_zone,
    edit_of,
    identity_of,
)
from services.intake.app.change_customer import ClientDesk
from services.intake.app.client_ports import CustomerHistory, Erasure
from services.intake.app.erase_customer import erase_customer
from services.intake.app.identify_customer import identify_customer
from services.intake.app.merge_customers import merge_customers
from services.intake.app.queries import Customers
from services.intake.domain.customer import Customer
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.etags import etag
from shared.http.idempotency import Answer, OnceHeader


def routes(database: Database, customers: Customers, desk: ClientDesk, erasure: Erasure) -> APIRouter:
    """Identify, merge, erase."""
    router = api_router("customers")

    @router.post(
        "/v1/customers/identify",
        status_code=201,
        response_model=CustomerResource,
        responses={200: {"model": CustomerResource, "description": "Known before"}},
    )
    async def identify(request: IdentifyRequest, principal: Clerk, once: OnceHeader) -> Response:
        """Finds or makes the one customer behind these identities, for which the caller vouches."""
        check_time_zone(request.time_zone)
        identities = list(dict.fromkeys(map(identity_of, request.identities)))
        by = asked_by(principal)

        async def unit(tx: Tx) -> Answer:
            stranger = Customer(
                workspace_id=principal.workspace_id,
                customer_id=desk.ids.new(),
                name=request.name,
                tier="",
                language=request.language,
                time_zone=request.time_zone,
                organisation_id=request.organisation_id,
                do_not_contact=request.do_not_contact,
            )
            customer, known, is_new = await identify_customer(
                stranger, identities, edit_of(request), by, may_merge=request.merge, tx=tx, desk=desk
            )
            flags = await customers.reachability(tx, principal.workspace_id, known)
            shown = CustomerResource.of((customer, list(known)), flags)
            return Answer.of(201 if is_new else 200, shown, headers={"etag": etag(customer.version)})

        return await once.transact(database, unit)

    @router.post("/v1/customers/{customer_id}/merge", response_model=CustomerResource)
    async def merge(
        customer_id: UUID, request: CustomerMergeRequest, principal: Clerk, once: OnceHeader
    ) -> Response:
        """Makes this customer another one: identities, tickets and messages are theirs from now on."""
        by = asked_by(principal)

        async def unit(tx: Tx) -> Answer:
            key = principal.workspace_id, customer_id
            customer, known = await merge_customers(key, request.into, by, tx=tx, desk=desk)
            flags = await customers.reachability(tx, principal.workspace_id, known)
            shown = CustomerResource.of((customer, list(known)), flags)
            return Answer.of(200, shown, headers={"etag": etag(customer.version)})

        return await once.transact(database, unit)

    @router.get("/v1/customers/{customer_id}/history")
    async def show_history(customer_id: UUID, principal: Reader) -> CustomerHistoryResource:
        """Who merged or erased this customer, and when."""
        key = principal.workspace_id, customer_id

        async def unit(tx: Tx) -> list[CustomerHistory]:
            await customers.get(tx, key)
            return await customers.history(tx, key)

        found = await database.transact(unit, workspaces=[principal.workspace_id])
        return CustomerHistoryResource(
            items=[
                HistoryEntry(at=item.at, action=item.action, other_id=item.other_id, actor=item.actor)
                for item in found
            ]
        )

    @router.delete("/v1/customers/{customer_id}", status_code=204)
    async def erase(customer_id: UUID, principal: Annotated[Principal, allowed("admin")]) -> None:
        """Forgets a person: names, addresses, texts and files. Their tickets are closed; ids and numbers stay."""
        key = principal.workspace_id, customer_id
        by = asked_by(principal)

        async def unit(tx: Tx) -> None:
            await erase_customer(key, by, tx=tx, desk=desk, erasure=erasure)

        await database.transact(unit, workspaces=[principal.workspace_id])

    return router
