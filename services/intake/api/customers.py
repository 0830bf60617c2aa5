"""`/v1/customers`: who writes to us."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from services.intake.api.callers import Clerk, Reader, asked_by
from services.intake.api.schemas import Handle, PersonName, Phone
from services.intake.app.change_customer import ClientDesk, CustomerEdit, add_customer, change_customer
from services.intake.app.phone import phone_identity
from services.intake.app.queries import Customers
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, IdentityKind, email_identity
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.etags import IfMatchHeader, etag
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.types import Email, Limit, Request, Slug

Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$")]
TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$")]

Found = tuple[Customer, Sequence[Identity]]


class EmailIdentity(Request):
    """A mail address."""

    kind: Literal[IdentityKind.EMAIL]
    value: Email


class PhoneIdentity(Request):
    """A number, with its country's prefix."""

    kind: Literal[IdentityKind.PHONE]
    value: Phone


class HandleIdentity(Request):
    """What a channel of another kind knows them by."""

    kind: Literal[IdentityKind.HANDLE]
    value: Handle


AnyIdentity = Annotated[EmailIdentity | PhoneIdentity | HandleIdentity, Field(discriminator="kind")]
Identities = Annotated[list[AnyIdentity], Field(max_length=50)]


class CustomerRequest(Request):
    """A new customer. Without a tier they have their organisation's."""

    name: PersonName | None = None
    identities: Identities = []
    tier: Slug | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    organisation_id: Slug | None = None


class CustomerPatch(Request):
    """What is to change. Null clears a field, and gives a customer their organisation's tier.

    identities: all that they have from now on
    """

    name: PersonName | None = None
    identities: Identities | None = None
    tier: Slug | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    organisation_id: Slug | None = None


class IdentityResource(BaseModel):
    """By what a customer is known."""

    kind: IdentityKind
    value: str


class CustomerResource(BaseModel):
    """A customer."""

    customer_id: UUID
    name: str | None
    identities: list[IdentityResource]
    tier: str
    language: str | None
    time_zone: str | None
    organisation_id: str | None
    version: int

    @classmethod
    def of(cls, found: Found) -> Self:
        """As it is shown."""
        customer, identities = found
        return cls(
            customer_id=customer.customer_id,
            name=customer.name,
            identities=[
                IdentityResource(kind=item.kind, value=item.value)
                for item in sorted(identities, key=lambda item: (item.kind, item.value))
            ],
            tier=customer.tier,
            language=customer.language,
            time_zone=customer.time_zone,
            organisation_id=customer.organisation_id,
            version=customer.version,
        )


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
        before = _before(cursor)
        workspace_id = principal.workspace_id
        values = None if identity is None else _spellings(identity)

        async def unit(tx: Tx) -> list[tuple[Customer, list[Identity]]]:
            return await customers.find(tx, workspace_id, values, before, limit + 1)

        found = await database.transact(unit, workspaces=[workspace_id])
        return page(found, limit, lambda item: (str(item[0].customer_id),), CustomerResource.of)

    @router.get("/v1/customers/{customer_id}")
    async def show_customer(customer_id: UUID, principal: Reader, response: Response) -> CustomerResource:
        """One customer."""
        key = principal.workspace_id, customer_id

        async def unit(tx: Tx) -> tuple[Customer, list[Identity]]:
            return await customers.get(tx, key)

        found = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(found[0].version)
        return CustomerResource.of(found)

    @router.post("/v1/customers", status_code=201, response_model=CustomerResource)
    async def create_customer(request: CustomerRequest, principal: Clerk, once: OnceHeader) -> Response:
        """A customer before their first message."""
        _check_time_zone(request.time_zone)
        identities = {_identity(item) for item in request.identities}

        async def unit(tx: Tx) -> Answer:
            customer = Customer(
                workspace_id=principal.workspace_id,
                customer_id=desk.ids.new(),
                name=request.name,
                tier="",
                language=request.language,
                time_zone=request.time_zone,
                organisation_id=request.organisation_id,
            )
            stored = await add_customer(customer, identities, tier=request.tier, tx=tx, desk=desk)
            shown = CustomerResource.of((stored, list(identities)))
            return Answer.of(201, shown, headers={"etag": etag(stored.version)})

        return await once.transact(database, unit)

    @router.patch("/v1/customers/{customer_id}")
    async def update_customer(
        customer_id: UUID, patch: CustomerPatch, principal: Clerk, if_match: IfMatchHeader, response: Response
    ) -> CustomerResource:
        """Changes what is known of a customer; their unsolved tickets tell what others decide by."""
        _check_time_zone(patch.time_zone)
        key = principal.workspace_id, customer_id
        edit = _edit(patch)
        identities = None if patch.identities is None else {_identity(item) for item in patch.identities}
        by = asked_by(principal)

        async def unit(tx: Tx) -> Found:
            changed = await change_customer(key, edit, identities, by, seen=if_match.check, tx=tx, desk=desk)
            return changed[0], list(changed[1])

        found = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(found[0].version)
        return CustomerResource.of(found)

    return router


def _edit(patch: CustomerPatch) -> CustomerEdit:
    """What was said, nulls included."""
    edit = CustomerEdit()
    for name in ("name", "tier", "language", "time_zone", "organisation_id"):
        if name in patch.model_fields_set:
            edit[name] = getattr(patch, name)
    return edit


def _identity(item: EmailIdentity | PhoneIdentity | HandleIdentity) -> Identity:
    match item:
        case EmailIdentity():
            return email_identity(item.value)
        case PhoneIdentity():
            return phone_identity(item.value, None)
        case HandleIdentity():
            return Identity(kind=IdentityKind.HANDLE, value=item.value)


def _spellings(sought: str) -> list[str]:
    """What an identity's value may be that somebody looks for."""
    return sorted({sought, email_identity(sought).value, phone_identity(sought, None).value})


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_time_zone(name: str | None) -> None:
    if name is not None and name not in _time_zones():
        raise InvalidInput("There is no such time zone.", problems=(("/time_zone", "unknown"),))


def _before(cursor: str | None) -> UUID | None:
    key = decode_cursor(cursor, str)
    try:
        return None if key is None else UUID(str(key[0]))
    except ValueError:
        raise InvalidInput("The cursor is not one of this list.", problems=(("cursor", "unknown"),)) from None
