"""What another policy would make of recorded tickets."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.preview_policy import Comparison, Sample
from services.router.domain.configuration import Configuration
from tests.unit.router.domain.desk import START, facts, ticket_id

STAFF = {
    "skills": ["german"],
    "queues": [{"id": "general"}, {"id": "billing"}],
    "agents": [{"id": "ann", "queues": ["general", "billing"]}],
}
GERMAN = {"id": "german", "when": 'ticket.language == "de"', "queue": "billing"}
LATE = {"id": "late", "when": "time.hour >= 18", "queue": "billing", "skills": {"german": 1}}


def compared(*rules: Mapping[str, object], rule: str | None = None, most: int = 10) -> Comparison:
    """Everything in `general` against these rules."""
    return Comparison(a_configuration(), a_configuration(*rules), rule=rule, most=most)


def a_configuration(*rules: Mapping[str, object]) -> Configuration:
    """The staff and these rules."""
    policy = {"rules": rules, "default": {"queue": "general"}}
    return to_configuration(0, RouterPart.model_validate({**STAFF, "policy": policy}))


def sample(name: str, *, at: datetime | None = START, **changes: object) -> Sample:
    """A recorded ticket."""
    return Sample(ticket_id=ticket_id(name), facts=facts(**changes), at=at)


def test_only_tickets_that_go_another_way_have_changed() -> None:
    same = {"id": "same", "when": 'ticket.language == "fr"', "queue": "general", "tier_mode": "at_least"}
    comparison = compared(GERMAN, same)
    comparison.look_at([sample("a"), sample("b", language="de"), sample("c", language="fr")], START)
    assert (comparison.looked_at, comparison.changed) == (3, 1)
    (difference,) = comparison.differences
    assert difference.sample.ticket_id == ticket_id("b")
    assert (difference.before.rule, difference.after.rule) == ("default", "german")
    assert comparison.rules[1] == {"default": 1, "german": 1, "same": 1}
    assert comparison.queues == ({"general": 3}, {"general": 2, "billing": 1})


def test_it_stops_in_the_middle_when_its_time_is_over() -> None:
    comparison = compared(GERMAN)
    answers = iter([False, True])
    asked = comparison.look_at([sample("a"), sample("b")], START, is_over=lambda: next(answers))
    assert (asked, comparison.looked_at) == (1, 1)


def test_each_ticket_is_asked_about_at_the_time_at_which_it_was_queued() -> None:
    comparison = compared(LATE)
    evening = START + timedelta(hours=10)
    comparison.look_at([sample("a"), sample("b", at=evening), sample("c", at=None)], evening)
    assert [one.sample.ticket_id for one in comparison.differences] == [ticket_id("b"), ticket_id("c")]


def test_tickets_that_nobody_could_serve_are_counted_and_marked() -> None:
    comparison = compared(LATE, GERMAN)
    evening = START + timedelta(hours=10)
    comparison.look_at([sample("a", at=evening), sample("b", language="de")], START)
    assert comparison.unservable == 1
    assert [one.is_servable for one in comparison.differences] == [False, True]


def test_conditions_that_fail_are_counted() -> None:
    comparison = compared({"id": "plan", "when": 'ticket.labels.plan == "a"', "queue": "billing"})
    comparison.look_at([sample("a"), sample("b", labels={"plan": "b"})], START)
    assert (comparison.failed, comparison.changed) == (1, 0)


def test_one_rule_can_be_looked_at_alone_and_the_first_differences_are_kept() -> None:
    comparison = compared(GERMAN, rule="german", most=1)
    comparison.look_at([sample("a"), sample("b", language="de"), sample("c", language="de")], START)
    assert (comparison.looked_at, comparison.changed, len(comparison.differences)) == (2, 2, 1)
