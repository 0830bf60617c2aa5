import pytest

from services.intake.app.configuration import IntakePart, to_workspace
from services.intake.app.rule_parts import RulePart, WordListPart, rule_problems, to_rule_book
from services.intake.domain.classification import Described, Fate, classify, stated
from services.intake.domain.message import Identity, IdentityKind, Sender
from shared.errors import InvalidInput
from shared.vocabulary import ChannelKind
from tests.unit.intake.builders import a_customer

LISTS = (WordListPart(id="angry", words=("lawyer", "worst ever")),)


def a_rule(**fields: object) -> RulePart:
    return RulePart.model_validate({"name": "r", "when": "true", **fields})


def labels_of(*rules: RulePart, text: str = "Where is order 17? My lawyer asks.") -> dict[str, str]:
    request = Described(
        subject="Order 17",
        text=text,
        channel="api",
        channel_kind=ChannelKind.API,
        language="en",
        sender=Sender(identity=Identity(kind=IdentityKind.EMAIL, value="ada@shop.example")),
        is_known=True,
        is_machine=False,
    )
    book = to_rule_book(1, rules, LISTS)
    return classify(request, a_customer(), book, stated({}, None, "sender")).labels


def test_a_label_is_static_computed_or_weighted() -> None:
    assert labels_of(
        a_rule(
            labels={
                "static": "a",
                "passed": {"cel": "sender.domain"},
                "count": {"cel": "lists.angry + 1"},
                "flag": {"cel": "sender.is_known"},
                "nothing": {"cel": "message.labels.missing"},
                "drawn": {"weights": {"x": 1, "y": 0}},
            }
        )
    ) == {"static": "a", "passed": "shop.example", "count": "2", "flag": "true", "drawn": "x"}


def test_a_value_that_cannot_be_told_is_labelled() -> None:
    assert labels_of(a_rule(labels={"list": {"cel": "[1, 2]"}})) == {"classification": "failed"}
    assert labels_of(a_rule(labels={"list": {"cel": "1 / 0"}})) == {"classification": "failed"}


def test_what_rules_may_cost_is_asked_of_who_writes_them_and_not_of_what_is_stored() -> None:
    costly = "message.labels.all(a, message.labels.all(b, message.labels.all(c, true)))"
    rules = (a_rule(when=costly), a_rule(name="two", labels={"x": {"cel": costly}}))
    part = IntakePart(rules=rules)
    with pytest.raises(InvalidInput) as refused:
        to_workspace(0, part, written=True)
    assert [pointer for pointer, _ in refused.value.problems] == ["/rules/0/when", "/rules/1/labels/x/cel"]
    assert len(to_workspace(1, part).rules.rules) == 2


def test_problems_name_their_place() -> None:
    rules = (
        a_rule(when="lists.happy > 0"),
        a_rule(name="two", labels={"x": {"cel": "nobody.knows"}, "y": {"weights": {"a": 0}}}),
        a_rule(name="two", fate="drop"),
    )
    assert [pointer for pointer, _ in rule_problems(rules, LISTS * 2)] == [
        "/word_lists/1/id",
        "/rules/2/name",
        "/rules/0/when",
        "/rules/1/labels/x/cel",
        "/rules/1/labels/y/weights",
    ]
    assert [detail for _, detail in rule_problems((a_rule(when="lists.any > 0"),), ())] == [
        "unknown variable 'lists'; there are customer, message, sender"
    ]


def test_a_refusal_is_kept_with_its_rule() -> None:
    book = to_rule_book(1, (a_rule(when="lists.angry > 0", fate="quarantine", spam=3),), LISTS)
    assert (book.rules[0].fate, book.rules[0].spam) == (Fate.QUARANTINE, 3)
