"""Intake's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Iterator

from pydantic import Field

from services.intake.domain.classification import FIELDS, Rule
from services.intake.domain.customer import Organisation
from services.intake.domain.workspace import Channel, Workspace
from shared.conditions import compile_condition
from shared.configuration import repeated
from shared.errors import InvalidInput
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind, Priority


class ChannelPart(Request):
    """A way by which requests come in."""

    id: Slug
    kind: ChannelKind
    language: str | None = Field(default=None, max_length=35)
    region: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="Of phone numbers without prefix.")


class RulePart(Request):
    """Labels and priority for requests on which a CEL condition holds."""

    name: str = Field(min_length=1, max_length=100)
    when: str = Field(max_length=2000)
    labels: dict[Slug, str] = {}
    priority: Priority | None = None


class OrganisationPart(Request):
    """A client, known by its mail domains."""

    id: Slug
    name: str = Field(default="", max_length=200)
    domains: tuple[str, ...] = ()
    tier: Slug = "standard"
    language: str | None = Field(default=None, max_length=35)


class IntakePart(Request):
    """Intake's part of the configuration."""

    channels: tuple[ChannelPart, ...] = (ChannelPart(id="api", kind=ChannelKind.API),)
    rules: tuple[RulePart, ...] = ()
    organisations: tuple[OrganisationPart, ...] = ()


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
            item.id: Channel(channel_id=item.id, kind=item.kind, language=item.language, region=item.region)
            for item in part.channels
        },
        rules=tuple(
            Rule(
                name=item.name,
                condition=compile_condition(item.when, FIELDS),
                labels=item.labels,
                priority=item.priority,
            )
            for item in part.rules
        ),
        organisations=organisations,
        organisation_by_domain={domain: item for item in organisations for domain in item.domains},
    )


def _problems(part: IntakePart) -> Iterator[tuple[str, str]]:
    yield from repeated("/channels", [item.id for item in part.channels])
    yield from repeated("/organisations", [item.id for item in part.organisations])
    owners: dict[str, str] = {}
    for index, organisation in enumerate(part.organisations):
        for domain in organisation.domains:
            if owners.setdefault(domain.lower(), organisation.id) != organisation.id:
                yield f"/organisations/{index}/domains", f"{domain} belongs to {owners[domain.lower()]}"
    for index, rule in enumerate(part.rules):
        try:
            compile_condition(rule.when, FIELDS)
        except ValueError as error:
            yield f"/rules/{index}/when", str(error)
