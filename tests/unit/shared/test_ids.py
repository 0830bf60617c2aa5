"""Identifiers: UUIDv7, in the order of their making, and reproducible from a seed."""

from datetime import UTC, datetime
from uuid import UUID

from shared.ids import SeededIds, SystemIds, placed_seed, uuid7

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_the_published_example() -> None:
    # RFC 9562, appendix A.6: 2022-02-22T19:22:22Z
    made = uuid7(0x017F22E279B0, (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big"))
    assert made == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


def test_they_are_all_different_and_of_version_seven() -> None:
    ids = SystemIds()
    made = [ids.new() for _ in range(2000)]
    assert len(set(made)) == 2000
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {UUID(int=0x8 << 60).variant}


def test_the_same_seed_gives_the_same_ids_and_another_gives_others() -> None:
    first, again, other = (SeededIds(seed, NOW) for seed in (b"a", b"a", b"b"))
    made = [first.new() for _ in range(5)]
    assert made == [again.new() for _ in range(5)]
    assert not set(made) & {other.new() for _ in range(5)}


def test_ids_of_one_moment_sort_by_the_place_of_their_seed() -> None:
    made = [SeededIds(placed_seed(place), NOW).new() for place in range(5000)]
    assert made[:4095] == sorted(made[:4095])
    assert max(made[:4095]) < min(made[4095:])
    assert len(set(made)) == 5000
