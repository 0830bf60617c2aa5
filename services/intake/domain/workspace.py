"""What intake is told about one workspace, ready to decide by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.intake.domain.classification import Rule
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.message import Identity, IdentityKind
from shared.errors import InvalidInput
from shared.vocabulary import ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A configured address, number or API by which requests come and answers leave."""

    channel_id: str
    kind: ChannelKind
    language: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The workspace's configuration as intake decides by it."""

    version: int
    channels: Mapping[str, Channel]
    rules: tuple[Rule, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    organisation_by_domain: Mapping[str, Organisation] = field(default_factory=dict)

    def channel(self, channel_id: str) -> Channel:
        """A configured channel. Raises InvalidInput where there is none of this name."""
        if channel := self.channels.get(channel_id):
            return channel
        raise InvalidInput("There is no such channel.", problems=(("/channel", "unknown"),))

    def organisation_of(self, identity: Identity | None) -> Organisation | None:
        """The organisation that an address belongs to, by its domain."""
        if identity is None or identity.kind is not IdentityKind.EMAIL:
            return None
        return self.organisation_by_domain.get(identity.value.rpartition("@")[2])

    def tier_of(self, organisation: Organisation | None) -> str:
        """The tier of a customer of this organisation."""
        return organisation.tier if organisation else DEFAULT_TIER
