"""Intake's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import Field

from services.intake.app.channel_parts import ChannelPart, channel_problems, to_channel
from services.intake.app.rule_parts import Language, RulePart, WordListPart, rule_problems, to_rule_book
from services.intake.app.secrets import Secret
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.workspace import Workspace
from shared.configuration import repeated
from shared.errors import InvalidInput
from shared.http.types import MailDomain, Request, Slug
from shared.vocabulary import ChannelKind


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
    languages: tuple[Language, ...] = Field(default=(), max_length=20, description="That customers write in.")
    rules: Annotated[tuple[RulePart, ...], Field(max_length=500)] = ()
    word_lists: Annotated[tuple[WordListPart, ...], Field(max_length=100)] = ()
    organisations: tuple[OrganisationPart, ...] = ()


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
        languages=part.languages,
        rules=to_rule_book(version, part.rules, part.word_lists),
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
    yield from repeated("/languages", part.languages, "id")
    yield from rule_problems(part.rules, part.word_lists)
