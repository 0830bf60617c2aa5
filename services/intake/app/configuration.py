"""Intake's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from services.intake.app.channel_parts import ChannelPart, channel_problems, to_channel
from services.intake.app.secrets import Secret
from services.intake.domain.classification import FIELDS, Rule
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.workspace import Workspace
from shared import conditions
from shared.conditions import MISSING_LABEL, compile_condition
from shared.configuration import repeated
from shared.errors import InvalidInput
from shared.http.types import MailDomain, Request, Slug
from shared.vocabulary import ChannelKind, Priority

LabelValue = Annotated[str, StringConstraints(max_length=200)]
Labels = Annotated[dict[Slug, LabelValue], Field(max_length=50)]


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


def to_workspace(version: int, part: IntakePart, opened: Callable[[Secret], str] = str) -> Workspace:
    """What decides. Raises InvalidInput naming every rule that the part breaks.

    opened: opens a sealed secret, or raises ValueError
    """
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
        channels={item.id: to_channel(item, opened) for item in part.channels},
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


def _problems(part: IntakePart) -> Iterator[tuple[str, str]]:
    yield from channel_problems(part.channels)
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
