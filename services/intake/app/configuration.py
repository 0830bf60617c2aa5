"""Intake's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from services.intake.domain.classification import FIELDS, Rule
from services.intake.domain.conversation import FOR_EVER, NEVER
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.workspace import CLOSE_AFTER, Channel, Workspace
from shared import conditions
from shared.conditions import MISSING_LABEL, compile_condition
from shared.configuration import repeated
from shared.durations import Duration
from shared.errors import InvalidInput
from shared.http.types import MailDomain, Request, Slug
from shared.vocabulary import ChannelKind, Priority

LabelValue = Annotated[str, StringConstraints(max_length=200)]
Labels = Annotated[dict[Slug, LabelValue], Field(max_length=50)]
Address = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9._=#&'*-]{1,30}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63}){0,6}$")
]


class ChannelPart(Request):
    """A way by which requests come in."""

    id: Slug
    kind: ChannelKind
    language: str | None = Field(default=None, max_length=35)
    region: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="Of phone numbers without prefix.")
    close_after: Duration = Field(
        default=CLOSE_AFTER, description="How long a solved ticket waits for its customer before it is closed."
    )
    follow_up: Literal["reopen", "new_linked"] = Field(
        default="reopen",
        description="Whether a customer's message reopens a solved ticket, or opens a new one linked to it.",
    )
    reopen_within: Duration | None = Field(
        default=None, description="How long after it was solved a message still reopens; without it, until closed."
    )
    address: Address | None = Field(
        default=None,
        description="Of a mail channel: where mail comes in and from where answers leave. Nobody else has it.",
    )
    name: str | None = Field(default=None, min_length=1, max_length=100, description="Shown beside the address.")
    allows_lists: StrictBool = Field(default=False, description="Whether mail of mailing lists opens tickets.")


class RulePart(Request):
    """Labels and priority for requests on which a CEL condition holds."""

    name: str = Field(min_length=1, max_length=100)
    when: str = Field(max_length=2000)
    labels: Labels = {}
    priority: Priority | None = None


class OrganisationPart(Request):
    """A client, known by its mail domains."""

    id: Slug
    name: str = Field(default="", max_length=200)
    domains: tuple[MailDomain, ...] = ()
    tier: Slug = DEFAULT_TIER
    language: str | None = Field(default=None, max_length=35)


class IntakePart(Request):
    """Intake's part of the configuration."""

    channels: tuple[ChannelPart, ...] = (ChannelPart(id="api", kind=ChannelKind.API),)
    rules: tuple[RulePart, ...] = ()
    organisations: tuple[OrganisationPart, ...] = ()


@dataclass(frozen=True, slots=True)
class _Condition:
    """A rule's condition. One that reads what is not there does not hold; any other failure cannot be told."""

    compiled: conditions.Condition

    def holds(self, variables: Mapping[str, Mapping[str, object]]) -> bool | None:
        holds, problem = self.compiled.evaluate(variables)
        return None if problem is not None and problem != MISSING_LABEL else holds


def to_workspace(version: int, part: IntakePart) -> Workspace:
    """What decides. Raises InvalidInput naming every rule that the part breaks."""
    if problems := tuple(_problems(part)):
        raise InvalidInput("The configuration breaks rules.", problems=problems)
    organisations = tuple(
        Organisation(
            organisation_id=item.id,
            domains=frozenset(domain.lower() for domain in item.domains),
            tier=item.tier,
            language=item.language,
        )
        for item in part.organisations
    )
    return Workspace(
        version=version,
        channels={
            item.id: Channel(
                channel_id=item.id,
                kind=item.kind,
                language=item.language,
                region=item.region,
                close_after=item.close_after,
                reopens_within=_reopens_within(item),
                address=item.address.lower() if item.address else None,
                name=item.name,
                allows_lists=item.allows_lists,
            )
            for item in part.channels
        },
        rules=tuple(
            Rule(
                name=item.name,
                condition=_Condition(compile_condition(item.when, FIELDS)),
                labels=item.labels,
                priority=item.priority,
            )
            for item in part.rules
        ),
        organisations=organisations,
        organisation_by_domain={domain: item for item in organisations for domain in item.domains},
    )


def _reopens_within(channel: ChannelPart) -> timedelta:
    if channel.follow_up == "new_linked":
        return NEVER
    return FOR_EVER if channel.reopen_within is None else channel.reopen_within


def _problems(part: IntakePart) -> Iterator[tuple[str, str]]:
    yield from repeated("/channels", [item.id for item in part.channels])
    addresses: set[str] = set()
    for index, channel in enumerate(part.channels):
        if channel.follow_up == "new_linked" and channel.reopen_within is not None:
            yield f"/channels/{index}/reopen_within", "says nothing where no message reopens"
        if (channel.kind is ChannelKind.EMAIL) != (channel.address is not None):
            yield f"/channels/{index}/address", "a mail channel has one, any other has none"
        if channel.address and channel.address.lower() in addresses:
            yield f"/channels/{index}/address", "stands twice"
        addresses.add((channel.address or "").lower())
    yield from repeated("/organisations", [item.id for item in part.organisations])
    owners: dict[str, str] = {}
    for index, organisation in enumerate(part.organisations):
        for domain in organisation.domains:
            if owners.setdefault(domain.lower(), organisation.id) != organisation.id:
                yield f"/organisations/{index}/domains", f"{domain} belongs to {owners[domain.lower()]}"
    yield from repeated("/rules", [item.name for item in part.rules], "name")
    for index, rule in enumerate(part.rules):
        try:
            compile_condition(rule.when, FIELDS)
        except ValueError as error:
            yield f"/rules/{index}/when", str(error)
