"""What one shard may have under way: of all channels, of one workspace, of one channel."""

from collections.abc import Iterable
from datetime import timedelta

from services.intake.adapters.outbound.lanes import MOST_OF_ONE, MOST_UNDER_WAY, Lanes
from services.intake.adapters.outbound.queue import LaneKey, Waiting
from services.intake.domain.lane import AT_ONCE
from services.intake.domain.workspace import Workspace
from tests.unit.intake.builders import NOW


def channels(workspace_id: str, count: int) -> list[LaneKey]:
    return [(workspace_id, f"channel-{number}") for number in range(count)]


def due(keys: Iterable[LaneKey]) -> list[Waiting]:
    return [Waiting(key, NOW) for key in keys]


def begin(lanes: Lanes, keys: list[LaneKey]) -> dict[LaneKey, int]:
    """Everything that may begin, begun; how much by each lane."""
    ready = lanes.ready(due(keys), NOW)
    workspaces = {key[0]: Workspace(version=1, channels={}) for key in ready}
    rooms = lanes.rooms(ready, workspaces, NOW)
    for key, (lane, room) in rooms.items():
        lanes.began(key, lane, room)
    return {key: room for key, (_, room) in rooms.items()}


def test_a_channel_has_its_own_share() -> None:
    lanes = Lanes()
    (key,) = channels("acme", 1)
    assert begin(lanes, [key]) == {key: AT_ONCE}
    assert begin(lanes, [key]) == {}
    assert lanes.wait_s(due([key]), NOW) is None
    lanes.ended(key, NOW, is_well=True)
    assert begin(lanes, [key]) == {key: 1}


def test_one_workspace_leaves_room_for_the_others() -> None:
    lanes = Lanes()
    many = channels("acme", 100)
    begun = begin(lanes, many)
    assert sum(begun.values()) == MOST_OF_ONE
    rest = [key for key in many if key not in begun]
    assert begin(lanes, rest) == {}
    assert lanes.wait_s(due(rest), NOW) is None
    (other,) = channels("other", 1)
    assert lanes.wait_s(due([*rest, other]), NOW) == 0.0
    assert begin(lanes, [*rest, other]) == {other: AT_ONCE}
    lanes.ended(many[0], NOW, is_well=True)
    assert begin(lanes, rest) == {rest[0]: 1}


def test_what_is_given_is_never_more_than_is_left() -> None:
    lanes = Lanes()
    workspaces = [channels(f"w{number}", 7) for number in range(6)]
    begun = begin(lanes, [key for keys in workspaces for key in keys])
    assert sum(begun.values()) == MOST_UNDER_WAY
    late = channels("late", 2)
    assert begin(lanes, late) == {}
    assert lanes.wait_s(due(late), NOW) is None
    for _ in range(3):
        lanes.ended(workspaces[0][0], NOW, is_well=True)
    # What is left, and not what its lane would have room for.
    assert begin(lanes, late) == {late[0]: 3}


def test_the_last_place_of_a_workspace_is_given_once() -> None:
    lanes = Lanes()
    full = channels("acme", MOST_OF_ONE // AT_ONCE)
    begin(lanes, full)
    lanes.ended(full[0], NOW, is_well=True)
    assert begin(lanes, [("acme", "a"), ("acme", "b")]) == {("acme", "a"): 1}


def test_who_fails_is_probed_one_by_one_and_held_as_long_as_it_wants() -> None:
    lanes = Lanes()
    (key,) = channels("acme", 1)
    begin(lanes, [key])
    for _ in range(AT_ONCE):
        lanes.ended(key, NOW, is_well=False, hold_s=30.0)
    assert begin(lanes, [key]) == {}
    assert lanes.wait_s(due([key]), NOW) == 30.0
    later = NOW + timedelta(seconds=30)
    workspaces = {"acme": Workspace(version=1, channels={})}
    assert [room for _, room in lanes.rooms([key], workspaces, later).values()] == [1]


def test_what_is_not_due_is_not_ready() -> None:
    lanes = Lanes()
    (key,) = channels("acme", 1)
    waiting = [Waiting(key, NOW + timedelta(seconds=5))]
    assert lanes.ready(waiting, NOW) == []
    assert lanes.wait_s(waiting, NOW) == 5.0


def test_lanes_that_are_as_good_as_new_are_forgotten() -> None:
    lanes = Lanes()
    (key,) = channels("acme", 1)
    begin(lanes, [key])
    for _ in range(AT_ONCE):
        lanes.ended(key, NOW, is_well=True)
    lanes.forget_idle(NOW)
    assert lanes._lanes
    lanes.forget_idle(NOW + timedelta(minutes=1))
    assert not lanes._lanes
    assert not lanes._under_way
