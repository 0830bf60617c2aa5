"""What waits first for an agent, over all classes that they are in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.foremost import first_for
from services.router.domain.order import Order, OrderBy
from services.router.domain.policy import Requirements
from services.router.domain.queue import Queue
from services.router.domain.sla_clock import SlaClock
from services.router.domain.work_item import Ticket, WorkItem
from shared.vocabulary import ChannelKind, Priority, TicketStatus
from tests.unit.router.domain.desk import START, Desk, agent, general
from tests.unit.router.domain.invariants import place
from tests.unit.router.domain.test_line import an_item, clocks, minutes

SKILLS = ("french", "german", "italian")
ASKED = [Requirements(queue=queue, skills=((skill, 1),)) for queue in ("first", "second") for skill in SKILLS]

waiting = st.lists(
    st.tuples(st.sampled_from(ASKED), st.sampled_from(list(Priority)), minutes, clocks, st.integers(0, 5)),
    max_size=12,
)


def a_desk(by: OrderBy) -> Desk:
    """Ann, who is in every class and has room for one item."""
    order = Order(by=by, ageing=timedelta(minutes=10))
    queues = [Queue(queue_id=name, order=order) for name in ("first", "second")]
    ann = agent("ann", queues=frozenset({"first", "second"}), skills=dict.fromkeys(SKILLS, 1), capacity=20)
    return Desk.of(ann, queues=queues, rules=[general(requirements=ASKED[0])])


def waits(desk: Desk, item: WorkItem, asked: Requirements, running: list[SlaClock]) -> None:
    """Puts an item in its line, and settles nothing."""
    state = desk.state
    item.ask(asked, (), 0)
    state.items[item.work_id] = item
    state.tickets[item.ticket_id] = Ticket(ticket_id=item.ticket_id, clocks=tuple(running))
    state.put_in_line(item)


@pytest.mark.parametrize("by", list(OrderBy))
@given(
    there=waiting,
    instants=st.lists(minutes, min_size=1, max_size=3),
    gone=st.sets(st.integers(0, 11)),
    refused=st.sets(st.integers(0, 11)),
)
def test_it_is_the_first_of_all_that_they_may_have_at_every_moment(
    by: OrderBy,
    there: list[tuple[Requirements, Priority, timedelta, list[SlaClock], int]],
    instants: list[timedelta],
    gone: set[int],
    refused: set[int],
) -> None:
    desk = a_desk(by)
    state, ann = desk.state, desk.state.agents["ann"]
    for number, (asked, priority, ago, running, front) in enumerate(there):
        waits(desk, an_item(number, priority, START - ago, is_expedited=front == 0), asked, running)
    for item in list(state.items.values()):
        if item.work_id.int in gone:
            state.take_out_of_line(item)
            del state.items[item.work_id]
    for instant in instants:
        state.reach(START + instant)
        left = [item for item in state.items.values() if item.work_id.int not in refused]
        first = first_for(state, ann, lambda item: item.work_id.int not in refused, pulls=False)
        expected = min(left, key=lambda item: place(state, item), default=None)
        assert (first and first.item) is expected
        assert first is None or first.place == place(state, first.item)
        besides = {state.class_of(first.item)} if first else set()
        others = [item for item in left if state.class_of(item) not in besides]
        first = first_for(state, ann, lambda item: item.work_id.int not in refused, pulls=False, besides=besides)
        assert (first and first.item) is min(others, key=lambda item: place(state, item), default=None)


def test_an_agent_who_is_as_busy_as_before_is_news_to_no_class() -> None:
    desk = a_desk(OrderBy.PRIORITY)
    quiet = desk.state.class_for(ASKED[-1], ChannelKind.EMAIL)
    desk.open("one")
    desk.accept("ann")
    desk.open("two")
    stood = len(quiet.ready)
    desk.status("one", TicketStatus.SOLVED)
    assert desk.asked("two") == ["ann"]
    assert quiet.condition == {"ann": "capacity"}
    assert len(quiet.ready) == stood
    assert not desk.state.changed


def test_who_is_given_nothing_stands_ready_in_every_class() -> None:
    desk = a_desk(OrderBy.PRIORITY)
    quiet = desk.state.class_for(ASKED[-1], ChannelKind.EMAIL)
    desk.open("one")
    desk.accept("ann")
    assert quiet.ready_count == 0
    desk.status("one", TicketStatus.SOLVED)
    assert quiet.ready_count == 1
