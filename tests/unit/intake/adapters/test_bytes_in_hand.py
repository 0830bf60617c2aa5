"""What comes in has bounded room, and who is slow makes room for others."""

import pytest

from services.intake.adapters.bytes_in_hand import BytesInHand
from shared.errors import Unavailable
from tests.room import occupied


def test_what_came_is_whole_and_counts_until_it_is_gone() -> None:
    in_hand = BytesInHand(10)
    with in_hand.gathering() as gathering:
        gathering.add(b"abc")
        gathering.add(b"de")
        assert gathering.whole() == b"abcde"
        assert (gathering.size, in_hand.size) == (5, 5)
    assert in_hand.size == 0


def test_there_is_no_room_for_more_than_all_may_hold() -> None:
    in_hand = BytesInHand(10)
    with in_hand.gathering() as first:
        first.add(b"a" * 6)
        with in_hand.gathering() as second:
            second.add(b"b" * 4)
            with pytest.raises(Unavailable):
                second.add(b"b")
            # What cannot be whole keeps no room.
            assert in_hand.size == 6
            with pytest.raises(Unavailable):
                second.add(b"")
        with occupied(in_hand, 4):
            first.add(b"")
            with pytest.raises(Unavailable), occupied(in_hand, 1):
                pass
        assert first.whole() == b"a" * 6
    assert in_hand.size == 0


def test_who_reads_for_long_makes_room_the_first_one_first() -> None:
    in_hand = BytesInHand(10, patience_s=0)
    with in_hand.gathering() as first, in_hand.gathering() as second, in_hand.gathering() as third:
        first.add(b"a" * 4)
        second.add(b"b" * 4)
        third.add(b"c" * 5)
        assert in_hand.size == 9
        with pytest.raises(Unavailable):
            first.add(b"a")
        second.add(b"b")
        assert (second.whole(), third.whole()) == (b"b" * 5, b"c" * 5)


def test_what_has_come_whole_makes_no_room() -> None:
    in_hand = BytesInHand(10, patience_s=0)
    with in_hand.gathering() as first, in_hand.gathering() as second:
        first.add(b"a" * 8)
        assert first.whole() == b"a" * 8
        second.add(b"b")
        with pytest.raises(Unavailable):
            second.add(b"b" * 2)
        assert in_hand.size == 8


def test_who_is_slowest_of_all_makes_room_for_others_and_not_for_more_of_its_own() -> None:
    in_hand = BytesInHand(10, patience_s=0)
    with in_hand.gathering() as first:
        first.add(b"a" * 8)
        with pytest.raises(Unavailable):
            first.add(b"a" * 3)
        assert in_hand.size == 0
