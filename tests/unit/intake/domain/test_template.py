"""Templates: what stands in them, what fills them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.template import (
    BUILT_IN,
    Template,
    TemplateText,
    VariableType,
    depth,
    fits,
    problems,
    render,
)
from shared.vocabulary import Purpose


def a_template(**texts: str) -> Template:
    return Template(
        template_id="hello",
        purpose=Purpose.REPLY,
        texts={language.replace("_", "-"): TemplateText(text=text) for language, text in texts.items()},
    )


def test_variables_are_filled_in_every_part() -> None:
    text = TemplateText(
        subject="About {{ticket.number}}",
        text="Dear {{ customer.name }}, {{ticket.number}} is yours.",
        html="<p>Dear {{customer.name}}</p>",
    )
    rendered = render(text, {"customer.name": "Ada & Co\n<b>", "ticket.number": "7"})
    assert rendered.subject == "About 7"
    assert rendered.text == "Dear Ada & Co\n<b>, 7 is yours."
    assert rendered.html == "<p>Dear Ada &amp; Co<br>&lt;b&gt;</p>"


def test_what_is_not_known_shows_what_stands_behind_the_bar_or_nothing() -> None:
    text = TemplateText(text="Dear {{customer.name|customer}}, {{agent.name}}{{ticket.subject| }}!")
    assert render(text, {}).text == "Dear customer, !"
    assert render(text, {"customer.name": "Ada"}).text == "Dear Ada, !"


@given(st.text())
def test_what_fills_a_variable_is_never_read_as_a_template(value: str) -> None:
    values = {"customer.name": value, "ticket.subject": "{{customer.name}}", "agent.name": "secret"}
    text = TemplateText(text="{{customer.name}}|{{ticket.subject}}")
    assert render(text, values).text == f"{value}|{{{{customer.name}}}}"
    html = render(TemplateText(text="x", html="<p>{{customer.name}}</p>"), values).html
    assert html is not None
    assert set(html[3:-4].replace("<br>", "")).isdisjoint({"<", ">", '"', "'"})


def test_no_value_begins_another_line_of_a_subject() -> None:
    text = TemplateText(text="x", subject="Re: {{ticket.subject}}")
    subject = render(text, {"ticket.subject": "a\r\nBcc: evil@x\u2028b" + "c" * 500}).subject
    assert subject is not None
    assert subject.startswith("Re: a Bcc: evil@x b")
    assert len(subject) == 250
    assert subject.isprintable()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear {{customer.name}}", []),
        ("Dear {{customer.nmae}}", ["there is no variable customer.nmae"]),
        ("{{ticket.number", ["braces that hold no variable"]),
        ("{{}} {{Ticket}}", ["braces that hold no variable"]),
        ("{{ticket.number|{{customer.name}}}}", ["braces that hold no variable"]),
        ("{ticket.number} {% if %}", []),
    ],
)
def test_what_is_wrong_with_a_text_is_said(text: str, found: list[str]) -> None:
    assert list(problems(text, BUILT_IN)) == found


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (("de",), "de"),
        (("de-AT",), "de"),
        (("DE",), "de"),
        (("pt",), "pt-BR"),
        (("pt-PT",), "pt-BR"),
        ((None, "fr", "de"), "de"),
        (("fr",), "en"),
        ((), "en"),
    ],
)
def test_the_first_language_that_it_has_or_its_own_first(wanted: tuple[str | None, ...], language: str) -> None:
    assert a_template(en="Hello", de="Hallo", pt_BR="Olá").language(*wanted) == language


def test_a_template_knows_what_it_uses() -> None:
    template = a_template(en="Hello", de="bis {{reply_expected_by|bald}}")
    assert template.uses("reply_expected_by")
    assert not template.uses("customer.name")


@pytest.mark.parametrize(
    ("value", "kind", "does"),
    [
        ("anything <at> all", VariableType.TEXT, True),
        ("x" * 10_001, VariableType.TEXT, False),
        ("-12,50", VariableType.NUMBER, True),
        ("twelve", VariableType.NUMBER, False),
        ("2026-11-22", VariableType.DATE, True),
        ("22.11.2026", VariableType.DATE, False),
        ("https://example.com/a?b=1", VariableType.URL, True),
        ("javascript:alert(1)", VariableType.URL, False),
        ('https://x/" onclick="', VariableType.URL, False),
    ],
)
def test_a_value_is_of_its_type(value: str, kind: VariableType, *, does: bool) -> None:
    assert fits(value, kind) is does


@pytest.mark.parametrize(
    ("html", "deep"),
    [
        ("plain", 0),
        ("<p>One<br>two<p>three<ul><li>four<li><b>five</b></ul>", 2),
        ("<div></div>" * 500, 1),
        ("<div><SPAN>" * 60, 120),
        ("<i/>" * 120, 120),
        ("<p><b id=1></p>" * 120, 120),
        ("</div>" * 120 + "<div>" * 3, 3),
    ],
)
def test_how_deep_elements_stand_in_each_other(html: str, deep: int) -> None:
    assert depth(html) == deep
