"""Customers and the identities that point to them."""

from dataclasses import dataclass
from uuid import UUID

DEFAULT_TIER = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person, or an unknown one, behind one or more identities.

    tier: what the organisation buys, such as `gold`; decides targets and routing
    """

    workspace_id: str
    customer_id: UUID
    name: str | None
    tier: str
    language: str | None
    time_zone: str | None
    organisation_id: str | None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A client: everybody whose mail comes from its domains."""

    organisation_id: str
    domains: frozenset[str]
    tier: str
    language: str | None = None
