"""What an expression may cost at most."""

import pytest

from shared.condition_steps import most_steps, tokens
from shared.conditions import MAX_LENGTH, MAX_STEPS, Prepared, compile_condition, compile_expression

FIELDS = {"message": frozenset({"subject", "text", "labels"})}
LABELS = {str(number): "x" for number in range(100)}
VALUES = Prepared({"message": {"subject": "x" * 200, "text": "x" * 20_000, "labels": LABELS}})


def ones(count: int) -> str:
    return f"[{','.join('1' * count)}]"


def words(count: int) -> str:
    return "[" + ",".join(['"ab"'] * count) + "]"


def steps(source: str) -> int:
    return most_steps(tokens(source))


def test_lists_in_lists_multiply() -> None:
    flat, nested, deeper = (
        steps(f"{ones(10)}.all(a, true)"),
        steps(f"{ones(10)}.all(a, {ones(10)}.all(b, true))"),
        steps(f"{ones(10)}.all(a, {ones(10)}.all(b, {ones(10)}.exists(c, true)))"),
    )
    assert flat == 30
    assert nested > 10 * flat
    assert deeper > 10 * nested


@pytest.mark.parametrize(
    "source",
    [
        f"{words(300)}.exists(w, message.text.lowerAscii().contains(w))",
        f"[message.subject, message.text].exists(t, {words(150)}.exists(w, t.contains(w)))",
        "message.labels.all(k, message.labels.exists(other, other == k))",
        f"{words(100)}.filter(w, message.text.contains(w)).size() > 3",
        " || ".join(f'message.text.contains("{number}")' for number in range(60)),
        f"{ones(150)}.all(a, {ones(150)}.all(b, a == b))",
        f"[{'[1],' * 100}].all(a, a.all(b, b > 0))",
    ],
)
def test_what_people_write_is_allowed(source: str) -> None:
    assert compile_condition(source, FIELDS, written=True).evaluate(VALUES)[1] is None


@pytest.mark.parametrize(
    "source",
    [
        f"{ones(100)}.all(a, {ones(100)}.all(b, {ones(100)}.all(c, true)))",
        f"{ones(300)}.existsOne(a, {ones(300)}.exists_one(b, true))",
        f"{ones(200)}.map(a, {ones(200)}.map(b, a + b)).size() > 0",
        f"{ones(600)}.map(a, a).size() > 0",
        # What is gathered is copied at each element, and may be large.
        "message.labels.map(k, message.labels).all(m, m == message.labels)",
        f"{ones(100)}.map(a, message.text).size() > 0",
        f"[{'message.labels,' * 99}].filter(a, true).filter(b, true).size() > 0",
        # What a variable stands for may be a list, which has grown on its way there.
        f"[{ones(20)}].all(a, [{'+'.join('a' * 20)}].all(b, [{'+'.join('b' * 20)}].all(c, c.all(d, true))))",
        f"{ones(99)}.map(a, {ones(9)}).all(b, b.all(c, b.all(d, b.all(e, true))))",
        f"[message.text].all(a, ({'+'.join('a' * 900)}) == '')",
        "message.labels.all(a, message.labels.all(b, message.labels.all(c, true)))",
        # Nothing hides from it.
        f"({ones(300)} + {ones(20)}).filter(a, ((({ones(300)})).all(b, a == b))).size() > 0",
        f"true // '\n && {ones(400)}.all(a, {ones(400)}.all(b, true)) // '",
        f"r'\\' == '' || {ones(400)}.all(a, {ones(400)}.all(b, true)) || r'\\' == ''",
        f"'''it's''' == '' || {ones(400)} . all ( a, {ones(400)}\n.\nall\n(b, true))",
        f"[{'.message.text,' * 40}].all(a, {ones(100)}.all(b, a == .message.text))",
    ],
)
def test_what_has_no_reasonable_end_is_refused_when_it_is_written(source: str) -> None:
    assert len(source) <= MAX_LENGTH
    for compiled in (compile_condition, compile_expression):
        with pytest.raises(ValueError, match=f"steps, .* {MAX_STEPS} are allowed"):
            compiled(source, FIELDS, written=True)


def test_what_is_stored_holds_whatever_it_costs() -> None:
    source = f"{words(40)}.exists(a, {words(30)}.exists(b, message.labels['1'] == a + '-' + b))"
    with pytest.raises(ValueError, match="steps"):
        compile_condition(source, FIELDS, written=True)
    assert compile_condition(source, FIELDS).evaluate(VALUES) == (False, None)


def test_the_variable_of_a_macro_is_a_name() -> None:
    with pytest.raises(ValueError, match="must be a name"):
        compile_condition("[1].all((a), a > 0)", FIELDS, written=True)
