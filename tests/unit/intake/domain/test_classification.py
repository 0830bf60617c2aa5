"""What rules make of a request."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from services.intake.domain.classification import (
    Classification,
    Described,
    Fate,
    Rule,
    RuleBook,
    Static,
    Weighted,
    classify,
    stated,
)
from services.intake.domain.message import Identity, IdentityKind, Sender
from services.intake.domain.word_lists import MAX_TEXT, word_list
from shared.vocabulary import ChannelKind, Priority
from tests.unit.intake.builders import a_customer

Variables = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class When:
    """A condition of Python."""

    says: Callable[[Variables], bool | None]

    def holds(self, variables: Variables) -> bool | None:
        return self.says(variables)


ALWAYS = When(lambda _: True)
NEVER = When(lambda _: False)
BROKEN = When(lambda _: None)
REQUEST = Described(
    subject="Invoice 7",
    text="I want my money back",
    channel="api",
    channel_kind=ChannelKind.API,
    language="en",
    sender=Sender(identity=Identity(kind=IdentityKind.EMAIL, value="ada@example.org"), name="Ada"),
    is_known=False,
    is_machine=False,
)


def classified(*rules: Rule, known: Classification | None = None, **customer: object) -> Classification:
    book = RuleBook(rules=rules, version=3)
    return classify(REQUEST, a_customer(**customer), book, known or stated({}, None, "sender"))


def a_rule(name: str = "r", condition: When = ALWAYS, priority: Priority | None = None, **labels: str) -> Rule:
    values = {key: Static(value) for key, value in labels.items()}
    return Rule(name=name, condition=condition, labels=values, priority=priority)


def test_a_request_without_rules_keeps_what_its_sender_said() -> None:
    said = stated({"product": "shop"}, Priority.LOW, "sender")
    assert classified(known=said) == said
    assert said.sources == {"labels/product": "sender", "priority": "sender"}


def test_every_rule_that_holds_counts_and_the_first_to_set_wins() -> None:
    result = classified(
        a_rule("first", intent="refund", priority=Priority.HIGH),
        a_rule("never", condition=NEVER, intent="none", area="none"),
        a_rule("second", intent="other", area="billing", priority=Priority.LOW),
    )
    assert result.labels == {"intent": "refund", "area": "billing"}
    assert result.priority is Priority.HIGH
    assert result.sources == {
        "labels/intent": "rule:first@3",
        "labels/area": "rule:second@3",
        "priority": "rule:first@3",
    }


def test_no_rule_overwrites_what_somebody_said() -> None:
    said = stated({"intent": "praise"}, Priority.LOW, "sender")
    result = classified(a_rule(intent="refund", priority=Priority.URGENT), known=said)
    assert (result.labels, result.priority) == ({"intent": "praise"}, Priority.LOW)


def test_a_rule_reads_what_the_rules_before_it_have_set() -> None:
    after = When(lambda variables: variables["message"]["labels"] == {"intent": "refund"})
    assert classified(a_rule("one", intent="refund"), a_rule("two", after, area="billing")).labels == {
        "intent": "refund",
        "area": "billing",
    }


def test_a_rule_reads_the_request_and_its_customer() -> None:
    seen: list[Variables] = []

    def see(variables: Variables) -> bool:
        seen.append(variables)
        return True

    classified(a_rule(condition=When(see)), tier="gold", language="de")
    assert seen[0]["customer"] == {"tier": "gold", "language": "de", "organisation": ""}
    assert seen[0]["message"]["subject"] == "Invoice 7"
    assert seen[0]["message"]["from"] == "ada@example.org"


def test_a_condition_that_cannot_be_told_is_labelled_and_the_others_go_on() -> None:
    result = classified(a_rule("bad", BROKEN, intent="x"), a_rule("good", area="billing"))
    assert result.labels == {"classification": "failed", "area": "billing"}


def test_what_rules_set_before_is_decided_anew_and_what_people_took_away_stays_away() -> None:
    known = Classification(
        labels={"intent": "refund", "area": "billing", "team": "north"},
        priority=Priority.HIGH,
        sources={
            "labels/intent": "rule:old@1",
            "labels/area": "agent:ada",
            "labels/team": "rule:old@1",
            "labels/mood": "agent:ada",
            "priority": "rule:old@1",
        },
    )
    result = classified(a_rule("new", intent="question", mood="angry", area="other"), known=known)
    assert result.labels == {"intent": "question", "area": "billing"}
    assert result.priority is None
    assert result.sources == {
        "labels/intent": "rule:new@3",
        "labels/area": "agent:ada",
        "labels/mood": "agent:ada",
    }


def test_the_first_language_and_the_first_refusal_stand() -> None:
    result = classified(
        Rule(name="a", condition=When(lambda seen: seen["message"]["language"] == "en"), language="de"),
        Rule(name="b", condition=When(lambda seen: seen["message"]["language"] == "de"), fate=Fate.QUARANTINE),
        Rule(name="c", condition=ALWAYS, language="fr", fate=Fate.DROP),
    )
    assert (result.language, result.fate, result.fate_by) == ("de", Fate.QUARANTINE, "b")
    assert result.sources["language"] == "rule:a@3"


def test_rules_read_the_beginning_of_a_long_text() -> None:
    long = replace(REQUEST, text="x" * MAX_TEXT + "prize")
    seen: list[object] = []

    def see(variables: Variables) -> bool:
        seen.append(variables["message"]["text"])
        return True

    classify(long, a_customer(), RuleBook(rules=(a_rule(condition=When(see)),)), stated({}, None, "sender"))
    assert seen == ["x" * MAX_TEXT]


def test_points_add_up_and_later_rules_see_the_sum() -> None:
    result = classified(
        Rule(name="links", condition=ALWAYS, spam=6),
        Rule(name="known", condition=NEVER, spam=-6),
        Rule(name="money", condition=ALWAYS, spam=3),
        Rule(name="spam", condition=When(lambda seen: seen["message"]["spam"] == 9), fate=Fate.DROP),
    )
    assert (result.fate, result.labels) == (Fate.DROP, {"spam_score": "9"})


def test_rules_read_the_sender_and_the_lists() -> None:
    seen: list[Variables] = []

    def see(variables: Variables) -> bool:
        seen.append(variables)
        return True

    book = RuleBook(
        rules=(Rule(name="see", condition=When(see)),), lists={"refund": word_list(["money back", "chargeback"])}
    )
    classify(REQUEST, a_customer(), book, stated({}, None, "sender"))
    assert seen[0]["lists"] == {"refund": 1}
    assert seen[0]["sender"] == {
        "kind": "email",
        "value": "ada@example.org",
        "domain": "example.org",
        "name": "Ada",
        "is_verified": False,
        "is_known": False,
    }


def test_weights_share_requests_out_and_the_same_request_gets_the_same() -> None:
    rule = Rule(name="r", condition=ALWAYS, labels={"variant": Weighted((("a", 3), ("b", 1), ("never", 0)))})
    book = RuleBook(rules=(rule,))
    said = stated({}, None, "sender")

    def variant(number: int) -> str:
        return classify(replace(REQUEST, text=str(number)), a_customer(), book, said).labels["variant"]

    counts = Counter(map(variant, range(2000)))
    assert set(counts) == {"a", "b"}
    assert 1400 < counts["a"] < 1600
    assert variant(7) == variant(7)


def test_variables_are_made_ready_again_only_where_a_rule_has_changed_them() -> None:
    made: list[Mapping[str, object]] = []

    def prepared(variables: Variables) -> Variables:
        made.append(dict(variables["message"]))
        return {**variables, "message": {**variables["message"], "labels": dict(classified_labels(variables))}}

    def classified_labels(variables: Variables) -> Mapping[str, str]:
        labels = variables["message"]["labels"]
        assert isinstance(labels, dict)
        return labels

    seen = When(lambda variables: classified_labels(variables).get("intent") == "refund")
    rules = (
        a_rule("never", condition=NEVER),
        a_rule(intent="refund"),
        a_rule("seen", condition=seen, area="it"),
    )
    book = RuleBook(rules=(*rules, *[a_rule(f"r{n}", intent="other") for n in range(20)]), prepared=prepared)
    result = classify(REQUEST, a_customer(), book, stated({}, None, "sender"))
    assert result.labels == {"intent": "refund", "area": "it"}
    assert len(made) == 3
