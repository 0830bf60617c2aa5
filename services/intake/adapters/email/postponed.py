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


@dataclass(frozen=True, slots=True)
class Pause:
    """For how long one is left alone.

    failures: how often it has failed; refusals: how many of these say that it is about this one
    worked: how often there had been success with others when it failed
    """

    workspace_id: str
    failures: int
    refusals: int
    worked: int
    until: float


class Postponed:
    """Raws of one shard that failed through no fault of theirs."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pauses: dict[UUID, Pause] = {}
        self._worked = 0

    def worked(self) -> None:
        """There was success with others: what fails before it and behind it seems to be at fault."""
        self._worked += 1

    def add(self, raw: Raw, *, is_suspect: bool = False) -> Pause:
        """Leaves it alone for a while.

        is_suspect: it may be at fault, which is a refusal where others have had success since it failed last
        """
        last = self._pauses.get(raw.raw_id)
        failures = last.failures + 1 if last else 1
        refusals = last.refusals if last else 0
        if last and is_suspect and last.worked < self._worked:
            refusals += 1
        pause_s = min(_LONGEST_S, _FIRST_S * 2 ** min(failures - 1, 10))
        pause = Pause(raw.workspace_id, failures, refusals, self._worked, self._clock() + pause_s)
        self._pauses[raw.raw_id] = pause
        return pause

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
