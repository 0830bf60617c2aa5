"""Templates, notices and surveys as they are configured: written, checked, and turned into what decides."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from services.intake.app.phone import is_region
from services.intake.domain.call_follow_up import PATIENCE
from services.intake.domain.notice_plan import WAIT_FOR_PROMISE, Plan, Reason, SurveyForm
from services.intake.domain.template import (
    BUILT_IN,
    Template,
    TemplateText,
    VariableType,
    depth,
    names_in,
    problems,
)
from shared.configuration import Problem, repeated
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind, Purpose, SurveyKind

Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

_CALLS_BACK = (ChannelKind.SMS, ChannelKind.EMAIL)
_OF_CALLS = "nothing can be written by a call: it has no notice but callback"
_SHORTEST = timedelta(minutes=1)
_OF_SURVEYS = "survey.link"
_DEEPEST = 100


class TemplateTextPart(Request):
    """A template in one language."""

    subject: str | None = Field(
        default=None, min_length=1, max_length=250, description="Without it, the ticket's."
    )
    text: str = Field(min_length=1, max_length=50_000)
    html: str | None = Field(default=None, max_length=100_000)


class TemplatePart(Request):
    """What is said again and again."""

    id: Slug
    purpose: Literal[Purpose.REPLY, Purpose.ACK, Purpose.STATUS, Purpose.SURVEY] = Purpose.REPLY
    variables: Annotated[dict[VariableName, VariableType], Field(max_length=30)] = {}
    texts: Annotated[dict[Language, TemplateTextPart], Field(min_length=1, max_length=30)]
    default: Language | None = Field(
        default=None, description="For whom there is no text in their language; by default the first one."
    )

    @model_validator(mode="before")
    @classmethod
    def _keep_first(cls, content: object) -> object:
        # The database keeps no order of names.
        if isinstance(content, dict) and content.get("default") is None and isinstance(content.get("texts"), dict):
            return {**content, "default": next(iter(content["texts"]), None)}
        return content

    def ordered(self) -> list[tuple[str, TemplateTextPart]]:
        """The texts by language, the default one first."""
        return sorted(self.texts.items(), key=lambda item: (item[0] != self.default, item[0]))


class ReminderPart(Request):
    """A notice to a customer who has not answered."""

    after: Duration = Field(description="How long after the ticket became pending.")
    template: Slug


class StillWorkingPart(Request):
    """A notice that comes again while nobody has written."""

    every: Duration
    template: Slug
    most: int = Field(default=5, ge=1, le=20, description="How often at most for one ticket.")


class CallbackPart(Request):
    """A notice to a caller who reached nobody."""

    template: Slug
    by: Slug = Field(description="The channel by which it leaves: one of kind sms or email.")
    regions: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...], Field(max_length=250)
    ] = Field(default=(), description="Countries to whose numbers it goes by sms, besides the channel's own.")


class NoticesPart(Request):
    """What customers are told without anybody writing it. Each names a template."""

    received: Slug | None = None
    assigned: Slug | None = None
    escalated: Slug | None = None
    solved: Slug | None = None
    pending_reminder: ReminderPart | None = None
    still_working: StillWorkingPart | None = None
    callback: CallbackPart | None = Field(default=None, description="Of a voice channel, which has no other.")


class SurveyPart(Request):
    """What customers are asked after their ticket was solved."""

    kind: SurveyKind = SurveyKind.CSAT
    scale: Literal[3, 5, 7] = Field(default=5, description="Points of a CSAT; an NPS always goes from 0 to 10.")
    after: Duration = Field(default=timedelta(hours=1), description="How long after solving.")
    template: Slug


def to_templates(parts: tuple[TemplatePart, ...]) -> dict[str, Template]:
    """The templates by id."""
    return {
        part.id: Template(
            template_id=part.id,
            purpose=part.purpose,
            texts={
                language: TemplateText(text=text.text, subject=text.subject, html=text.html)
                for language, text in part.ordered()
            },
            variables=part.variables,
        )
        for part in parts
    }


def to_plans(
    notices: NoticesPart | None, survey: SurveyPart | None, templates: Mapping[str, Template]
) -> dict[Reason, Plan]:
    """What is sent for which reason."""
    if notices is None:
        plans = {}
    else:
        at_once = {
            Reason.RECEIVED: notices.received,
            Reason.ASSIGNED: notices.assigned,
            Reason.ESCALATED: notices.escalated,
            Reason.SOLVED: notices.solved,
        }
        plans = {reason: Plan(template=name) for reason, name in at_once.items() if name is not None}
        if (received := notices.received) and templates[received].uses("reply_expected_by"):
            plans[Reason.RECEIVED] = Plan(template=received, wait=WAIT_FOR_PROMISE)
        if reminder := notices.pending_reminder:
            plans[Reason.PENDING_REMINDER] = Plan(template=reminder.template, wait=reminder.after)
        if working := notices.still_working:
            plans[Reason.STILL_WORKING] = Plan(template=working.template, wait=working.every, most=working.most)
        if callback := notices.callback:
            plans[Reason.CALLBACK] = Plan(
                template=callback.template, wait=PATIENCE, by=callback.by, regions=frozenset(callback.regions)
            )
    if survey is not None:
        plans[Reason.SURVEY] = Plan(template=survey.template, wait=survey.after)
    return plans


def to_form(survey: SurveyPart | None) -> SurveyForm | None:
    """What is asked."""
    if survey is None:
        return None
    return SurveyForm(kind=survey.kind, scale=10 if survey.kind is SurveyKind.NPS else survey.scale)


def template_problems(parts: tuple[TemplatePart, ...]) -> Iterator[Problem]:
    """What is wrong with these templates."""
    yield from repeated("/templates", [part.id for part in parts])
    for index, part in enumerate(parts):
        at = f"/templates/{index}"
        if part.variables and part.purpose is not Purpose.REPLY:
            yield f"{at}/variables", "only whoever replies can fill variables"
        for name in part.variables:
            if name in BUILT_IN:
                yield f"{at}/variables/{name}", "Waypost fills it itself"
        if part.default not in part.texts:
            yield f"{at}/default", "there is no text in this language"
        known = {*BUILT_IN, *part.variables}
        if part.purpose is not Purpose.SURVEY:
            known.discard(_OF_SURVEYS)
        for language, text in part.texts.items():
            written = to_templates((part,))[part.id].texts[language]
            for name, content in written.parts():
                for problem in problems(content, known):
                    yield f"{at}/texts/{language}/{name}", problem
                # Whoever reads the HTML never sees the text.
                is_read = name in ("text", "html") and part.purpose is Purpose.SURVEY
                if is_read and _OF_SURVEYS not in names_in(content):
                    yield f"{at}/texts/{language}/{name}", "a survey needs {{survey.link}}"
            if text.html is not None and depth(text.html) > _DEEPEST:
                yield f"{at}/texts/{language}/html", f"elements stand in each other more than {_DEEPEST} deep"


def notice_problems(
    at: str,
    kind: ChannelKind,
    notices: NoticesPart,
    templates: tuple[TemplatePart, ...],
    kinds: Mapping[str, ChannelKind],
) -> Iterator[Problem]:
    """What is wrong with these notices of a channel of this kind. kinds: those of all channels"""
    named_by_part = {name for name in NoticesPart.model_fields if getattr(notices, name) is not None}
    for name in sorted(named_by_part):
        if (name == "callback") != (kind is ChannelKind.VOICE):
            yield f"{at}/{name}", _OF_CALLS if kind is ChannelKind.VOICE else "only a voice channel has calls"
    if notices.callback:
        yield from _callback_problems(f"{at}/callback", notices.callback, kinds)
    purposes = {template.id: template.purpose for template in templates}
    named = {
        "received": (notices.received, Purpose.ACK),
        "assigned": (notices.assigned, Purpose.STATUS),
        "escalated": (notices.escalated, Purpose.STATUS),
        "solved": (notices.solved, Purpose.STATUS),
        "pending_reminder/template": (
            notices.pending_reminder.template if notices.pending_reminder else None,
            Purpose.STATUS,
        ),
        "still_working/template": (
            notices.still_working.template if notices.still_working else None,
            Purpose.STATUS,
        ),
        "callback/template": (notices.callback.template if notices.callback else None, Purpose.ACK),
    }
    for name, (template, purpose) in named.items():
        if template is not None:
            yield from _template_problems(f"{at}/{name}", template, purpose, purposes)
    if notices.pending_reminder and notices.pending_reminder.after < _SHORTEST:
        yield f"{at}/pending_reminder/after", "at least 1m"
    if notices.still_working and notices.still_working.every < _SHORTEST:
        yield f"{at}/still_working/every", "at least 1m"


def _callback_problems(at: str, callback: CallbackPart, kinds: Mapping[str, ChannelKind]) -> Iterator[Problem]:
    if kinds.get(callback.by) not in _CALLS_BACK:
        yield f"{at}/by", f"there is no channel {callback.by} of kind sms or email"
    for index, region in enumerate(callback.regions):
        if not is_region(region):
            yield f"{at}/regions/{index}", f"there are no phone numbers of {region}"


def survey_problems(
    at: str, survey: SurveyPart, templates: tuple[TemplatePart, ...], close_after: timedelta
) -> Iterator[Problem]:
    """What is wrong with this survey of a channel."""
    purposes = {template.id: template.purpose for template in templates}
    yield from _template_problems(f"{at}/template", survey.template, Purpose.SURVEY, purposes)
    if survey.after >= close_after:
        yield f"{at}/after", "a ticket is closed by then"


def _template_problems(
    at: str, template: str, purpose: Purpose, purposes: Mapping[str, Purpose]
) -> Iterator[Problem]:
    if template not in purposes:
        yield at, f"there is no template {template}"
    elif purposes[template] is not purpose:
        yield at, f"its purpose is not {purpose}"
