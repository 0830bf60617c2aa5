"""Room that is taken by something else."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.intake.adapters.bytes_in_hand import BytesInHand


@contextmanager
def occupied(in_hand: BytesInHand, size: int) -> Iterator[None]:
    """So many bytes of it. Raises Unavailable where they are not free."""
    in_hand.take(size)
    try:
        yield
    finally:
        in_hand.give_back(size)
