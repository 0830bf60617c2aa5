"""When a turn on call passes to the next person: on a local clock, every so many days, weeks or months."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

_WEEK_DAYS = 7


class Period(StrEnum):
    """What a turn is counted in."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffs:
    """The hand-offs of a layer, numbered: the first on or after `starts_on` is 0.

    every: so many periods a turn; minute: of the local day, 0 to 1439
    weekday: 0 for Monday, where turns are weekly; month_day: 1 to 31, where they are monthly, and the last day
    of shorter months. None: that of `starts_on`
    """

    period: Period
    every: int = 1
    minute: int = 0
    weekday: int | None = None
    month_day: int | None = None
    starts_on: date
    time_zone: str

    def at(self, number: int) -> datetime:
        """The instant of a hand-off, in UTC."""
        return first_instant(self.time_zone, self._date(number), self.minute)

    def number(self, instant: datetime) -> int:
        """The last hand-off until then: how many there were since number 0, negative before that."""
        number = self._near(instant.astimezone(ZoneInfo(self.time_zone)).date())
        while self.at(number) > instant:
            number -= 1
        while self.at(number + 1) <= instant:
            number += 1
        return number

    def _date(self, number: int) -> date:
        if self.period is Period.MONTHLY:
            return self._in_month(self._first_month() + number * self.every)
        return self._first_day() + number * timedelta(days=self._days())

    def _near(self, day: date) -> int:
        """The hand-off of a local date, or one beside it."""
        if self.period is Period.MONTHLY:
            return (_month(day) - self._first_month()) // self.every
        return (day - self._first_day()).days // self._days()

    def _days(self) -> int:
        return self.every * (_WEEK_DAYS if self.period is Period.WEEKLY else 1)

    def _first_day(self) -> date:
        if self.period is Period.DAILY or self.weekday is None:
            return self.starts_on
        return self.starts_on + timedelta(days=(self.weekday - self.starts_on.weekday()) % _WEEK_DAYS)

    def _first_month(self) -> int:
        month = _month(self.starts_on)
        return month if self._in_month(month) >= self.starts_on else month + 1

    def _in_month(self, month: int) -> date:
        year, index = divmod(month, 12)
        day = self.month_day or self.starts_on.day
        return date(year, index + 1, min(day, monthrange(year, index + 1)[1]))


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


@lru_cache(maxsize=16_384)
def first_instant(time_zone: str, day: date, minute: int) -> datetime:
    """When it is that time of that day for the first time; where it never is, when the clock has passed it."""
    zone = ZoneInfo(time_zone)
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # Skipped: read by the offset of before it lies behind the change, read by that of after before it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(zone, before, instant)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """When, to the second, the offset changes between two instants."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, round((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
