"""What cannot be had for the moment: tried again after pauses that grow, and nobody waits for it meanwhile."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.intake.app.mail_ports import Raw
from shared.clock import monotonic

_FIRST_S = 1.0
_LONGEST_S = 300.0
_MOST = 256
"""So many of one workspace: then the others of it wait as well, as it can hardly be about one of them."""


@dataclass(slots=True)
class _Pause:
    workspace_id: str
    failures: int
    until: float


class Postponed:
    """Raws of one shard that failed through no fault of theirs."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pauses: dict[UUID, _Pause] = {}

    def add(self, raw: Raw) -> int:
        """Leaves it alone for a while; how often it has failed."""
        failures = 1 + (self._pauses[raw.raw_id].failures if raw.raw_id in self._pauses else 0)
        pause_s = min(_LONGEST_S, _FIRST_S * 2 ** min(failures - 1, 10))
        self._pauses[raw.raw_id] = _Pause(raw.workspace_id, failures, self._clock() + pause_s)
        return failures

    def forget(self, raw_id: UUID) -> None:
        """Something has become of it."""
        self._pauses.pop(raw_id, None)

    @property
    def raws(self) -> list[UUID]:
        """Those that are left alone at this moment."""
        now = self._clock()
        return [raw_id for raw_id, pause in self._pauses.items() if pause.until > now]

    @property
    def workspaces(self) -> list[str]:
        """Whose others are left alone with them."""
        now = self._clock()
        paused = Counter(pause.workspace_id for pause in self._pauses.values() if pause.until > now)
        return [workspace_id for workspace_id, count in paused.items() if count >= _MOST]
