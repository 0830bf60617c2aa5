"""Templates: texts with variables, in several languages.

A variable stands as `{{ticket.number}}`, or as `{{customer.name|customer}}` with what stands there where nothing
is known. What fills it is data: it is never read as a template, and is escaped where it stands in HTML.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from types import MappingProxyType

from services.intake.domain.one_line import one_line
from shared.vocabulary import Purpose

_PLACE = re.compile(r"\{\{\s*([a-z][a-z0-9_.]{0,60})\s*(?:\|([^{}|\n]{0,200}))?\}\}")
_MAX_SUBJECT = 250
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
# A void element holds nothing; the others end where the next of their kind begins.
_NEVER_DEEP = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"),
    *("dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"),
}
_URL = re.compile(r"https?://[^\s\"'<>]{1,2000}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,18}([.,][0-9]{1,9})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class VariableType(StrEnum):
    """What may fill a variable."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    URL = "url"


BUILT_IN: Mapping[str, VariableType] = MappingProxyType(
    {
        "customer.name": VariableType.TEXT,
        "ticket.number": VariableType.NUMBER,
        "ticket.subject": VariableType.TEXT,
        "ticket.opened_at": VariableType.DATE,
        "agent.name": VariableType.TEXT,
        "channel.name": VariableType.TEXT,
        "reply_expected_by": VariableType.DATE,
        "survey.link": VariableType.URL,
    }
)
"""What Waypost fills itself."""

FROM_THE_SENDER = frozenset({"customer.name", "ticket.subject"})
"""What somebody wrote of whom nobody knows who they are: never sent by itself to an address that they name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """A template in one language."""

    text: str
    subject: str | None = None
    html: str | None = None

    def parts(self) -> Iterator[tuple[str, str]]:
        """Each text that may have variables, by its name."""
        yield "text", self.text
        if self.subject is not None:
            yield "subject", self.subject
        if self.html is not None:
            yield "html", self.html


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is said again and again.

    texts: by language, the first one is for everybody else
    variables: its own, which whoever uses it fills
    """

    template_id: str
    purpose: Purpose
    texts: Mapping[str, TemplateText]
    variables: Mapping[str, VariableType] = field(default_factory=dict)

    def uses(self, variable: str) -> bool:
        """Whether this variable stands anywhere in it."""
        places = (place for text in self.texts.values() for _, part in text.parts() for place in names_in(part))
        return variable in places

    def language(self, *wanted: str | None) -> str:
        """The first of these languages that it has, or one of the same family; else its own first."""
        for language in filter(None, wanted):
            if found := closest_language(language, self.texts):
                return found
        return next(iter(self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A template with its variables filled."""

    text: str
    subject: str | None = None
    html: str | None = None


def render(text: TemplateText, values: Mapping[str, str]) -> Rendered:
    """The text with these values; a variable without one shows what stands behind its bar, or nothing."""
    return Rendered(
        text=_filled(text.text, values),
        subject=None if text.subject is None else one_line(_filled(text.subject, values))[:_MAX_SUBJECT],
        html=None if text.html is None else _filled(text.html, {name: _as_html(values[name]) for name in values}),
    )


def problems(text: str, known: Iterable[str]) -> Iterator[str]:
    """What is wrong with the variables of a text."""
    names = set(known)
    for name in names_in(text):
        if name not in names:
            yield f"there is no variable {name}"
    rest = _PLACE.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield "braces that hold no variable"


def depth(html: str) -> int:
    """How deep elements stand in each other at most. What reads HTML takes quadratic time over that."""
    opened: Counter[str] = Counter()
    deepest = now = 0
    for match in _TAG.finditer(html):
        name = match[2].lower()
        if name in _NEVER_DEEP:
            continue
        if not match[1]:
            opened[name] += 1
            now += 1
            deepest = max(deepest, now)
        elif opened[name]:
            opened[name] -= 1
            now -= 1
    return deepest


def fits(value: str, kind: VariableType) -> bool:
    """Whether a value is of this type."""
    match kind:
        case VariableType.TEXT:
            return len(value) <= 10_000
        case VariableType.NUMBER:
            return _NUMBER.match(value) is not None
        case VariableType.DATE:
            return _DATE.match(value) is not None
        case VariableType.URL:
            return _URL.match(value) is not None


def names_in(text: str) -> Iterator[str]:
    """The variables that stand in a text, as often as they do."""
    return (match[1] for match in _PLACE.finditer(text))


def _filled(text: str, values: Mapping[str, str]) -> str:
    # One pass: what a value holds is not looked at again.
    return _PLACE.sub(lambda match: values.get(match[1]) or (match[2] or "").strip(), text)


def _as_html(value: str) -> str:
    return escape(value).replace("\n", "<br>")


def closest_language(wanted: str, known: Iterable[str]) -> str | None:
    """`de-AT` as itself, as `de`, or as another German; None where none of these is near it."""
    languages = list(known)
    by_name = {language.lower(): language for language in reversed(languages)}
    family = wanted.lower().partition("-")[0]
    kin = next((language for language in languages if language.lower().partition("-")[0] == family), None)
    return by_name.get(wanted.lower()) or by_name.get(family) or kin
