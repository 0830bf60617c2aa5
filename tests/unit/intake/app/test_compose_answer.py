"""What an answer says: what somebody wrote, or a template."""

import pytest

from services.intake.adapters.answering.rich_text import Nh3RichText
from services.intake.app.compose_answer import TemplateUse, preview, said_in
from services.intake.app.template_values import SAMPLES, values_of
from services.intake.domain.template import Template, TemplateText, VariableType
from services.intake.domain.workspace import Channel, Workspace
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import ChannelKind, Purpose
from tests.unit.intake.builders import NOW, a_customer, a_ticket

RICH = Nh3RichText()
TRACK = Template(
    template_id="track",
    purpose=Purpose.REPLY,
    texts={
        "en": TemplateText(text="See {{link}}", html='<a href="{{link}}">here</a>'),
        "de": TemplateText(text="Siehe {{link}}"),
    },
    variables={"link": VariableType.URL},
)
WORKSPACE = Workspace(
    version=1,
    channels={"api": Channel(channel_id="api", kind=ChannelKind.API, name="Help")},
    templates={"track": TRACK},
    staff={"grace": "Grace Hopper"},
)


def test_html_alone_gets_a_text_beside_it() -> None:
    said = said_in(None, "<p>Hello <script>x</script></p>", RICH)
    assert said is not None
    assert (said.text.strip(), said.html) == ("Hello", "<p>Hello </p>")
    assert said_in(None, None, RICH) is None


@pytest.mark.parametrize("html", ["<script>x</script>", "<img src='https://x/p.png'>", " "])
def test_html_of_which_nothing_is_left_says_nothing(html: str) -> None:
    with pytest.raises(InvalidInput):
        said_in(None, html, RICH)


def test_a_template_is_filled_and_cleaned() -> None:
    use = TemplateUse(template_id="track", variables={"link": "https://a.example/?b=1&c=2"})
    language, rendered = preview(WORKSPACE, use, SAMPLES, RICH)
    assert (language, rendered.text) == ("en", "See https://a.example/?b=1&c=2")
    assert rendered.html == '<a href="https://a.example/?b=1&amp;c=2" rel="noopener noreferrer">here</a>'
    german = TemplateUse(template_id="track", language="de-CH", variables=use.variables)
    assert preview(WORKSPACE, german, SAMPLES, RICH)[0] == "de"


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, ("/variables/link", "missing")),
        ({"link": "nowhere"}, ("/variables/link", "not a url")),
        ({"link": "https://a", "x": "y"}, ("/variables/x", "unknown")),
        ({"link": "https://a", "customer.name": "y"}, ("/variables/customer.name", "unknown")),
    ],
)
def test_variables_have_to_fit(variables: dict[str, str], problem: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        preview(WORKSPACE, TemplateUse(template_id="track", variables=variables), SAMPLES, RICH)
    assert problem in caught.value.problems


def test_a_template_has_to_be_there() -> None:
    with pytest.raises(NotFound):
        preview(WORKSPACE, TemplateUse(template_id="nope"), SAMPLES, RICH)


def test_values_are_written_as_people_read_them() -> None:
    ada = a_customer(time_zone="Europe/Berlin")
    known = values_of(a_ticket(), ada, WORKSPACE, agent_id="grace", reply_due_at=NOW)
    assert known["agent.name"] == "Grace Hopper"
    assert known["channel.name"] == "Help"
    assert known["reply_expected_by"] == "2026-03-02 10:00 CET"
    assert "survey.link" not in known
    assert values_of(a_ticket(), a_customer(name=None), WORKSPACE, agent_id="new")["agent.name"] == "new"
    odd = a_customer(time_zone="../etc/passwd")
    assert values_of(a_ticket(), odd, WORKSPACE, agent_id=None)["ticket.opened_at"] == "2026-03-02 09:00 UTC"
