"""When something is done once a night, and once after a start: each at a moment of its own, not all at once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

_FROM_HOUR = 3
"""UTC. Until an hour later."""

_AFTER_START = timedelta(minutes=1)
_START_SPREAD = timedelta(minutes=9)
_AGAIN = timedelta(hours=1)


@dataclass(slots=True)
class Timetable:
    """When each of those is due that there are since a start."""

    due_at: dict[str, datetime] = field(default_factory=dict)

    def is_due(self, now: datetime, name: str) -> bool:
        """Whether its moment has come. One that is seen first gets one soon."""
        return now >= self.due_at.setdefault(name, after_start(now, name))

    def took(self, now: datetime, name: str, *, is_well: bool) -> None:
        """It was done: the next time is the next night, or within the hour where that failed."""
        self.due_at[name] = next_night(now, name) if is_well else now + _AGAIN


def after_start(now: datetime, name: str) -> datetime:
    """The moment for what has this name, soon after a start: the crowd of restarting is over by then."""
    return now + _AFTER_START + _START_SPREAD * _share(name)


def next_night(now: datetime, name: str) -> datetime:
    """The moment for it in the next night's quiet hour."""
    tonight = now.replace(hour=_FROM_HOUR, minute=0, second=0, microsecond=0) + timedelta(hours=1) * _share(name)
    return tonight if tonight > now else tonight + timedelta(days=1)


def _share(name: str) -> float:
    """Where it stands among all others, from 0 to 1."""
    return crc32(name.encode()) / 2**32
