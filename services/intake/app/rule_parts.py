"""Intake rules, word lists and languages as they are configured, checked, and turned into what decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from services.intake.domain import classification
from services.intake.domain.classification import Fate, Rule, RuleBook, Static, Value, Variables, Weighted
from services.intake.domain.word_lists import WordList, word_list
from shared import conditions
from shared.conditions import MISSING_LABEL, Fields, Prepared, compile_condition, compile_expression
from shared.configuration import Problem, repeated
from shared.http.types import Request, Slug
from shared.vocabulary import Priority

LabelValue = Annotated[str, StringConstraints(max_length=classification.MAX_LABEL)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=conditions.MAX_LENGTH)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
ListId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]

MAX_ENTRIES = 5_000
"""Words and phrases of all lists together."""


class ComputedPart(Request):
    """A label that is what an expression says."""

    cel: Expression


class WeightedPart(Request):
    """A label that is one of several, each for its share of the requests."""

    weights: Annotated[dict[LabelValue, Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=20)]


class RulePart(Request):
    """What happens to requests on which a CEL condition holds."""

    name: str = Field(min_length=1, max_length=100)
    when: str = Field(max_length=conditions.MAX_LENGTH)
    labels: Annotated[dict[Slug, LabelValue | ComputedPart | WeightedPart], Field(max_length=50)] = {}
    priority: Priority | None = None
    language: Language | None = None
    spam: int = Field(default=0, ge=-1000, le=1000, description="Points that it adds to `message.spam`.")
    fate: Fate = Field(default=Fate.ACCEPT, description="Of a request that would open a ticket.")


class WordListPart(Request):
    """Words and phrases that rules look for, as `lists.{id}`: how many of them stand in the request."""

    id: ListId
    words: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...], Field(max_length=MAX_ENTRIES)
    ]


@dataclass(frozen=True, slots=True)
class _Condition:
    """A rule's condition. One that reads what is not there does not hold; any other failure cannot be told."""

    compiled: conditions.Condition

    def holds(self, variables: Variables) -> bool | None:
        holds, problem = self.compiled.evaluate(variables)
        return None if problem is not None and problem != MISSING_LABEL else holds


@dataclass(frozen=True, slots=True)
class _Computed:
    """What an expression says: text, a number, true or false. One that reads what is not there says nothing."""

    compiled: conditions.Expression

    def of(self, variables: Variables, seed: bytes) -> str | None:  # noqa: ARG002 - as any value
        value, problem = self.compiled.value(variables)
        if problem == MISSING_LABEL:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None


def to_rule_book(version: int, rules: Sequence[RulePart], lists: Sequence[WordListPart]) -> RuleBook:
    """The rules. Raises ValueError where `rule_problems` finds any."""
    known = _fields(lists)
    return RuleBook(
        rules=tuple(_rule(item, known) for item in rules),
        lists={item.id: _list(item) for item in lists},
        version=version,
        prepared=Prepared,
    )


def rule_problems(
    rules: Sequence[RulePart], lists: Sequence[WordListPart], *, written: bool = False
) -> Iterator[Problem]:
    """What is wrong with these rules and lists; where somebody writes them, also what they may cost."""
    yield from repeated("/word_lists", [item.id for item in lists])
    if sum(len(item.words) for item in lists) > MAX_ENTRIES:
        yield "/word_lists", f"more than {MAX_ENTRIES} words together"
    yield from repeated("/rules", [item.name for item in rules], "name")
    known = _fields(lists)
    for index, rule in enumerate(rules):
        try:
            compile_condition(rule.when, known, written=written)
        except ValueError as error:
            yield f"/rules/{index}/when", str(error)
        for key, value in rule.labels.items():
            if isinstance(value, ComputedPart):
                try:
                    compile_expression(value.cel, known, written=written)
                except ValueError as error:
                    yield f"/rules/{index}/labels/{key}/cel", str(error)
            elif isinstance(value, WeightedPart) and not any(value.weights.values()):
                yield f"/rules/{index}/labels/{key}/weights", "all of them are 0"


def _fields(lists: Sequence[WordListPart]) -> Fields:
    names = frozenset(item.id for item in lists)
    # Without any, `lists` is not a variable at all: an empty set of fields would allow any.
    return {**classification.FIELDS, "lists": names} if names else classification.FIELDS


def _rule(item: RulePart, known: Fields) -> Rule:
    return Rule(
        name=item.name,
        condition=_Condition(compile_condition(item.when, known)),
        labels={key: _value(value, known) for key, value in item.labels.items()},
        priority=item.priority,
        language=item.language,
        spam=item.spam,
        fate=item.fate,
    )


def _value(value: str | ComputedPart | WeightedPart, known: Fields) -> Value:
    match value:
        case ComputedPart():
            return _Computed(compile_expression(value.cel, known))
        case WeightedPart():
            return Weighted(tuple(value.weights.items()))
        case _:
            return Static(value)


def _list(item: WordListPart) -> WordList:
    return word_list(item.words)
