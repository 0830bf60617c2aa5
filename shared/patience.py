"""How transient failures are borne: with growing pauses, for a minute, then the process ends.

Whoever starts it again gives it a fresh start: some libraries never recover by themselves.
"""

import asyncio
from contextlib import suppress

from shared.clock import monotonic
from shared.errors import FatalError

LIMIT_S = 60.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class Patience:
    """Counts the failures of one loop."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failing_since: float | None = None
        self._pause_s = _FIRST_PAUSE_S

    def succeeded(self) -> None:
        """The loop has done something: earlier failures are forgotten."""
        self._failing_since = None
        self._pause_s = _FIRST_PAUSE_S

    async def bear(self, error: BaseException, until: asyncio.Event) -> None:
        """Pauses, at most until the event. Raises FatalError when patience is at its end."""
        if self._failing_since is None:
            self._failing_since = monotonic()
        if monotonic() - self._failing_since > LIMIT_S:
            raise FatalError(f"{self._what} has failed for {LIMIT_S:.0f} s") from error
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s):
                await until.wait()
        self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)
