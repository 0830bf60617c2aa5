"""Feeds and their hub: whatever a client misses, it ends where one that missed nothing does."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.app.boards import Boards
from services.metrics.app.configuration import WorkspaceSettings
from services.metrics.app.feed import Frame, RingLimits, Subscription, together
from services.metrics.app.hub import Hub, Listener
from services.metrics.app.watch import Key, Query, Watch, values_of
from services.metrics.domain.fact import WHOLE, Dimension, Scope
from services.metrics.domain.kpi import Value, Window
from tests.unit.metrics.app.builders import NOW, a_board, a_fact

ROOMY = RingLimits(age_s=600, values=100_000)
QUERY = Query(kpis=("first_reply", "volume"), windows=(Window.MINUTES_5, Window.MINUTES_60))


class _Stage:
    """A hub on boards, with a clock and a lag that tests set."""

    def __init__(self, limits: RingLimits = ROOMY, epoch: int = 7) -> None:
        self.now = NOW
        self.is_stale = False
        self.boards = Boards(self._now)
        self.hub = Hub(epoch, limits, now=self._now, is_stale=lambda: self.is_stale)

    def _now(self) -> datetime:
        return self.now

    def happen(self, name: str, *, queue: str = "billing", seconds: int = 60) -> None:
        board = self.boards.of("acme")
        board.put_fact(a_fact(name, queue=queue, seconds=seconds, age=NOW - self.now))

    def subscribe(self, last: str | None = None, query: Query = QUERY) -> "_Client":
        return _Client(self.hub, self.hub.subscribe(self.boards, "acme", query, last))

    def push(self, *, is_tick: bool = False) -> None:
        self.hub.push(self.boards, is_tick=is_tick)

    def truth(self, query: Query = QUERY) -> dict[Key, Value]:
        board = self.boards.of("acme")
        board.advance(self.now)
        return dict(values_of(query, board))


class _Client:
    """Takes frames and keeps what they say."""

    def __init__(self, hub: Hub, listener: Listener) -> None:
        self.hub = hub
        self.listener = listener
        self.state: dict[Key, Value] = {}
        self.frames: list[Frame] = []

    def take(self) -> list[Frame]:
        taken: list[Frame] = []
        while frame := asyncio.run(self.listener.subscription.next(0)):
            self.state = dict(frame.values) if frame.is_snapshot else {**self.state, **frame.values}
            taken.append(frame)
        self.frames += taken
        return taken

    @property
    def cursor(self) -> str:
        return self.hub.cursor(self.frames[-1].number)

    def leave(self) -> None:
        self.hub.leave(self.listener)


def test_a_client_gets_a_snapshot_and_then_only_what_changes() -> None:
    stage = _Stage()
    stage.happen("t")
    client = stage.subscribe()
    (snapshot,) = client.take()
    assert (snapshot.is_snapshot, snapshot.reason) == (True, None)
    assert client.state == stage.truth()
    stage.push()
    assert client.take() == []
    stage.happen("u", queue="sales", seconds=120)
    stage.push()
    (delta,) = client.take()
    assert {key.scope.member for key in delta.values} == {"", "sales"}
    assert client.state == stage.truth()


def test_time_alone_takes_values_back_on_a_tick() -> None:
    stage = _Stage()
    stage.happen("t")
    client = stage.subscribe()
    client.take()
    stage.now += timedelta(minutes=6)
    stage.push(is_tick=True)
    (delta,) = client.take()
    assert {key.window for key in delta.values} == {Window.MINUTES_5}
    assert client.state == stage.truth()


@pytest.mark.parametrize(
    ("last", "reason"),
    [("", "unknown"), ("abc", "unknown"), ("7-99", "future"), ("6-1", "other_epoch"), ("8-1", "other_epoch")],
)
def test_a_cursor_that_cannot_be_used_gives_a_snapshot_with_the_reason(last: str, reason: str) -> None:
    (frame,) = _Stage().subscribe(last).take()
    assert (frame.is_snapshot, frame.reason) == (True, reason)


def test_a_cursor_of_another_stream_gives_a_snapshot() -> None:
    stage = _Stage()
    other = stage.subscribe(query=Query(kpis=("waiting",)))
    mine = stage.subscribe()
    other.take()
    mine.take()
    (frame,) = stage.subscribe(other.cursor, query=QUERY).take()
    assert (frame.is_snapshot, frame.reason) == (True, "too_old")
    stage.happen("t")
    stage.push()
    later = stage.subscribe(query=Query(kpis=("waiting",)))
    later.take()
    (frame,) = stage.subscribe(later.cursor, query=QUERY).take()
    assert (frame.is_snapshot, frame.reason) == (True, "other_stream")


def test_what_the_ring_has_forgotten_gives_a_snapshot() -> None:
    stage = _Stage(RingLimits(age_s=600, values=6))
    client = stage.subscribe()
    client.take()
    client.leave()
    for number in range(5):
        stage.happen(str(number))
        stage.subscribe().leave()
    (frame,) = stage.subscribe(client.cursor).take()
    assert (frame.is_snapshot, frame.reason) == (True, "too_old")


def test_numbers_rise_over_all_streams_of_a_workspace() -> None:
    stage = _Stage()
    one, two = stage.subscribe(), stage.subscribe(query=Query(kpis=("volume",)))
    for number in range(3):
        stage.happen(str(number))
        stage.push()
    numbers = [frame.number for client in (one, two) for frame in client.take()]
    assert len(set(numbers)) == len(numbers)


def test_lag_marks_frames_and_is_told_even_where_nothing_else_changes() -> None:
    stage = _Stage()
    client = stage.subscribe()
    client.take()
    for is_stale in (True, False):
        stage.is_stale = is_stale
        stage.push()
        stage.push()
        (frame,) = client.take()
        assert (frame.is_stale, dict(frame.values)) == (is_stale, {})


def test_a_slow_client_gets_fewer_fuller_frames_and_the_same_state() -> None:
    stage = _Stage()
    slow, fast = stage.subscribe(), stage.subscribe()
    for number in range(100):
        stage.happen(str(number), seconds=number)
        stage.push()
        fast.take()
    assert len(slow.take()) < 40
    assert slow.state == fast.state == stage.truth()
    assert slow.cursor == fast.cursor


def test_streams_go_on_when_the_boards_are_made_anew() -> None:
    stage = _Stage()
    stage.happen("t")
    client = stage.subscribe()
    client.take()
    stage.boards = Boards(lambda: stage.now)
    stage.happen("u", queue="sales", seconds=5)
    stage.push()
    client.take()
    billing = Key("volume", Scope(Dimension.QUEUE, "billing"), Window.MINUTES_5)
    assert client.state[billing] == Value(0, 0)
    assert {key: value for key, value in client.state.items() if key.scope.member != "billing"} == stage.truth()


def test_a_queue_that_is_configured_shows_at_once() -> None:
    stage = _Stage()
    client = stage.subscribe()
    client.take()
    stage.boards.configure("acme", WorkspaceSettings(version=1, queues=("fresh",)))
    stage.push()
    client.take()
    assert client.state[Key("volume", Scope(Dimension.QUEUE, "fresh"), Window.MINUTES_5)] == Value(0, 0)


def test_everybody_is_sent_away_at_the_end() -> None:
    stage = _Stage()
    client = stage.subscribe()
    client.take()
    stage.hub.end()
    assert client.listener.subscription.is_over
    assert not stage.hub.has_listeners


def test_an_explicit_scope_is_shown_whether_anything_happened_there_or_not() -> None:
    query = Query(kpis=("volume",), windows=(Window.TODAY,), dimensions=(), scopes=(Scope(Dimension.TIER, "3"),))
    assert list(Watch(query).look(a_board())) == [Key("volume", Scope(Dimension.TIER, "3"), Window.TODAY)]


def test_a_stream_that_began_empty_keeps_nothing_from_whoever_was_there_before() -> None:
    stage = _Stage()
    query = Query(kpis=("first_reply",), windows=(Window.MINUTES_60,), dimensions=(Dimension.QUEUE,))
    stays, leaves = stage.subscribe(query=query), stage.subscribe(query=query)
    assert (stays.take()[0].values, leaves.take()[0].values) == ({}, {})
    leaves.leave()
    stage.happen("t")
    back = stage.subscribe(leaves.cursor, query)
    stage.push()
    for client in (stays, back):
        client.take()
        assert client.state == stage.truth(query) != {}


def test_frames_put_together_say_what_the_last_of_them_says() -> None:
    def frame(number: int, value: float) -> Frame:
        key = Key("volume", WHOLE, Window.TODAY)
        return Frame(number=number, at=0, as_of=NOW, is_stale=False, values={key: Value(value)})

    merged = together([frame(1, 1), frame(2, 5), frame(3, 2)])
    assert (merged.number, list(merged.values.values())) == (3, [Value(2)])


def test_a_subscription_without_frames_waits_no_longer_than_it_is_told() -> None:
    assert asyncio.run(Subscription([]).next(0.01)) is None


Step = Callable[[_Stage, int], None]
STEPS = st.lists(
    st.sampled_from(["happen", "happen", "other", "pass", "push", "cut", "resume", "late"]),
    min_size=5,
    max_size=60,
)


@settings(deadline=None, max_examples=80)
@given(STEPS)
def test_a_client_that_is_cut_and_comes_back_ends_where_one_that_never_left_does(steps: list[str]) -> None:
    stage = _Stage()
    steady, flaky = stage.subscribe(), stage.subscribe()
    is_cut = False
    for number, step in enumerate(steps):
        if step in ("happen", "other"):
            stage.happen(str(number), queue=step, seconds=number)
        elif step == "pass":
            stage.now += timedelta(seconds=100)
        elif step == "push":
            stage.push(is_tick=True)
        elif step == "late":
            steady.take()
        elif step == "cut" and not is_cut:
            flaky.take()
            flaky.leave()
            is_cut = True
        elif step == "resume" and is_cut:
            before, cursor = flaky.state, flaky.cursor
            flaky = stage.subscribe(cursor)
            flaky.state = before
            flaky.frames.append(Frame(number=int(cursor[2:]), at=0, as_of=NOW, is_stale=False, values={}))
            assert not any(frame.is_snapshot for frame in flaky.take())
            is_cut = False
    if is_cut:
        before = flaky.state
        flaky = stage.subscribe(flaky.cursor)
        flaky.state = before
    stage.push(is_tick=True)
    steady.take()
    flaky.take()
    assert steady.state == flaky.state == stage.truth()
