"""Conditions: what holds, what cannot be told, and what is refused when it is written."""

import pytest

from shared.conditions import MAX_LENGTH, MISSING_ELEMENT, MISSING_LABEL, Prepared, compile_condition, preparing

FIELDS = {"ticket": frozenset({"priority", "labels"}), "customer": frozenset({"tier"})}
VALUES: dict[str, dict[str, object]] = {
    "ticket": {"priority": "high", "labels": {"product": "x"}},
    "customer": {"tier": "gold"},
}


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('customer.tier == "gold"', True),
        ('customer.tier in ["gold", "silver"] && ticket.priority != "low"', True),
        ('has(ticket.labels.product) && ticket.labels.product == "x"', True),
        ('"product" in ticket.labels', True),
        ('ticket.labels["product"].startsWith("y")', False),
        ('["high", "urgent"].exists(p, p == ticket.priority)', True),
        ('!(ticket.priority == "high")', False),
        ('ticket.priority.upperAscii() == "HIGH"', True),
        ('["GO", "si"].exists(word, customer.tier.contains(word.lowerAscii()))', True),
        ('"ÄRGER".lowerAscii() == "Ärger"', True),
    ],
)
def test_it_holds_or_not(source: str, holds: bool) -> None:
    assert compile_condition(source, FIELDS).evaluate(VALUES) == (holds, None)


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ('ticket.labels.missing == "x"', MISSING_LABEL),
        ("ticket.priority", "is not true or false"),
        ("1 / 0 > 1", "ZeroDivisionError"),
        ("ticket.labels.lowerAscii()", "RuntimeError"),
        ('ticket.labels.map(label, label)[5] == "x"', MISSING_ELEMENT),
        ("[1, 2][-1] == 2", MISSING_ELEMENT),
        ("9223372036854775807 + size(ticket.priority) > 0", "OverflowError"),
    ],
)
def test_what_cannot_be_told_does_not_hold_and_says_why(source: str, failure: str) -> None:
    assert compile_condition(source, FIELDS).evaluate(VALUES) == (False, failure)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("1 +", "syntax"),
        ("nobody.tier == 1", "unknown variable"),
        ("ticket.colour == 1", "no field 'colour'"),
        ('ticket.priority.matches("a+")', "not available"),
        ('matches(ticket.priority, "a+")', "not available"),
        ("(" * 30 + "true" + ")" * 30, "nested"),
        (f'ticket.priority == "{"a" * MAX_LENGTH}"', "longer"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_written(source: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compile_condition(source, FIELDS)


def test_names_inside_texts_are_not_taken_for_fields() -> None:
    assert compile_condition('ticket.priority == "ticket.colour"', FIELDS).evaluate(VALUES) == (False, None)


def test_variables_are_made_ready_once_for_all_conditions_and_read_as_they_stood() -> None:
    values = {"ticket": {"priority": "high"}, "customer": {"tier": "gold"}}
    prepared = Prepared(values)
    values["customer"]["tier"] = "standard"
    for source in ('customer.tier == "gold"', 'ticket.priority == "high"'):
        assert compile_condition(source, FIELDS).evaluate(prepared) == (True, None)


def test_only_what_some_condition_reads_is_made_ready() -> None:
    sources = ['ticket.priority == "high"', '["a", "b"].exists(calendar, calendar == ticket.priority)']
    conditions = [compile_condition(source, FIELDS) for source in sources]
    ready = preparing(conditions)(VALUES)
    assert ready.keys() == {"ticket"}
    assert [each.evaluate(ready) for each in conditions] == [each.evaluate(VALUES) for each in conditions]
