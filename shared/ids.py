"""Identifiers: UUIDv7 (RFC 9562, section 5.7), so that rows of one table lie in the order of their making."""

import hashlib
import os
import time
from datetime import datetime
from typing import Protocol
from uuid import UUID

_PLACE = 2
_LAST_PLACE = 0xFFF
"""Twelve bits, of the seed's first two bytes."""


class IdFactory(Protocol):
    """Where new identifiers come from."""

    def new(self) -> UUID:
        """A UUIDv7 that nobody else has."""
        ...


def uuid7(unix_ms: int, randomness: bytes) -> UUID:
    """The UUIDv7 of a moment.

    unix_ms: milliseconds since 1970, 0 <= unix_ms < 2**48
    randomness: 10 bytes, of which 74 bits are used
    """
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


class SystemIds:
    """Identifiers from the system's clock and randomness, which is fetched in larger pieces."""

    _PIECE = 4096

    def __init__(self) -> None:
        self._random = b""
        self._used = 0

    def new(self) -> UUID:
        """A UUIDv7 that nobody else has."""
        if self._used + 10 > len(self._random):
            self._random, self._used = os.urandom(self._PIECE), 0
        piece = self._random[self._used : self._used + 10]
        self._used += 10
        return uuid7(time.time_ns() // 1_000_000, piece)


def new_seed() -> bytes:
    """Sixteen random bytes."""
    return os.urandom(16)


def placed_seed(place: int) -> bytes:
    """Sixteen bytes for `SeededIds`, all but the first two random.

    place: which of several seeds of one moment it is: ids sort by it within their millisecond, up to 4095
    """
    return min(place, _LAST_PLACE).to_bytes(_PLACE, "big") + os.urandom(16 - _PLACE)


class SeededIds:
    """Identifiers that follow from a seed and a moment: the same inputs give the same ids, which replay needs.

    The seed's place takes the 12 bits below the milliseconds (RFC 9562, section 6.2, method 1).
    """

    def __init__(self, seed: bytes, now: datetime) -> None:
        self._seed = seed
        self._unix_ms = int(now.timestamp() * 1000)
        self._count = 0

    def new(self) -> UUID:
        """The next identifier of this seed."""
        self._count += 1
        randomness = hashlib.blake2b(self._count.to_bytes(8, "big"), key=self._seed[:64], digest_size=8)
        return uuid7(self._unix_ms, self._seed[:_PLACE].rjust(_PLACE, b"\0") + randomness.digest())
