"""SLA clocks that the router is told of."""

from datetime import datetime, timedelta
from uuid import UUID

from services.router.domain import inputs
from services.router.domain.order import Order, OrderBy, Precedence
from services.router.domain.queue import OfferMode, Queue
from services.router.domain.sla_clock import counts_from
from shared.vocabulary import AgentState, ChannelKind, Priority, SlaMetric, TicketStatus, WorkState
from tests.unit.router.domain.desk import START, Desk, agent, ticket_id

URGENT_FIRST = Queue(queue_id="general", order=Order(by=OrderBy.SLA_URGENCY), offer_mode=OfferMode.AUTO)


class Promises:
    """Ann is away; what comes in waits until she is there, and then she takes one call at a time."""

    def __init__(self) -> None:
        self.desk = Desk.of(agent("ann"), queues=[URGENT_FIRST], available=False)

    def call(self, name: str, priority: Priority = Priority.NORMAL) -> None:
        self.desk.after(seconds=1)
        self.desk.open(name, channel_kind=ChannelKind.VOICE, priority=priority)

    def tell(self, name: str, *, number: int = 1, at: datetime | None = None, **how: object) -> None:
        known = inputs.ClockKnown(
            ticket_id=ticket_id(name),
            clock_id=UUID(int=ticket_id(name).int + number),
            metric=SlaMetric.FIRST_REPLY,
            at=at or self.desk.now,
            **how,  # type: ignore[arg-type] # a builder's overrides
        )
        self.desk.feed(known)

    def run(self, name: str, target: timedelta, *, left: timedelta, number: int = 1) -> None:
        """A clock of the ticket runs, with so much left."""
        self.tell(name, number=number, target=target, elapsed=target - left, due_at=self.desk.now + left)

    def taken(self, *names: str) -> list[str]:
        """Whom Ann takes, one after the other, once she is there."""
        self.desk.set_state("ann", AgentState.AVAILABLE)
        order: list[str] = []
        while len(order) < len(names):
            current = next(n for n in names if n not in order and self.desk.item(n).state is WorkState.ASSIGNED)
            order.append(current)
            self.desk.status(current, TicketStatus.CLOSED)
        self.desk.set_state("ann", AgentState.AWAY)
        return order


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_whoever_has_used_up_most_of_a_promise_comes_first() -> None:
    desk = Promises()
    for name in ("a", "b", "c"):
        desk.call(name)
    desk.run("a", minutes(480), left=minutes(200))
    desk.run("b", minutes(60), left=minutes(20))
    desk.run("c", minutes(10), left=minutes(9))
    assert desk.taken("a", "b", "c") == ["b", "a", "c"]


def test_a_short_promise_overtakes_a_long_one_as_time_passes() -> None:
    for passed, order in ((1, ["long", "short"]), (9, ["short", "long"])):
        desk = Promises()
        desk.call("long")
        desk.call("short")
        desk.run("long", minutes(100), left=minutes(50))
        desk.run("short", minutes(10), left=minutes(10))
        desk.desk.after(minutes=passed)
        assert desk.taken("long", "short") == order


def test_of_several_clocks_the_most_used_up_counts() -> None:
    desk = Promises()
    desk.call("two")
    desk.call("one")
    desk.run("two", minutes(600), left=minutes(590), number=1)
    desk.run("two", minutes(20), left=minutes(2), number=2)
    desk.run("one", minutes(100), left=minutes(30))
    assert desk.taken("one", "two") == ["two", "one"]


def test_work_without_a_running_clock_comes_after_all_other_by_priority_and_age() -> None:
    desk = Promises()
    desk.call("old")
    desk.call("new")
    desk.call("pressing", Priority.URGENT)
    desk.call("promised", Priority.LOW)
    desk.run("promised", minutes(100), left=minutes(300))
    assert desk.taken("old", "new", "pressing", "promised") == ["promised", "pressing", "old", "new"]


def test_a_clock_that_stands_still_does_not_count_until_it_runs_again() -> None:
    desk = Promises()
    desk.call("a")
    desk.call("b")
    desk.run("b", minutes(10), left=minutes(1))
    desk.tell("b", elapsed=minutes(9))
    assert desk.taken("a", "b") == ["a", "b"]
    desk.call("c")
    desk.call("d")
    desk.run("d", minutes(10), left=minutes(1))
    desk.tell("d", elapsed=minutes(9))
    desk.tell("d", elapsed=minutes(9), due_at=desk.desk.now + minutes(1))
    assert desk.taken("c", "d") == ["d", "c"]


def test_a_clock_that_has_ended_is_forgotten() -> None:
    desk = Promises()
    desk.call("a")
    desk.run("a", minutes(10), left=minutes(1))
    assert desk.desk.state.tickets[ticket_id("a")].clocks
    desk.tell("a", is_over=True)
    assert desk.desk.state.tickets[ticket_id("a")].clocks == ()


def test_clocks_are_known_before_the_ticket_and_forgotten_when_it_is_closed() -> None:
    desk = Promises()
    desk.run("late", minutes(10), left=minutes(1))
    assert desk.desk.state.live_item(ticket_id("late")) is None
    desk.call("early")
    desk.call("late")
    assert desk.taken("early", "late") == ["late", "early"]
    assert desk.desk.state.tickets[ticket_id("late")].clocks == ()
    desk.run("late", minutes(10), left=minutes(1))
    assert desk.desk.state.tickets[ticket_id("late")].clocks == ()


def test_what_was_told_of_a_reopened_ticket_before_it_was_solved_is_kept() -> None:
    desk = Promises()
    desk.call("a")
    desk.run("a", minutes(10), left=minutes(1))
    desk.desk.status("a", TicketStatus.SOLVED)
    desk.desk.status("a", TicketStatus.OPEN)
    desk.call("b", Priority.URGENT)
    assert desk.taken("a", "b") == ["a", "b"]


def test_a_clock_whose_target_nobody_told_is_none() -> None:
    desk = Promises()
    desk.call("a")
    desk.tell("a", elapsed=minutes(1), due_at=START + minutes(10))
    desk.tell("a", target=timedelta(), due_at=START + minutes(10))
    assert desk.desk.state.tickets[ticket_id("a")].clocks == ()


def test_the_decision_says_how_much_of_the_promise_was_used_up() -> None:
    desk = Promises()
    desk.call("a")
    desk.run("a", minutes(100), left=minutes(25))
    desk.desk.set_state("ann", AgentState.AVAILABLE)
    given = desk.desk.decisions[-1]
    choice = given.reasons.choice  # type: ignore[union-attr] # it was assigned
    assert choice is not None
    assert choice.precedence is not None
    assert choice.precedence.by is OrderBy.SLA_URGENCY
    assert isinstance(choice.precedence, Precedence)
    assert choice.precedence.value is not None
    assert round(choice.precedence.value, 3) == 0.75


def test_business_time_is_what_is_left_until_the_due_time() -> None:
    assert counts_from(target=minutes(60), elapsed=minutes(0), at=START, due_at=START + minutes(60)) == START
    over_night = counts_from(target=minutes(60), elapsed=minutes(30), at=START, due_at=START + minutes(900))
    assert over_night == START + minutes(840), "it runs from half an hour before it opens again"


def test_what_is_overdue_counts_on_from_what_it_had_used_up() -> None:
    broken_at = START - minutes(500)
    since = counts_from(target=minutes(60), elapsed=minutes(90), at=START, due_at=broken_at)
    assert since == START - minutes(90), "it stood still for most of the time"
