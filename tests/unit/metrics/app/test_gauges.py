"""What there is now."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.app.gauges import Gauges
from services.metrics.domain.agent import TrackedAgent
from services.metrics.domain.fact import WHOLE, Dimension, Place, Scope
from services.metrics.domain.kpi import Population
from services.metrics.domain.tracked import Standing
from shared.vocabulary import AgentState, TicketStatus
from tests.scribe import uid
from tests.unit.metrics.app.builders import NOW

BILLING = Scope(Dimension.QUEUE, "billing")
OFFLINE = frozenset({AgentState.OFFLINE})


def gauges() -> Gauges:
    return Gauges(lambda *_: None)


def an_agent(
    agent_id: str, state: AgentState, *, is_on_duty: bool = True, is_removed: bool = False
) -> TrackedAgent:
    return TrackedAgent(
        workspace_id="acme",
        agent_id=agent_id,
        state=state,
        queues=("billing", "billing"),
        support_tier=1,
        is_on_duty=is_on_duty,
        is_removed=is_removed,
    )


STANDINGS = st.none() | st.builds(
    lambda queue, status, wait: Standing(
        place=Place(queue=queue),
        opened_at=NOW,
        status=status,
        waiting_since=None if wait is None else NOW - timedelta(minutes=wait),
    ),
    st.sampled_from(["billing", "sales", None]),
    st.sampled_from([None, TicketStatus.NEW, TicketStatus.PENDING]),
    st.none() | st.integers(0, 60),
)


@given(st.lists(st.tuples(st.integers(0, 6), STANDINGS), max_size=60))
def test_counts_and_the_oldest_wait_are_what_a_plain_search_would_find(
    steps: list[tuple[int, Standing | None]],
) -> None:
    board = gauges()
    model: dict[int, Standing | None] = {}
    for number, after in steps:
        board.move(uid(str(number)), model.get(number), after)
        model[number] = after
        for scope in (WHOLE, BILLING):
            inside = [one for one in model.values() if one and (scope == WHOLE or one.place.queue == "billing")]
            waits = [one.waiting_since for one in inside if one.waiting_since]
            assert board.present(scope, Population.WAITING, None) == len(waits)
            assert board.oldest_wait(scope) == min(waits, default=None)
            for status in (TicketStatus.NEW, TicketStatus.PENDING):
                expected = sum(one.status is status for one in inside)
                assert board.present(scope, Population.BACKLOG, frozenset({status})) == expected


def test_scopes_with_waiting_are_those_where_time_matters() -> None:
    board = gauges()
    standing = Standing(place=Place(queue="billing"), opened_at=NOW, status=None, waiting_since=NOW)
    board.move(uid("t"), None, standing)
    assert set(board.scopes_with_waiting()) == {WHOLE, BILLING}
    board.move(uid("t"), standing, None)
    assert set(board.scopes_with_waiting()) == set()


def test_an_agent_off_duty_counts_apart_and_not_as_available() -> None:
    board = gauges()
    board.set_agent(an_agent("ada", AgentState.AVAILABLE, is_on_duty=False))
    board.set_agent(an_agent("bob", AgentState.OFFLINE, is_on_duty=False))
    available, off_duty = frozenset({"available"}), frozenset({"off_duty"})
    assert board.present(BILLING, Population.AGENTS, available) == 0
    assert board.present(BILLING, Population.AGENTS, off_duty) == 1
    assert [agent.agent_id for agent in board.agents(WHOLE, off_duty)] == ["ada"]
    board.set_agent(an_agent("ada", AgentState.AVAILABLE))
    assert board.present(BILLING, Population.AGENTS, available) == 1
    assert board.present(BILLING, Population.AGENTS, off_duty) == 0


def test_agents_count_in_each_of_their_queues_once_and_not_when_removed() -> None:
    board = gauges()
    board.set_agent(an_agent("ada", AgentState.AVAILABLE))
    board.set_agent(an_agent("bob", AgentState.AWAY))
    assert board.present(BILLING, Population.AGENTS, None) == 2
    board.set_agent(an_agent("ada", AgentState.AWAY))
    assert board.present(BILLING, Population.AGENTS, frozenset({AgentState.AWAY})) == 2
    board.set_agent(an_agent("ada", AgentState.AWAY, is_removed=True))
    assert board.present(WHOLE, Population.AGENTS, None) == 1
    assert [agent.agent_id for agent in board.agents(BILLING, None)] == ["bob"]


def test_those_of_the_roster_who_were_never_heard_of_are_offline() -> None:
    board = gauges()
    board.configure(frozenset({"ada", "eve"}))
    board.set_agent(an_agent("ada", AgentState.AVAILABLE))
    assert board.present(WHOLE, Population.AGENTS, OFFLINE) == 1
    assert board.present(Scope(Dimension.AGENT, "eve"), Population.AGENTS, OFFLINE) == 1
    assert board.present(Scope(Dimension.AGENT, "ada"), Population.AGENTS, OFFLINE) == 0
    assert board.present(BILLING, Population.AGENTS, OFFLINE) == 0
    assert [agent.agent_id for agent in board.agents(WHOLE, OFFLINE)] == ["eve"]


def test_a_wait_that_ends_uncovers_the_next_one() -> None:
    board = gauges()
    since: list[datetime] = [NOW - timedelta(minutes=5), NOW - timedelta(minutes=3)]
    standings = [
        Standing(place=Place(queue="billing"), opened_at=NOW, status=None, waiting_since=at) for at in since
    ]
    for name, standing in zip("tu", standings, strict=True):
        board.move(uid(name), None, standing)
    board.move(uid("t"), standings[0], None)
    assert board.oldest_wait(BILLING) == since[1]


def test_one_long_wait_does_not_keep_the_memory_of_all_that_came_after() -> None:
    board = gauges()
    old = Standing(place=Place(queue="billing"), opened_at=NOW, status=None, waiting_since=NOW - timedelta(days=1))
    board.move(uid("old"), None, old)
    short = Standing(place=Place(queue="billing"), opened_at=NOW, status=None, waiting_since=NOW)
    for number in range(1000):
        board.move(uid(str(number)), None, short)
        board.move(uid(str(number)), short, None)
    assert board.oldest_wait(BILLING) == NOW - timedelta(days=1)
    assert len(board._by_wait[BILLING]) < 100
