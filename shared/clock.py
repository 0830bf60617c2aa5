"""Time. The database's clock rules; a process carries it on its own monotonic clock between two looks at it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a process reads the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock: for logs and for tokens, never for what is written to a row."""

    def now(self) -> datetime:
        """The present instant by the machine's clock."""
        return datetime.now(UTC)


def monotonic() -> float:
    """Seconds since an arbitrary moment; never goes back."""
    return time.monotonic()


class CarriedClock:
    """The database's clock carried on the monotonic clock. It never goes back.

    `observe` sets it anew; `shared/db/clock.py` does so every ten seconds.
    """

    def __init__(self) -> None:
        self._anchor: tuple[datetime, float] | None = None
        self._latest = datetime.min.replace(tzinfo=UTC)

    def observe(self, database_now: datetime, at: float) -> None:
        """Takes the database's time as it was when `monotonic()` read `at`."""
        self._anchor = (database_now, at)

    def now(self) -> datetime:
        """The present instant by the database's clock. It has to be observed once before."""
        assert self._anchor is not None, "read before the first look at the database's clock"
        seen, at = self._anchor
        self._latest = max(self._latest, seen + timedelta(seconds=monotonic() - at))
        return self._latest
