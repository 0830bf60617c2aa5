"""How much leaves by one channel."""

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.lane import AT_ONCE, Lane


def test_a_lane_begins_with_a_second_s_worth_and_is_filled_at_its_pace() -> None:
    lane = Lane.opened(2.0, 100.0)
    assert lane.room() == 2
    lane = lane.began(2)
    assert (lane.room(), lane.wait_s()) == (0, 0.5)
    assert lane.at(100.5, 2.0).room() == 1
    assert lane.at(109.0, 2.0).room() == 2


def test_a_pace_below_one_lets_one_through_at_a_time() -> None:
    lane = Lane.opened(0.1, 0.0).began(1)
    assert lane.wait_s() == 10.0
    assert (lane.at(9.9, 0.1).room(), lane.at(10.0, 0.1).room()) == (0, 1)


def test_no_more_than_a_few_are_under_way() -> None:
    lane = Lane.opened(100.0, 0.0)
    assert lane.room() == AT_ONCE
    lane = lane.began(AT_ONCE)
    assert (lane.room(), lane.wait_s()) == (0, None)
    assert lane.ended(is_well=True).room() == 1


def test_a_lane_that_is_ill_is_probed_one_by_one_until_it_is_well() -> None:
    lane = Lane.opened(100.0, 0.0).began(1).ended(is_well=False)
    assert lane.room() == 1
    lane = lane.began(1)
    assert (lane.room(), lane.wait_s()) == (0, None)
    assert lane.ended(is_well=True).room() == AT_ONCE


def test_a_lane_that_is_held_lets_nothing_through_until_then() -> None:
    lane = Lane.opened(5.0, 0.0).began(1).ended(is_well=False, hold_s=30.0)
    assert (lane.room(), lane.wait_s()) == (0, 30.0)
    assert not lane.at(29.0, 5.0).is_idle
    assert (lane.at(29.9, 5.0).room(), lane.at(30.0, 5.0).room()) == (0, 1)


@given(
    st.floats(0.05, 50.0),
    st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), min_size=1, max_size=60),
)
def test_no_history_lets_more_through_than_the_pace_and_one_burst(
    pace: float, steps: list[tuple[float, bool]]
) -> None:
    lane, now, begun = Lane.opened(pace, 0.0), 0.0, 0
    for passed, is_well in steps:
        now += passed
        lane = lane.at(now, pace)
        room = lane.room()
        assert 0 <= room <= AT_ONCE
        lane = lane.began(room)
        begun += room
        for _ in range(room):
            lane = lane.ended(is_well=is_well)
    assert begun <= max(1.0, pace) + pace * now + 1e-3


@given(st.floats(0.05, 50.0), st.integers(0, 100))
def test_after_the_wait_that_it_names_there_is_room(pace: float, beginnings: int) -> None:
    lane = Lane.opened(pace, 0.0)
    now = 0.0
    for _ in range(beginnings):
        wait = lane.wait_s()
        assert wait is not None
        now += wait
        lane = lane.at(now, pace)
        assert lane.room() >= 1
        lane = lane.began(1).ended(is_well=True)
