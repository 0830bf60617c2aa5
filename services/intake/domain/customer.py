"""Customers and the identities that point to them."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.errors import IllegalTransition

DEFAULT_TIER = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person, or an unknown one, behind one or more identities.

    tier: what the organisation buys, such as `gold`; decides targets and routing
    do_not_contact: whether they want nothing but answers: no notices, no surveys
    merged_into: who they turned out to be; erased_at: since when nothing personal is known of them any more
    """

    workspace_id: str
    customer_id: UUID
    name: str | None
    tier: str
    language: str | None
    time_zone: str | None
    organisation_id: str | None
    do_not_contact: bool = False
    merged_into: UUID | None = None
    erased_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A client: everybody whose mail comes from its domains."""

    organisation_id: str
    domains: frozenset[str]
    tier: str
    language: str | None = None


def merge(source: Customer, target: Customer) -> tuple[Customer, Customer]:
    """Both after the source turned out to be the target, who keeps what is known and learns what was not.

    With an organisation comes its tier, unless the target has one of their own.
    Raises IllegalTransition for the same one, or one that was merged or erased.
    """
    if source.customer_id == target.customer_id:
        raise IllegalTransition("A customer cannot be merged into themselves.")
    if any(customer.merged_into or customer.erased_at for customer in (source, target)):
        raise IllegalTransition("One of the customers was merged or erased.")
    gone = replace(
        source,
        name=None,
        language=None,
        time_zone=None,
        merged_into=target.customer_id,
        version=source.version + 1,
    )
    joins = target.organisation_id is None and source.organisation_id is not None
    kept = replace(
        target,
        tier=source.tier if joins and target.tier == DEFAULT_TIER else target.tier,
        name=target.name or source.name,
        language=target.language or source.language,
        time_zone=target.time_zone or source.time_zone,
        organisation_id=target.organisation_id or source.organisation_id,
        do_not_contact=target.do_not_contact or source.do_not_contact,
        version=target.version + 1,
    )
    return gone, kept


def erase(customer: Customer, now: datetime) -> Customer:
    """The customer without anything personal. Raises IllegalTransition for one who was merged."""
    if customer.merged_into is not None:
        raise IllegalTransition("The customer was merged into another one.")
    return replace(customer, name=None, language=None, time_zone=None, erased_at=now, version=customer.version + 1)
