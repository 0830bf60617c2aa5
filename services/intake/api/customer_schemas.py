"""Customers as they are shown, and what is said about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from services.intake.api.schemas import Handle, PersonName, Phone
from services.intake.app.change_customer import CustomerEdit
from services.intake.app.phone import phone_identity
from services.intake.app.template_parts import Language
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, IdentityKind, email_identity
from services.intake.domain.reachability import Reachability
from shared.errors import InvalidInput
from shared.http.types import Email, Request, Slug

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


class ExternalIdentity(Request):
    """What another system calls them."""

    kind: Literal[IdentityKind.EXTERNAL]
    value: Handle


AnyIdentity = Annotated[
    EmailIdentity | PhoneIdentity | HandleIdentity | ExternalIdentity, Field(discriminator="kind")
]
Identities = Annotated[list[AnyIdentity], Field(max_length=50)]


class CustomerRequest(Request):
    """A new customer. Without a tier they have their organisation's."""

    name: PersonName | None = None
    identities: Identities = []
    tier: Slug | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    organisation_id: Slug | None = None
    do_not_contact: StrictBool = Field(default=False, description="They want nothing but answers.")


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
    do_not_contact: StrictBool = False


class IdentifyRequest(CustomerPatch):
    """What somebody is known by, the strongest first, and what else is known of them."""

    identities: Annotated[list[AnyIdentity], Field(min_length=1, max_length=50)]
    merge: StrictBool = Field(default=False, description="Make one customer of several that they point to.")


class CustomerMergeRequest(Request):
    """Who a customer turned out to be."""

    into: UUID


class HistoryEntry(BaseModel):
    """What was done to a customer as a whole. other_id: whom they were merged with"""

    at: datetime
    action: str
    other_id: UUID | None
    actor: str


class CustomerHistoryResource(BaseModel):
    """The oldest first."""

    items: list[HistoryEntry]


class IdentityResource(BaseModel):
    """By what a customer is known."""

    kind: IdentityKind
    value: str


class FlaggedAddress(BaseModel):
    """A mail address to which nothing is sent by itself.

    undeliverable_since: when mail to it came back for good; do_not_mail_since: when somebody there complained
    """

    value: str
    undeliverable_since: datetime | None
    undeliverable_reason: str | None
    do_not_mail_since: datetime | None


class CustomerResource(BaseModel):
    """A customer."""

    customer_id: UUID
    name: str | None
    identities: list[IdentityResource]
    flagged_addresses: list[FlaggedAddress] = []
    tier: str
    language: str | None
    time_zone: str | None
    organisation_id: str | None
    do_not_contact: bool
    erased_at: datetime | None
    version: int

    @classmethod
    def of(cls, found: Found, known: Mapping[Identity, Reachability]) -> Self:
        """As it is shown. known: of its identities, as far as something is"""
        customer, identities = found
        return cls(
            customer_id=customer.customer_id,
            name=customer.name,
            identities=[
                IdentityResource(kind=item.kind, value=item.value)
                for item in sorted(identities, key=lambda item: (item.kind, item.value))
            ],
            flagged_addresses=[
                FlaggedAddress(
                    value=item.value,
                    undeliverable_since=flags.undeliverable_since,
                    undeliverable_reason=flags.undeliverable_reason,
                    do_not_mail_since=flags.do_not_mail_since,
                )
                for item in sorted(identities, key=lambda item: (item.kind, item.value))
                if (flags := known.get(item))
            ],
            tier=customer.tier,
            language=customer.language,
            time_zone=customer.time_zone,
            organisation_id=customer.organisation_id,
            do_not_contact=customer.do_not_contact,
            erased_at=customer.erased_at,
            version=customer.version,
        )


def edit_of(patch: CustomerPatch) -> CustomerEdit:
    """What was said, nulls included."""
    edit = CustomerEdit()
    for name in ("name", "tier", "language", "time_zone", "organisation_id", "do_not_contact"):
        if name in patch.model_fields_set:
            edit[name] = getattr(patch, name)
    return edit


def identity_of(item: AnyIdentity) -> Identity:
    """As the use-cases know it."""
    match item:
        case EmailIdentity():
            return email_identity(item.value)
        case PhoneIdentity():
            return phone_identity(item.value, None)
        case HandleIdentity() | ExternalIdentity():
            return Identity(kind=item.kind, value=item.value)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_time_zone(name: str | None) -> None:
    """Raises InvalidInput for one that there is not."""
    if name is not None and name not in _time_zones():
        raise InvalidInput("There is no such time zone.", problems=(("/time_zone", "unknown"),))
