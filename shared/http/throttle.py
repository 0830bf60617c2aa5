"""Bounds how often one address may come."""

from collections import OrderedDict
from collections.abc import Callable

from shared.clock import monotonic

_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000


class Throttle:
    """So many requests an address in a minute. Whoever has not come for the longest is forgotten first."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._most = a_minute
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Whether this request is within bounds."""
        now = self._clock()
        began, count = self._seen.pop(address, (now, 0))
        if now - began >= _WINDOW_S:
            began, count = now, 0
        self._seen[address] = began, count + 1
        if len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return count < self._most
