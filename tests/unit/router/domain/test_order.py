"""A queue's order, as whoever waits sees it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.explanation import explain
from services.router.domain.order import Order, OrderBy, Precedence
from services.router.domain.policy import Requirements, Rule, Step
from services.router.domain.queue import OfferMode, Queue
from shared.conditions import compile_condition
from shared.vocabulary import ChannelKind, Priority, SlaMetric, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, facts, general, ticket_id

ENGLISH_SKILLED = general(
    rule_id="english",
    condition=compile_condition('ticket.language == "en"', {"ticket": frozenset({"language"})}),
    requirements=Requirements(queue="general", skills=(("english", 1),)),
)
ELSEWHERE = general(
    rule_id="elsewhere",
    condition=compile_condition('ticket.language == "de"', {"ticket": frozenset({"language"})}),
    requirements=Requirements(queue="other"),
)


class Counter:
    """Ann is alone and takes one call at a time; she is on one from the beginning."""

    def __init__(
        self,
        order: Order,
        *,
        elsewhere: Order | None = None,
        rank_elsewhere: int = 50,
        rules: Sequence[Rule] = (ENGLISH_SKILLED, ELSEWHERE, general()),
    ) -> None:
        queues = [
            Queue(queue_id="general", order=order, offer_mode=OfferMode.AUTO),
            Queue(queue_id="other", order=elsewhere or order, offer_mode=OfferMode.AUTO, rank=rank_elsewhere),
        ]
        ann = agent("ann", queues=frozenset({"general", "other"}), skills={"english": 3})
        self.desk = Desk.of(ann, queues=queues, rules=rules)
        self.names: list[str] = []
        self.current = "on the phone"
        self.call(self.current)

    def call(self, name: str, priority: Priority = Priority.NORMAL, *, language: str = "fr") -> None:
        self.names.append(name)
        self.desk.open(name, channel_kind=ChannelKind.VOICE, priority=priority, language=language)

    def promise(self, name: str) -> None:
        """An hour is promised, and over already."""
        clock = inputs.ClockKnown(
            ticket_id=ticket_id(name),
            clock_id=ticket_id(f"clock of {name}"),
            metric=SlaMetric.FIRST_REPLY,
            at=self.desk.now,
            target=timedelta(hours=1),
            due_at=self.desk.now,
        )
        self.desk.feed(clock)

    def next(self) -> str:
        """Whom Ann takes when she has done with the one before."""
        (given,) = [
            made
            for made in self.desk.status(self.current, TicketStatus.SOLVED)
            if isinstance(made, d.WorkAssigned)
        ]
        live = {name: self.desk.item(name) for name in self.names if name != self.current}
        self.names.remove(self.current)
        self.current = next(name for name, item in live.items() if item.work_id == given.work_id)
        return self.current

    def rest(self) -> list[str]:
        """Everybody who waits, in the order in which Ann takes them, a minute each."""
        order = []
        while len(self.names) > 1:
            self.desk.after(minutes=1)
            order.append(self.next())
        return order

    def precedence(self) -> Precedence | None:
        """Why the last one was first."""
        made = self.desk.decisions[-1]
        assert isinstance(made, d.WorkAssigned)
        assert made.reasons.choice is not None
        return made.reasons.choice.precedence


def test_by_priority_the_most_pressing_comes_first_then_the_oldest() -> None:
    counter = Counter(Order())
    for name, priority in (("a", Priority.LOW), ("b", Priority.HIGH), ("c", Priority.LOW), ("d", Priority.URGENT)):
        counter.call(name, priority)
        counter.desk.after(minutes=1)
    assert counter.rest() == ["d", "b", "a", "c"]


def test_the_oldest_comes_first_whatever_its_priority() -> None:
    counter = Counter(Order(by=OrderBy.OLDEST))
    for name, priority in (("a", Priority.LOW), ("b", Priority.URGENT), ("c", Priority.HIGH)):
        counter.call(name, priority)
        counter.desk.after(minutes=1)
    assert counter.rest() == ["a", "b", "c"]


def test_minutes_of_waiting_are_weighed_against_the_points_of_a_priority() -> None:
    counter = Counter(Order(by=OrderBy.SCORE, points=(60, 30, 10, 0)))
    counter.call("an hour old", Priority.LOW)
    counter.desk.after(minutes=29)
    counter.call("31 minutes old", Priority.HIGH)
    counter.desk.after(minutes=31)
    counter.call("new", Priority.URGENT)
    assert counter.next() == "31 minutes old"
    assert counter.precedence() == Precedence(by=OrderBy.SCORE, is_expedited=False, value=61.0)
    assert counter.rest() == ["an hour old", "new"]


def test_age_raises_priority_so_that_nobody_waits_for_ever() -> None:
    counter = Counter(Order(by=OrderBy.AGEING, ageing=timedelta(minutes=30)))
    counter.call("low", Priority.LOW)
    for name in ("first", "second", "third"):
        counter.desk.after(minutes=29)
        counter.call(name, Priority.URGENT)
        assert counter.next() == name
    counter.desk.after(minutes=3)
    counter.call("fourth", Priority.URGENT)
    assert counter.next() == "low"
    assert counter.precedence() == Precedence(by=OrderBy.AGEING, is_expedited=False, value=0)


def test_classes_of_one_queue_are_one_line_in_its_order_at_that_moment() -> None:
    counter = Counter(Order(by=OrderBy.AGEING, ageing=timedelta(minutes=10)))
    counter.call("old", Priority.LOW, language="en")
    counter.desk.after(minutes=5)
    counter.call("normal", Priority.NORMAL)
    counter.desk.after(minutes=4)
    assert counter.next() == "normal"
    counter.call("another normal", Priority.NORMAL)
    counter.desk.after(minutes=1)
    assert counter.next() == "old"


def test_the_queue_with_the_lowest_rank_comes_first_whatever_the_orders() -> None:
    counter = Counter(Order(), elsewhere=Order(by=OrderBy.OLDEST), rank_elsewhere=60)
    counter.call("there", Priority.URGENT, language="de")
    counter.desk.after(minutes=1)
    counter.call("here", Priority.LOW)
    assert counter.rest() == ["here", "there"]


def test_of_queues_with_one_rank_and_different_orders_the_more_pressing_head_comes_first() -> None:
    counter = Counter(Order(), elsewhere=Order(by=OrderBy.OLDEST))
    counter.call("there, old", Priority.LOW, language="de")
    counter.desk.after(minutes=1)
    counter.call("there, new", Priority.URGENT, language="de")
    counter.call("here", Priority.NORMAL)
    assert counter.rest() == ["here", "there, old", "there, new"]


def test_another_configuration_puts_what_waits_in_its_order() -> None:
    counter = Counter(Order())
    counter.call("old", Priority.LOW)
    counter.desk.after(minutes=1)
    counter.call("new", Priority.URGENT)
    before = counter.desk.state.configuration
    oldest = Queue(queue_id="general", order=Order(by=OrderBy.OLDEST), offer_mode=OfferMode.AUTO)
    after = replace(before, version=2, queues={**before.queues, "general": oldest})
    counter.desk.feed(inputs.Configure(configuration=after))
    assert counter.rest() == ["old", "new"]


EXPEDITED = general(
    rule_id="expedited",
    condition=compile_condition('ticket.language == "en"', {"ticket": frozenset({"language"})}),
    requirements=Requirements(queue="general"),
    expedite=True,
)


@pytest.mark.parametrize("by", list(OrderBy))
def test_what_a_rule_expedites_is_at_the_front_in_every_order(by: OrderBy) -> None:
    counter = Counter(Order(by=by), rules=[EXPEDITED, general()])
    counter.call("old", Priority.URGENT)
    counter.promise("old")
    counter.desk.after(hours=5)
    counter.call("new", Priority.LOW, language="en")
    assert counter.next() == "new"
    precedence = counter.precedence()
    assert precedence is not None
    assert precedence.is_expedited


def test_a_step_expedites_what_has_waited_for_so_long_until_its_work_is_done() -> None:
    steps = (Step(after=timedelta(minutes=2), expedite=True),)
    counter = Counter(Order(), rules=[general(steps=steps)])
    counter.call("old", Priority.LOW)
    counter.desk.after(minutes=1)
    counter.call("new", Priority.URGENT)
    assert [type(made) for made in counter.desk.after(minutes=1)] == [d.StepOpened, d.Expedited]
    assert counter.next() == "old"
    released = inputs.Release(ticket_id=ticket_id("old"), reason="lunch", actor_id="ann")
    counter.desk.feed(released)
    assert counter.desk.item("old").is_expedited


def test_facts_that_a_rule_expedites_bring_to_the_front_what_waits() -> None:
    counter = Counter(Order(), rules=[EXPEDITED, general()])
    counter.call("old")
    counter.desk.after(minutes=1)
    counter.call("new")
    changed = counter.desk.feed(
        inputs.TicketKnown(
            ticket_id=ticket_id("new"), facts=facts(channel_kind=ChannelKind.VOICE, language="en"), status=None
        )
    )
    assert [explain(made) for made in changed if isinstance(made, d.Expedited)] == [
        "It is at the front of its line from now on because its ticket has changed."
    ]
    assert counter.rest() == ["new", "old"]
