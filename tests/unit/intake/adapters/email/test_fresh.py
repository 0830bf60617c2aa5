"""The bytes that are kept between storing a mail and reading it."""

from uuid import UUID

from services.intake.adapters.email.fresh import Fresh

HALF = bytes(20 << 20)


def test_what_nobody_reads_here_makes_room_for_what_comes_next() -> None:
    first, second = UUID(int=1), UUID(int=2)
    fresh = Fresh()
    fresh.keep(first, HALF)
    fresh.keep(second, HALF)
    assert fresh.take(second) == HALF
    assert fresh.take(first) is None


def test_what_is_too_large_pushes_nothing_out() -> None:
    first, second = UUID(int=1), UUID(int=2)
    fresh = Fresh()
    fresh.keep(first, b"x")
    fresh.keep(second, HALF * 2)
    assert (fresh.take(first), fresh.take(second)) == (b"x", None)
