"""Ordered conditions that never decide: found where that is certain, and never where it is not."""

from functools import cache
from itertools import product
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.conditions import Condition, Prepared, compile_condition
from shared.reach.order import Finding, Kind, review
from shared.reach.vocabulary import Flag, Number, Text, Vocabulary

FIELDS = {
    "ticket": frozenset({"priority", "language", "labels", "channel_kind"}),
    "channel": frozenset({"kind"}),
    "time": frozenset({"hour"}),
    "calendar": frozenset[str](),
}
VOCABULARY = Vocabulary(
    fields={
        ("ticket", "priority"): Text(values=frozenset({"high", "low"})),
        ("ticket", "channel_kind"): Text(values=frozenset({"mail", "chat"})),
        ("ticket", "language"): Text(),
        ("time", "hour"): Number(least=0, most=3),
    },
    entries={("ticket", "labels"): Text(may_be_missing=True), ("calendar",): Flag()},
    same={("channel", "kind"): ("ticket", "channel_kind")},
)
SITUATIONS = [
    Prepared(
        {
            "ticket": {"priority": priority, "language": language, "labels": labels, "channel_kind": "mail"},
            "channel": {"kind": "mail"},
            "time": {"hour": hour},
            "calendar": {"office": is_open},
        }
    )
    for priority, language, labels, hour, is_open in product(
        ("high", "low"),
        ("", "A", "a", "ab", "b", "c"),
        ({}, {"x": "a"}, {"x": "ab"}, {"x": "b"}, {"x": "c"}, {"x": ""}, {"x": "A"}),
        (0, 1, 2, 3),
        (False, True),
    )
]
"""One for every way in which the literals below tell situations apart."""

texts = st.sampled_from(['"a"', "'b'", '""'])
strays = st.sampled_from(["1", "true", "null"])
comparisons = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def compared(field: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Comparisons of one field, either way round, and lists."""
    return st.one_of(
        st.tuples(comparisons, values).map(lambda pair: f"{field} {pair[0]} {pair[1]}"),
        st.tuples(values, comparisons).map(lambda pair: f"{pair[0]} {pair[1]} {field}"),
        st.lists(values, max_size=3).map(lambda listed: f"{field} in [{', '.join(listed)}]"),
    )


understood = st.one_of(
    compared("ticket.priority", st.sampled_from(['"high"', '"low"'])),
    compared("ticket.language", texts),
    compared("ticket.labels.x", texts | strays),
    compared('ticket.labels["x"]', texts),
    compared("time.hour", st.sampled_from(["0", "1", "2.5", "3", "-1"])),
    st.sampled_from(["has(ticket.labels.x)", '"x" in ticket.labels', "true", "false"]),
    st.sampled_from(["calendar.office", "calendar.office == false", "calendar.office != true"]),
)
opaque = st.sampled_from(
    [
        'ticket.labels.x.startsWith("a")',
        "size(ticket.labels) > 0",
        "ticket.labels.x == ticket.language",
        'ticket.language + "b" == "ab"',
        'has(ticket.labels.x) ? ticket.labels.x == "a" : true',
        "time.hour == 1 == calendar.office",
        "calendar.office < true",
        '["a", "b"].exists(x, x == ticket.language)',
        r'ticket.language == "\x61"',
    ]
)


def combined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions of these."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} && {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} || {pair[1]})"),
            inner.map(lambda one: f"!({one})"),
        ),
        max_leaves=5,
    )


@cache
def where(condition: str) -> frozenset[int]:
    """In which situations the library lets it hold."""
    compiled: Condition = compile_condition(condition, FIELDS)
    return frozenset(index for index, one in enumerate(SITUATIONS) if compiled.holds(one))


def by_trying(conditions: list[str]) -> dict[int, Kind]:
    """What is wrong with them, told by trying every situation."""
    found: dict[int, Kind] = {}
    taken: frozenset[int] = frozenset()
    for index, condition in enumerate(conditions):
        here = where(condition)
        if not here:
            found[index] = Kind.NEVER
        elif here <= taken:
            found[index] = Kind.SHADOWED
        elif len(here) == len(SITUATIONS):
            found[index] = Kind.ALWAYS
            break
        taken |= here
    return found


def is_true(one: Finding, conditions: list[str]) -> bool:
    """Whether trying every situation bears a finding out."""
    here = where(conditions[one.index])
    match one.kind:
        case Kind.NEVER:
            return not here
        case Kind.ALWAYS:
            return len(here) == len(SITUATIONS)
        case Kind.SHADOWED:
            return here <= frozenset[int]().union(*(where(conditions[index]) for index in one.by))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(combined(understood), min_size=1, max_size=5))
def test_what_is_understood_is_told_exactly(conditions: list[str]) -> None:
    found = review(conditions, VOCABULARY)
    assert {one.index: one.kind for one in found} == by_trying(conditions)
    assert all(is_true(one, conditions) for one in found)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(combined(st.one_of(understood, opaque)), min_size=1, max_size=5))
def test_nothing_is_reported_falsely(conditions: list[str]) -> None:
    for one in review(conditions, VOCABULARY):
        assert is_true(one, conditions), one


def never(*fields: str) -> Finding:
    """The first condition contradicts itself."""
    return Finding(index=0, kind=Kind.NEVER, fields=fields)


@pytest.mark.parametrize(
    ("conditions", "finding"),
    [
        (['ticket.priority == "high" && ticket.priority == "low"'], never("ticket.priority")),
        (['ticket.priority == "hihg"'], never("ticket.priority")),
        (["time.hour > 1 && time.hour < 2"], never("time.hour")),
        (['calendar.office && time.hour < 1 && ticket.language == "a" && time.hour > 2'], never("time.hour")),
        (['ticket.labels.x == 1 && size(ticket.language) > 3'], never("ticket.labels.x")),
        (['channel.kind == "mail" && ticket.channel_kind == "chat"'], never("ticket.channel_kind")),
        (['ticket.priority in ["high", "low"]'], Finding(index=0, kind=Kind.ALWAYS)),
        (['has(ticket.labels.x) || !has(ticket.labels.x)'], Finding(index=0, kind=Kind.ALWAYS)),
        (["time.hour >= 1", "time.hour > 2"], Finding(index=1, kind=Kind.SHADOWED, by=(0,))),
        (
            ['ticket.priority == "high"', 'ticket.language.startsWith("a") && ticket.priority == "high"'],
            Finding(index=1, kind=Kind.SHADOWED, by=(0,)),
        ),
        (
            ['ticket.language == "a"', "time.hour == 9", 'ticket.language != "a"', "calendar.office"],
            Finding(index=3, kind=Kind.SHADOWED, by=(0, 2)),
        ),
    ],
)  # fmt: skip
def test_a_planted_mistake_is_found(conditions: list[str], finding: Finding) -> None:
    assert finding in review(conditions, VOCABULARY)


@pytest.mark.parametrize(
    "conditions",
    [
        ['ticket.labels.x == "a"', 'ticket.labels.x != "a"', "true"],
        ['ticket.language.startsWith("a")', 'ticket.language.startsWith("ab")'],
        ['!(ticket.labels.x == "a") || ticket.labels.x == "a"', 'ticket.priority == "high"'],
        ["customer.tier == 'gold' && customer.tier == 'silver'"],
        ["1 == 2"],
    ],
)
def test_what_cannot_be_told_or_is_well_is_not_reported(conditions: list[str]) -> None:
    assert [one for one in review(conditions, VOCABULARY) if one.kind is not Kind.ALWAYS] == []


@pytest.mark.parametrize(
    "conditions",
    [
        [f'ticket.labels.product == "p{n}" && ticket.priority == "high"' for n in range(1000)],
        [f'time.hour >= 0 && ticket.labels.product > "p{n:04}"' for n in range(1000, 0, -1)],
        [f'!has(ticket.labels.l{n}) || ticket.labels.l{n} != "a"' for n in range(1000)],
        [
            " || ".join(f'ticket.labels.l{n} == "{m}" && ticket.language != "{n}"' for m in range(30))
            for n in range(1000)
        ],
        ["(" * 19 + "true" + ")" * 19] + ["!" * 1900 + "true"] * 999,
        [
            " && ".join(f'(ticket.labels.a{m} == "{n}" || ticket.language > "{m}")' for m in range(30))
            for n in range(1000)
        ],
        [
            f"ticket.labels.x in [{', '.join(f'{chr(34)}{n}-{m}{chr(34)}' for m in range(150))}]"
            for n in range(1000)
        ],
    ],
)
def test_a_thousand_conditions_are_looked_through_quickly(conditions: list[str]) -> None:
    began = process_time()
    review(conditions, VOCABULARY)
    assert process_time() - began < 10, "seconds of the processor"
