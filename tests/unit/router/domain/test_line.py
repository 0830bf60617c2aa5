"""Which of several waiting items is first, at any moment."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.line import Line
from services.router.domain.order import Order, OrderBy
from services.router.domain.policy import Requirements
from services.router.domain.sla_clock import SlaClock
from services.router.domain.work_item import WorkItem
from shared.vocabulary import ChannelKind, Priority, SlaMetric
from tests.unit.router.domain.desk import START

POINTS = {Priority.URGENT: 90, Priority.HIGH: 45, Priority.NORMAL: 20, Priority.LOW: 0}
AGEING = timedelta(minutes=10)

minutes = st.integers(-600, 600).map(lambda number: timedelta(minutes=number))


def an_item(number: int, priority: Priority, queued_at: datetime, *, is_expedited: bool = False) -> WorkItem:
    return WorkItem(
        work_id=UUID(int=number),
        ticket_id=UUID(int=1000 + number),
        channel="mail",
        channel_kind=ChannelKind.EMAIL,
        base=Requirements(queue="general"),
        rule="everything",
        policy_version=1,
        priority=priority,
        is_expedited=is_expedited,
        queued_at=queued_at,
        started_at=queued_at,
        stint_at=queued_at,
        last_event_at=queued_at,
    )


def a_clock(number: int, target: timedelta, counts_from: datetime | None) -> SlaClock:
    return SlaClock(
        clock_id=UUID(int=number), metric=SlaMetric.FIRST_REPLY, target=target, counts_from=counts_from
    )


clocks = st.lists(
    st.builds(
        a_clock,
        st.integers(1, 9),
        st.sampled_from([timedelta(minutes=15), timedelta(hours=1), timedelta(hours=8)]),
        st.none() | minutes.map(lambda ago: START - ago),
    ),
    max_size=3,
)


@st.composite
def waiting(draw: st.DrawFn) -> list[tuple[WorkItem, list[SlaClock]]]:
    count = draw(st.integers(0, 12))
    return [
        (
            an_item(
                number,
                draw(st.sampled_from(list(Priority))),
                START - draw(minutes),
                is_expedited=draw(st.integers(0, 5)) == 0,
            ),
            draw(clocks),
        )
        for number in range(count)
    ]


def plainly(by: OrderBy, item: WorkItem, clocks: list[SlaClock], now: datetime) -> tuple[object, ...]:
    """What an item is sorted by at one moment, with no thought of how that changes."""
    waited = (now - item.queued_at).total_seconds() / 60
    age = (item.queued_at, item.work_id)
    pressing = (item.priority.rank, *age)
    place: tuple[object, ...] = pressing
    match by:
        case OrderBy.PRIORITY:
            pass
        case OrderBy.OLDEST:
            place = age
        case OrderBy.SCORE:
            place = (-(waited + POINTS[item.priority]), *age)
        case OrderBy.AGEING:
            raised = max(0, int(waited // (AGEING.total_seconds() / 60)))
            place = (max(0, item.priority.rank - raised), *age)
        case OrderBy.SLA_URGENCY:
            running = [clock for clock in clocks if clock.counts_from is not None]
            used = [((now - clock.counts_from) / clock.target, -clock.target) for clock in running]  # type: ignore[operator] # it runs
            share, target = max(used) if used else (0.0, timedelta(0))
            place = (not used, -share, -target, *pressing)
    return (not item.is_expedited, *place)


def order(by: OrderBy) -> Order:
    return Order(by=by, points=tuple(POINTS[priority] for priority in Priority), ageing=AGEING)


def ids(line: Line, items: Mapping[UUID, WorkItem], now: datetime) -> list[int]:
    return [item.work_id.int for item, _ in line.in_order(items, now)]


@pytest.mark.parametrize("by", list(OrderBy))
@given(there=waiting(), instants=st.lists(minutes, min_size=1, max_size=3), gone=st.sets(st.integers(0, 12)))
def test_a_line_is_sorted_at_every_moment(
    by: OrderBy, there: list[tuple[WorkItem, list[SlaClock]]], instants: list[timedelta], gone: set[int]
) -> None:
    items = {item.work_id: item for item, _ in there}
    line = Line(order(by))
    for item, known in there:
        line.join(item, known, items)
    for item, _ in there:
        if item.work_id.int in gone:
            item.stamp += 1
            line.leave(items)
    left = [(item, known) for item, known in there if item.work_id.int not in gone]
    for instant in instants:
        now = START + instant
        expected = sorted(left, key=lambda entry: plainly(by, entry[0], entry[1], now))
        assert ids(line, items, now) == [item.work_id.int for item, _ in expected]
        places = [place for _, place in line.in_order(items, now)]
        assert all(one < other for one, other in pairwise(places))


def test_of_equal_shares_the_shorter_promise_comes_first() -> None:
    used_up = {timedelta(hours=1): [2, 3], timedelta(minutes=15): [0, 1], timedelta(hours=8): [4]}
    items: dict[UUID, WorkItem] = {}
    line = Line(order(OrderBy.SLA_URGENCY))
    for target, numbers in used_up.items():
        for number in numbers:
            item = an_item(number, Priority.NORMAL, START + timedelta(minutes=number - 10))
            items[item.work_id] = item
            line.join(item, [a_clock(number, target, START - target / 2)], items)
    assert ids(line, items, START) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("by", list(OrderBy))
@given(there=waiting(), now=minutes, looked_at=st.integers(0, 12))
def test_looking_at_the_first_few_changes_nothing(
    by: OrderBy, there: list[tuple[WorkItem, list[SlaClock]]], now: timedelta, looked_at: int
) -> None:
    items = {item.work_id: item for item, _ in there}
    line = Line(order(by))
    for item, known in there:
        line.join(item, known, items)
    before = ids(line, items, START + now)
    few = line.in_order(items, START + now)
    for _ in zip(range(looked_at), few, strict=False):
        pass
    few.close()
    assert ids(line, items, START + now) == before


def test_a_line_that_nobody_is_taken_from_does_not_grow_as_its_items_move() -> None:
    line = Line(order(OrderBy.SLA_URGENCY))
    items = {UUID(int=number): an_item(number, Priority.NORMAL, START) for number in range(10)}
    for item in items.values():
        line.join(item, [], items)
    for number in range(1000):
        item = items[UUID(int=number % 10)]
        item.stamp += 1
        line.leave(items)
        item.stamp += 1
        running = [a_clock(n, timedelta(hours=n), START) for n in range(1, 5)]
        line.join(item, running, items)
    assert line.count == 10
    assert sum(len(heap) for heap in line.groups.values()) == line.entries <= 200
    assert ids(line, items, START) == list(range(10))
