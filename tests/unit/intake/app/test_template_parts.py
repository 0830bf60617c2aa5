"""Templates, notices and surveys as they are configured."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.intake.app.configuration import IntakePart, to_workspace
from services.intake.domain.notice_plan import Plan, Reason, SurveyForm
from shared.errors import InvalidInput
from shared.vocabulary import SurveyKind

ACK = {"id": "ack", "purpose": "ack", "texts": {"en": {"text": "We have {{ticket.number}}."}}}
STATUS = {"id": "news", "purpose": "status", "texts": {"en": {"text": "News."}}}
ASK = {"id": "ask", "purpose": "survey", "texts": {"en": {"text": "Well? {{survey.link}}"}}}
MAIL: dict[str, Any] = {"id": "mail", "kind": "email", "address": "support@acme.example"}


def a_part(*templates: dict[str, Any], **channel: Any) -> IntakePart:
    return IntakePart.model_validate({"channels": [{**MAIL, **channel}], "templates": list(templates)})


def refusal(part: IntakePart) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        to_workspace(1, part)
    return list(caught.value.problems)


def test_a_channel_gets_its_plans() -> None:
    notices = {
        "received": "ack",
        "solved": "news",
        "pending_reminder": {"after": "2d", "template": "news"},
        "still_working": {"every": "1d", "template": "news", "most": 3},
    }
    survey = {"template": "ask", "scale": 7, "after": "2h"}
    workspace = to_workspace(1, a_part(ACK, STATUS, ASK, notices=notices, survey=survey))
    channel = workspace.channels["mail"]
    assert channel.notices == {
        Reason.RECEIVED: Plan(template="ack"),
        Reason.SOLVED: Plan(template="news"),
        Reason.PENDING_REMINDER: Plan(template="news", wait=timedelta(days=2)),
        Reason.STILL_WORKING: Plan(template="news", wait=timedelta(days=1), most=3),
        Reason.SURVEY: Plan(template="ask", wait=timedelta(hours=2)),
    }
    assert channel.survey == SurveyForm(kind=SurveyKind.CSAT, scale=7)


def test_a_notice_that_tells_of_a_promise_waits_for_it() -> None:
    ack = {**ACK, "texts": {"en": {"text": "By {{reply_expected_by|soon}}."}}}
    plan = to_workspace(1, a_part(ack, notices={"received": "ack"})).channels["mail"].notices[Reason.RECEIVED]
    assert plan.wait > timedelta()


def test_channels_by_which_answers_leave_have_the_workspaces_survey() -> None:
    part = IntakePart.model_validate(
        {
            "channels": [
                MAIL,
                {"id": "api", "kind": "api"},
                {**MAIL, "id": "quiet", "address": "quiet@acme.example", "survey": "off"},
                {"id": "asking", "kind": "api", "survey": {"kind": "nps", "template": "ask"}},
            ],
            "templates": [ASK],
            "survey": {"template": "ask"},
        }
    )
    channels = to_workspace(1, part).channels
    assert {name: channel.survey and channel.survey.scores for name, channel in channels.items()} == {
        "mail": range(1, 6),
        "api": None,
        "quiet": None,
        "asking": range(11),
    }


@pytest.mark.parametrize(
    ("template", "pointer", "problem"),
    [
        ({"texts": {"en": {"text": "{{customer.nmae}}"}}}, "texts/en/text", "there is no variable customer.nmae"),
        ({"texts": {"en": {"text": "x", "html": "{{"}}}, "texts/en/html", "braces that hold no variable"),
        ({"texts": {"en": {"text": "{{survey.link}}"}}}, "texts/en/text", "there is no variable survey.link"),
        ({"purpose": "survey"}, "texts/en/text", "a survey needs {{survey.link}}"),
        (
            {"purpose": "survey", "texts": {"en": {"text": "Follow survey.link."}}},
            "texts/en/text",
            "a survey needs {{survey.link}}",
        ),
        (
            {"purpose": "survey", "texts": {"en": {"text": "{{ survey.link }}", "html": "<b>survey.link</b>"}}},
            "texts/en/html",
            "a survey needs {{survey.link}}",
        ),
        (
            {"texts": {"en": {"text": "x", "html": "<div>" * 101}}},
            "texts/en/html",
            "elements stand in each other more than 100 deep",
        ),
        ({"purpose": "ack", "variables": {"x": "text"}}, "variables", "only whoever replies can fill variables"),
        ({"variables": {"reply_expected_by": "text"}}, "variables/reply_expected_by", "Waypost fills it itself"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: dict[str, Any], pointer: str, problem: str) -> None:
    base = {"id": "t", "texts": {"en": {"text": "x"}}}
    assert (f"/templates/0/{pointer}", problem) in refusal(a_part({**base, **template}))


@pytest.mark.parametrize(
    ("channel", "pointer", "problem"),
    [
        ({"notices": {"received": "nope"}}, "notices/received", "there is no template nope"),
        ({"notices": {"solved": "ack"}}, "notices/solved", "its purpose is not status"),
        (
            {"notices": {"still_working": {"every": "1s", "template": "news"}}},
            "notices/still_working/every",
            "at least 1m",
        ),
        (
            {"notices": {"pending_reminder": {"after": "0s", "template": "ask"}}},
            "notices/pending_reminder/template",
            "its purpose is not status",
        ),
        ({"survey": {"template": "ask", "after": "4d"}}, "survey/after", "a ticket is closed by then"),
    ],
)
def test_what_is_wrong_with_a_channel_is_said(channel: dict[str, Any], pointer: str, problem: str) -> None:
    assert (f"/channels/0/{pointer}", problem) in refusal(a_part(ACK, STATUS, ASK, **channel))


HOTLINE = {"id": "hotline", "kind": "voice", "address": "hotline"}


def with_calls(**hotline: Any) -> IntakePart:
    channels = [MAIL, {"id": "web", "kind": "chat"}, {**HOTLINE, **hotline}]
    return IntakePart.model_validate({"channels": channels, "templates": [ACK, STATUS, ASK]})


def test_callers_are_told_by_another_channel() -> None:
    part = with_calls(notices={"callback": {"template": "ack", "by": "mail", "regions": ["AT", "CH"]}})
    (plan,) = to_workspace(1, part).channels["hotline"].notices.values()
    assert (plan.template, plan.by, plan.regions) == ("ack", "mail", frozenset({"AT", "CH"}))
    assert plan.wait > timedelta()


@pytest.mark.parametrize(
    ("hotline", "pointer"),
    [
        ({"notices": {"received": "ack"}}, "notices/received"),
        ({"survey": {"template": "ask"}}, "survey"),
        ({"notices": {"callback": {"template": "news", "by": "mail"}}}, "notices/callback/template"),
        ({"notices": {"callback": {"template": "ack", "by": "web"}}}, "notices/callback/by"),
        ({"notices": {"callback": {"template": "ack", "by": "nowhere"}}}, "notices/callback/by"),
        (
            {"notices": {"callback": {"template": "ack", "by": "mail", "regions": ["AT", "XX"]}}},
            "notices/callback/regions/1",
        ),
    ],
)
def test_nothing_else_is_written_by_a_call(hotline: dict[str, Any], pointer: str) -> None:
    assert [pointer for pointer, _ in refusal(with_calls(**hotline))] == [f"/channels/2/{pointer}"]


def test_who_writes_has_not_called() -> None:
    part = a_part(ACK, notices={"callback": {"template": "ack", "by": "mail"}})
    assert refusal(part) == [("/channels/0/notices/callback", "only a voice channel has calls")]


def test_two_templates_have_two_names() -> None:
    assert refusal(a_part(ACK, ACK)) == [("/templates/1/id", "ack stands twice")]


def test_the_first_text_is_for_everybody_else_however_it_is_stored() -> None:
    part = a_part({"id": "t", "texts": {"sv": {"text": "Hej"}, "de": {"text": "Hallo"}}})
    stored = part.model_dump(mode="json")
    stored["templates"][0]["texts"] = dict(sorted(stored["templates"][0]["texts"].items()))
    again = IntakePart.model_validate(stored)
    assert again == part
    assert to_workspace(1, again).templates["t"].language("fi") == "sv"
    odd = a_part({"id": "t", "default": "fr", "texts": {"sv": {"text": "Hej"}}})
    assert refusal(odd) == [("/templates/0/default", "there is no text in this language")]


def test_a_template_has_a_text() -> None:
    with pytest.raises(ValidationError):
        a_part({"id": "t", "texts": {}})
