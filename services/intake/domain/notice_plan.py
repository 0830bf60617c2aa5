"""Which notices a channel sends, and what its survey asks."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.vocabulary import Purpose, SurveyKind

WAIT_FOR_PROMISE = timedelta(seconds=3)
"""So long a notice waits that tells when an answer may be expected: others have to decide that first."""


class Reason(StrEnum):
    """Why a notice is sent."""

    RECEIVED = "received"
    CALLBACK = "callback"
    ASSIGNED = "assigned"
    ESCALATED = "escalated"
    SOLVED = "solved"
    PENDING_REMINDER = "pending_reminder"
    STILL_WORKING = "still_working"
    SURVEY = "survey"

    @property
    def purpose(self) -> Purpose:
        """What a message with this reason is for."""
        match self:
            case Reason.RECEIVED | Reason.CALLBACK:
                return Purpose.ACK
            case Reason.SURVEY:
                return Purpose.SURVEY
            case _:
                return Purpose.STATUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A notice that a channel sends.

    wait: how long after its reason; most: how often for one ticket, each so long after the one before
    by: the channel by which it leaves, where the ticket's own writes nothing
    regions: countries to whose numbers it goes, too
    """

    template: str
    wait: timedelta = timedelta()
    most: int = 1
    by: str | None = None
    regions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyForm:
    """What is asked.

    scale: a CSAT goes from 1 to this, an NPS from 0 to this
    """

    kind: SurveyKind
    scale: int

    @property
    def scores(self) -> range:
        """What may be answered."""
        return range(0 if self.kind is SurveyKind.NPS else 1, self.scale + 1)
