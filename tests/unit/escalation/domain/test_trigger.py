"""Triggers: which signs set off an escalation, once each, in whatever order events come."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain import trigger as t
from services.escalation.domain.happening import Happening, Scored
from services.escalation.domain.sla_policy import variables
from services.escalation.domain.ticket import Rating, Ticket
from services.escalation.domain.tracking import OutOfOrder, Tracked, anew, forward
from shared.vocabulary import SlaMetric, SurveyKind
from tests.unit.escalation.builders import Story, a_ticket, history, minutes, policies
from tests.unit.escalation.chains import Holds

HISTORY = history(policies(minutes(60)))


def a_trigger(sign: t.Sign, name: str = "sign", *, when: bool = True) -> t.Trigger:
    return t.Trigger(trigger_id=name, name=name, sign=sign, condition=Holds(when), escalation="chain")


def told(story: Story) -> Ticket:
    return anew(a_ticket(), story.happenings, HISTORY, until=None).ticket


def new(before: Story | None, after: Story, *triggers: t.Trigger) -> list[str]:
    """The triggers that are set off on the way from one story to another."""
    ticket = told(after)
    assert ticket.terms is not None
    was = told(before) if before else a_ticket()
    return [found.trigger_id for found in t.set_off(was, ticket, triggers, variables(ticket.terms))]


def rated(score: int, scale: int, *, kind: str = "csat", revision: int = 1) -> Scored:
    return Scored(Rating(kind=SurveyKind(kind), score=score, scale=scale, revision=revision))


def test_an_opening_is_a_sign_once() -> None:
    opened = Story().opened(0)
    assert new(None, opened, a_trigger(t.Opened())) == ["sign"]
    assert new(opened, Story().opened(0).customer(1), a_trigger(t.Opened())) == []
    assert new(None, opened, a_trigger(t.Opened(), when=False)) == []


def test_a_label_is_a_sign_when_it_comes_and_not_while_it_stays() -> None:
    plain, asking = Story().opened(0), Story().opened(0).updated(1, labels={"asks_for": "manager"})
    later = Story().opened(0).updated(1, labels={"asks_for": "manager"}).updated(2, labels={"asks_for": "refund"})
    any_value, one_value = a_trigger(t.Labelled(label="asks_for")), t.Labelled(label="asks_for", value="refund")
    assert new(plain, asking, any_value, a_trigger(one_value, "refund")) == ["sign"]
    assert new(asking, later, any_value, a_trigger(one_value, "refund")) == ["refund"]
    assert new(None, asking, any_value) == ["sign"]


def test_a_solved_ticket_asks_for_nobody_by_its_labels() -> None:
    solved = Story().opened(0).status(1, "solved").updated(2, labels={"asks_for": "manager"})
    assert new(Story().opened(0), solved, a_trigger(t.Labelled(label="asks_for")), a_trigger(t.Opened())) == []


@pytest.mark.parametrize(
    ("scored", "is_sign"),
    [
        (rated(1, 5), True),
        (rated(2, 5), True),
        (rated(3, 5), False),
        (rated(0, 10, kind="nps"), True),
        (rated(4, 10, kind="nps"), True),
        (rated(5, 10, kind="nps"), False),
    ],
)
def test_a_bad_rating_is_one_on_whatever_scale(scored: Scored, is_sign: bool) -> None:
    before, after = Story().opened(0).status(1, "solved"), Story().opened(0).status(1, "solved").tell(2, scored)
    assert bool(new(before, after, a_trigger(t.Rated(at_most_percent=40)))) == is_sign


def test_a_survey_may_be_meant_and_an_older_rating_says_nothing() -> None:
    bad, worse = rated(1, 5, revision=2), rated(1, 5, revision=1)
    one, two = Story().opened(0).tell(2, bad), Story().opened(0).tell(2, bad, worse)
    assert new(one, two, a_trigger(t.Rated(at_most_percent=40))) == []
    assert new(None, one, a_trigger(t.Rated(at_most_percent=40, survey=SurveyKind.NPS))) == []


def test_the_second_return_and_every_later_one_is_a_sign() -> None:
    trigger = a_trigger(t.Reopened(times=2))
    stories = [Story().opened(0)]
    for minute in (10, 20, 30):
        story = Story()
        story.opened(0)
        for returned in range(10, minute + 1, 10):
            story.status(returned, "solved").status(returned + 5, "open")
        stories.append(story)
    assert [new(one, two, trigger) for one, two in pairwise(stories)] == [
        [],
        ["sign"],
        ["sign"],
    ]


def test_what_is_known_from_a_snapshot_is_nobodys_news() -> None:
    seen = replace(told(Story().opened(0, labels={"asks_for": "manager"})), is_from_snapshot=True)
    assert seen.terms is not None
    triggers = [a_trigger(t.Opened()), a_trigger(t.Labelled(label="asks_for"))]
    assert list(t.set_off(a_ticket(), seen, triggers, variables(seen.terms))) == []


EVENTS = (
    Story()
    .opened(0)
    .queued(1)
    .updated(2, labels={"asks_for": "manager"})
    .assigned(3)
    .tell(4, rated(1, 5))
    .requeued(5, "assigned")
    .updated(6, labels={"asks_for": "manager", "mood": "bad"})
    .happenings
)
SIGNS: dict[str, t.Sign] = {
    "opened": t.Opened(),
    "labelled": t.Labelled(label="asks_for"),
    "mood": t.Labelled(label="mood"),
    "rated": t.Rated(at_most_percent=40),
}


@given(st.data())
def test_each_sign_is_given_once_in_whatever_order_topics_are_read(data: st.DataObject) -> None:
    """Tickets and their work come in two orders of their own; how they mingle, and in what batches, is chance."""
    triggers = [a_trigger(sign, name) for name, sign in SIGNS.items()]
    topics = [[event for event in EVENTS if event.key.rank == rank] for rank in (0, 1)]
    ticket, arrived, given_signs = a_ticket(), list[Happening](), list[str]()
    while any(topics):
        topic = data.draw(st.sampled_from([topic for topic in topics if topic]))
        batch = [topic.pop(0) for _ in range(data.draw(st.integers(1, len(topic))))]
        arrived += batch
        try:
            after = forward(Tracked(ticket), batch, HISTORY).ticket
        except OutOfOrder:
            after = anew(ticket, arrived, HISTORY, until=None).ticket
        if after.terms is not None:
            found = t.set_off(ticket, after, triggers, variables(after.terms))
            given_signs += [trigger.trigger_id for trigger in found]
        ticket = after
    assert sorted(given_signs) == sorted(SIGNS)


def test_of_warnings_the_furthest_that_has_come_decides() -> None:
    half = a_trigger(t.Warned(at_percent=50), "half")
    most = a_trigger(t.Warned(at_percent=90), "most")
    reply = a_trigger(t.Warned(metrics=frozenset({SlaMetric.NEXT_REPLY})), "reply")

    def found(before: int, level: int, *triggers: t.Trigger) -> str | None:
        chosen = t.of_warning(SlaMetric.FIRST_REPLY, before, level, triggers, {})
        return chosen.trigger_id if chosen else None

    assert found(0, 75, half, most, reply) == "half"
    assert found(75, 90, half, most) == "most"
    assert found(0, 90, half, most) == "most"
    assert found(75, 80, half, most) is None
    assert found(0, 75, reply) is None


def test_the_first_trigger_for_a_breach_decides() -> None:
    triggers = (
        a_trigger(t.Breached(metrics=frozenset({SlaMetric.NEXT_REPLY})), "other"),
        a_trigger(t.Breached(), "no", when=False),
        a_trigger(t.Breached(), "first"),
        a_trigger(t.Breached(), "second"),
    )
    found = t.of_breach(SlaMetric.FIRST_REPLY, triggers, {})
    assert found is not None
    assert found.trigger_id == "first"
