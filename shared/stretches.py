"""Open stretches of time in a row with running sums: how much is open before an instant is two bisections.

Instants and durations are whole microseconds of UTC, counted from 1970.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Lock

Stretch = tuple[int, int]
"""From an instant until before another."""

OpenIn = Callable[[int, int], Iterable[Stretch]]
"""What is open between two instants, merged and in order."""

MOST_MONTHS = 1200
"""What is kept: whoever asks about longer is answered in parts."""

_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MONTH = 9998 * 12
"""Time ends here."""


class Stretches:
    """What a calendar has open in the months that somebody has asked about, and in all between them.

    Months are worked out when they are asked for, by one thread at a time.
    quiet: where nothing opens for longer, nothing is looked for any further
    """

    __slots__ = ("_begins", "_ends", "_first", "_gaps", "_lock", "_next", "_quiet", "_starts", "_sums", "_until")

    def __init__(self, quiet: int) -> None:
        self._quiet = quiet
        self._lock = Lock()
        self._clear()

    def before(self, start: int, end: int, open_in: OpenIn) -> int:
        """How much is open from one instant until before another, at most a century later."""
        with self._lock:
            self._cover(start, end, open_in)
            return self._sum(end) - self._sum(start)

    def reach(self, origin: int, wanted: int, open_in: OpenIn) -> int | None:
        """The first instant until which so much, more than nothing, is open from another on.

        None where nothing opens for too long on the way.
        """
        with self._lock:
            return self._reach(origin, wanted, open_in)

    def first_after(self, instant: int, open_in: OpenIn) -> Stretch | None:
        """The first stretch, cut at months, that ends after an instant; none where nothing opens for too long."""
        with self._lock:
            self._cover(instant, instant, open_in)
            while (position := bisect_right(self._ends, instant)) == len(self._ends):
                if not self._goes_on(instant):
                    return None
                if self._is_full:
                    self._clear()
                    self._cover(instant, instant, open_in)
                self._append(open_in)
            return self._starts[position], self._ends[position]

    def between(self, start: int, end: int, open_in: OpenIn) -> list[Stretch]:
        """The stretches between two instants, at most a century apart."""
        if start >= end:
            return []
        with self._lock:
            self._cover(start, end, open_in)
            first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
            found = merged(zip(self._starts[first:last], self._ends[first:last], strict=True))
        return [(max(opens, start), min(closes, end)) for opens, closes in found]

    def _reach(self, origin: int, wanted: int, open_in: OpenIn) -> int | None:
        while True:
            self._cover(origin, origin, open_in)
            target = self._sum(origin) + wanted
            while self._sums[-1] < target and not self._is_full and self._goes_on(origin):
                self._append(open_in)
            position = bisect_left(self._sums, target)
            if self._is_quiet(origin, min(position, len(self._ends)) - 1):
                return None
            if position < len(self._sums):
                return self._ends[position - 1] - (self._sums[position] - target)
            if not self._goes_on(origin):
                return None
            # A century, and not there yet: on from the last closing time.
            wanted = target - self._sums[-1]
            origin = max(origin, self._quiet_since(origin))
            self._clear()

    def _sum(self, instant: int) -> int:
        """What is open before an instant that is covered."""
        position = bisect_right(self._starts, instant)
        return self._sums[position] - max(0, self._ends[position - 1] - instant) if position else 0

    def _is_quiet(self, origin: int, last: int) -> bool:
        """Whether nothing opens for too long on the way from an instant to a stretch."""
        first = bisect_right(self._ends, origin)
        if first > last:
            return False
        if self._starts[first] - origin > self._quiet:
            return True
        return bisect_right(self._gaps, first) < bisect_right(self._gaps, last)

    def _quiet_since(self, origin: int) -> int:
        return max(origin, self._ends[-1]) if self._ends else origin

    def _goes_on(self, origin: int) -> bool:
        """Whether something may open soon enough behind what is known."""
        return self._next <= _LAST_MONTH and self._until - self._quiet_since(origin) <= self._quiet

    @property
    def _is_full(self) -> bool:
        return self._next - self._first >= MOST_MONTHS

    def _clear(self) -> None:
        self._first = self._next = 0
        self._begins = self._until = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._sums = [0]
        self._gaps: list[int] = []
        """Of stretches that open after too long a time, the positions."""

    def _cover(self, start: int, end: int, open_in: OpenIn) -> None:
        if self._begins <= start and end <= self._until and self._first != self._next:
            return
        first, until = _month_of(start), _month_of(end) + 1
        if self._first == self._next or max(until, self._next) - min(first, self._first) > MOST_MONTHS:
            self._clear()
            self._first = self._next = first
            self._begins = self._until = _month_start(first)
        if first < self._first:
            known = list(zip(self._starts, self._ends, strict=True))
            earlier = [each for month in range(first, self._first) for each in _in_month(month, open_in)]
            upto, until_us = self._next, self._until
            self._clear()
            self._first, self._next = first, upto
            self._begins, self._until = _month_start(first), until_us
            self._extend(earlier)
            self._extend(known)
        while self._next < until:
            self._append(open_in)

    def _append(self, open_in: OpenIn) -> None:
        """Takes in the next month."""
        self._extend(_in_month(self._next, open_in))
        self._next += 1
        self._until = _month_start(self._next)

    def _extend(self, stretches: Iterable[Stretch]) -> None:
        for opens, closes in stretches:
            if self._ends and opens - self._ends[-1] > self._quiet:
                self._gaps.append(len(self._starts))
            self._starts.append(opens)
            self._ends.append(closes)
            self._sums.append(self._sums[-1] + closes - opens)


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time without overlaps, in order."""
    whole: list[Stretch] = []
    for start, end in sorted(stretches):
        if whole and start <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((start, end))
    return whole


def without(stretches: Sequence[Stretch], holes: Sequence[Stretch]) -> Iterator[Stretch]:
    """Merged stretches, less merged holes."""
    passed = 0
    for start, end in stretches:
        at = start
        while passed < len(holes) and holes[passed][1] <= start:
            passed += 1
        for hole_start, hole_end in islice(holes, passed, None):
            if end <= hole_start:
                break
            if at < hole_start:
                yield at, hole_start
            at = hole_end
        if at < end:
            yield at, end


def microseconds(instant: datetime) -> int:
    """An aware instant in microseconds of UTC."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant_at(us: int) -> datetime:
    """The instant of UTC at so many microseconds."""
    return _EPOCH + timedelta(microseconds=us)


def _in_month(month: int, open_in: OpenIn) -> Iterable[Stretch]:
    return open_in(_month_start(month), _month_start(month + 1))


def _month_of(us: int) -> int:
    instant = instant_at(us)
    return instant.year * 12 + instant.month - 1


def _month_start(month: int) -> int:
    return microseconds(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))
