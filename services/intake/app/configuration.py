"""Intake's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from services.intake.app.channel_parts import ChannelPart, channel_problems, to_channel
from services.intake.app.rule_parts import Language, RulePart, WordListPart, rule_problems, to_rule_book
from services.intake.app.template_parts import (
    SurveyPart,
    TemplatePart,
    notice_problems,
    survey_problems,
    template_problems,
    to_form,
    to_plans,
    to_templates,
)
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.template import Template
from services.intake.domain.workspace import Channel, Workspace
from shared.configuration import refuse, repeated
from shared.http.types import MailDomain, Request, Slug
from shared.secrets import Secret
from shared.vocabulary import ChannelKind

_UNASKED = frozenset({ChannelKind.API, ChannelKind.VOICE})
"""Kinds of channels that ask only where they say so: answers may not reach the customer by them."""


class OrganisationPart(Request):
    """A client, known by its mail domains."""

    id: Slug
    name: str = Field(default="", max_length=200)
    domains: tuple[MailDomain, ...] = ()
    tier: Slug = DEFAULT_TIER
    language: str | None = Field(default=None, max_length=35)


class StaffPart(Request):
    """What an agent is called where templates name them."""

    agent: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)


class IntakePart(Request):
    """Intake's part of the configuration."""

    channels: tuple[ChannelPart, ...] = (ChannelPart(id="api", kind=ChannelKind.API),)
    languages: tuple[Language, ...] = Field(default=(), max_length=20, description="That customers write in.")
    rules: Annotated[tuple[RulePart, ...], Field(max_length=500)] = ()
    word_lists: Annotated[tuple[WordListPart, ...], Field(max_length=100)] = ()
    organisations: tuple[OrganisationPart, ...] = ()
    templates: tuple[TemplatePart, ...] = Field(default=(), max_length=500)
    survey: SurveyPart | None = Field(
        default=None, description="Of channels by which answers leave, unless they say."
    )
    staff: tuple[StaffPart, ...] = ()


def to_workspace(
    version: int, part: IntakePart, opened: Callable[[Secret], str] = str, *, written: bool = False
) -> Workspace:
    """What decides. Raises InvalidInput naming every rule that the part breaks.

    opened: opens a sealed secret, or raises ValueError
    written: somebody writes the part now: then it is also asked what its expressions may cost
    """
    refuse(_problems(part, written=written))
    organisations = tuple(
        Organisation(
            organisation_id=item.id,
            domains=frozenset(domain.lower() for domain in item.domains),
            tier=item.tier,
            language=item.language,
        )
        for item in part.organisations
    )
    templates = to_templates(part.templates)
    return Workspace(
        version=version,
        channels={item.id: _answering(part, item, to_channel(item, opened), templates) for item in part.channels},
        languages=part.languages,
        rules=to_rule_book(version, part.rules, part.word_lists),
        organisations=organisations,
        organisation_by_domain={domain: item for item in organisations for domain in item.domains},
        templates=templates,
        staff={item.agent: item.name for item in part.staff},
    )


def _answering(
    part: IntakePart, item: ChannelPart, channel: Channel, templates: Mapping[str, Template]
) -> Channel:
    """The channel with its notices and its survey."""
    survey = _survey_of(part, item)
    return replace(channel, notices=to_plans(item.notices, survey, templates), survey=to_form(survey))


def _survey_of(part: IntakePart, item: ChannelPart) -> SurveyPart | None:
    if item.survey == "off":
        return None
    return item.survey or (part.survey if item.kind not in _UNASKED else None)


def _problems(part: IntakePart, *, written: bool) -> Iterator[tuple[str, str]]:
    yield from channel_problems(part.channels)
    yield from repeated("/organisations", [item.id for item in part.organisations])
    owners: dict[str, str] = {}
    for index, organisation in enumerate(part.organisations):
        for domain in organisation.domains:
            if owners.setdefault(domain.lower(), organisation.id) != organisation.id:
                yield f"/organisations/{index}/domains", f"{domain} belongs to {owners[domain.lower()]}"
    yield from repeated("/languages", part.languages, "id")
    yield from rule_problems(part.rules, part.word_lists, written=written)
    yield from template_problems(part.templates)
    kinds = {channel.id: channel.kind for channel in part.channels}
    for index, channel in enumerate(part.channels):
        if channel.kind is ChannelKind.VOICE and channel.survey not in (None, "off"):
            yield f"/channels/{index}/survey", "nothing can be written by a call"
        if channel.notices:
            at = f"/channels/{index}/notices"
            yield from notice_problems(at, channel.kind, channel.notices, part.templates, kinds)
        if survey := _survey_of(part, channel):
            at = "/survey" if channel.survey is None else f"/channels/{index}/survey"
            yield from survey_problems(at, survey, part.templates, channel.close_after)
