"""Recurrence rules of RFC 5545, section 3.3.10, by the day: which dates and times of a wall clock a rule names.

A rule is asked about a window and looks at the days of that window only, so that no rule takes long, not even one
that never names anything.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import product
from typing import Self

MOST_TIMES = 24
"""Times of one day that a rule may name."""

_DAY = timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LAST_YEAR = 9998
_OF_TIME = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND"})
_OF_DAYS = frozenset({"BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY"})


class Frequency(StrEnum):
    """How long the periods of a rule are."""

    YEARLY = "YEARLY"
    MONTHLY = "MONTHLY"
    WEEKLY = "WEEKLY"
    DAILY = "DAILY"


class RuleProblem(ValueError):
    """A rule cannot be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which days of each period, and which times of them. Numbers may count from the end, as -1 for the last.

    by_day: which weekday of the month or year, 0 for every one, and the weekday, 0 for Monday
    """

    frequency: Frequency
    interval: int = 1
    week_start: int = 0
    by_month: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_week: frozenset[int] = frozenset()
    by_day: frozenset[tuple[int, int]] = frozenset()
    by_position: frozenset[int] = frozenset()
    times: tuple[time, ...]

    @classmethod
    def read(cls, fields: Mapping[str, Sequence[object]], start: datetime) -> Self:
        """A rule by its parts, as `{"FREQ": ["YEARLY"]}`. What it leaves open follows from its first instance.

        Raises RuleProblem saying what is wrong.
        """
        given = {name.upper(): [str(each).upper() for each in values] for name, values in fields.items()}
        if given.keys() - _OF_TIME - _OF_DAYS:
            raise RuleProblem("its rule has a part that is not known")
        written = given.get("FREQ", [""])[0]
        if written not in Frequency.__members__:
            raise RuleProblem("its rule repeats neither daily, weekly, monthly nor yearly")
        frequency = Frequency(written)
        by_month = _numbers(given, "BYMONTH", 1, 12)
        month_days = _numbers(given, "BYMONTHDAY", -31, 31)
        year_days = _numbers(given, "BYYEARDAY", -366, 366)
        weeks = _numbers(given, "BYWEEKNO", -53, 53)
        by_day = frozenset(map(_weekday, given.get("BYDAY", ())))
        if not (month_days or year_days or by_day):
            if frequency is Frequency.WEEKLY or weeks:
                by_day = frozenset({(0, start.weekday())})
            elif frequency is not Frequency.DAILY:
                month_days = frozenset({start.day})
                if frequency is Frequency.YEARLY and not by_month:
                    by_month = frozenset({start.month})
        return cls(
            frequency=frequency,
            interval=min(_numbers(given, "INTERVAL", 1, 10_000), default=1),
            week_start=_weekday(given.get("WKST", ["MO"])[0])[1],
            by_month=by_month,
            by_month_day=month_days,
            by_year_day=year_days,
            by_week=weeks,
            by_day=by_day,
            by_position=_numbers(given, "BYSETPOS", -366, 366),
            times=_times(given, start),
        )

    def between(self, start: datetime, first: date, last: date) -> Iterator[datetime]:
        """What it names from one date to another, in order. start: its first instance, on the same wall clock."""
        for days in self._periods(start.date(), max(first, start.date()), last):
            named = [datetime.combine(day, at) for day in days if self._names(day) for at in self.times]
            if self.by_position:
                chosen = {n - 1 if n > 0 else len(named) + n for n in self.by_position}
                named = [each for index, each in enumerate(named) if index in chosen]
            yield from (each for each in named if each >= start and first <= each.date() <= last)

    def _periods(self, start: date, first: date, last: date) -> Iterator[Sequence[date]]:
        """The days of each period that may name something in a window."""
        match self.frequency:
            case Frequency.DAILY:
                ahead = -(-(first - start).days // self.interval)
                for n in range(ahead, (last - start).days // self.interval + 1):
                    yield [start + n * self.interval * _DAY]
            case Frequency.WEEKLY:
                week = start - (start.weekday() - self.week_start) % 7 * _DAY
                step = 7 * self.interval
                for n in range((first - week).days // step, (last - week).days // step + 1):
                    yield [week + (n * step + day) * _DAY for day in range(7)]
            case Frequency.MONTHLY:
                origin, begin, end = (day.year * 12 + day.month - 1 for day in (start, first, last))
                begin -= (begin - origin) % self.interval
                for month in range(begin, end + 1, self.interval):
                    if not self.by_month or month % 12 + 1 in self.by_month:
                        yield _month(month // 12, month % 12 + 1)
            case Frequency.YEARLY:
                months = sorted(self.by_month or range(1, 13))
                begin = first.year - (first.year - start.year) % self.interval
                for year in range(begin, last.year + 1, self.interval):
                    yield [day for month in months for day in _month(year, month)]

    def _names(self, day: date) -> bool:
        """Whether it names a day of one of its periods."""
        if self.by_month and day.month not in self.by_month:
            return False
        if self.by_month_day and self.by_month_day.isdisjoint((day.day, day.day - _days_of_month(day) - 1)):
            return False
        if self.by_year_day:
            of_year = day.timetuple().tm_yday
            if self.by_year_day.isdisjoint((of_year, of_year - _days_of_year(day.year) - 1)):
                return False
        if self.by_week and self.by_week.isdisjoint(_weeks(day, self.week_start)):
            return False
        return not self.by_day or any(
            weekday == day.weekday() and (which == 0 or which in self._ordinals(day))
            for which, weekday in self.by_day
        )

    def _ordinals(self, day: date) -> tuple[int, int]:
        """Which of its weekday a day is, from the beginning and from the end of the month or year."""
        if self.frequency is Frequency.YEARLY and not self.by_month:
            before, behind = day.timetuple().tm_yday - 1, _days_of_year(day.year) - day.timetuple().tm_yday
        else:
            before, behind = day.day - 1, _days_of_month(day) - day.day
        return before // 7 + 1, -(behind // 7) - 1


def last_of(rule: Rule, start: datetime, count: int, budget: Iterator[int]) -> datetime | None:
    """The last of so many that a rule names; none where they do not end while time lasts.

    budget: an item is taken for each year that is looked at. Raises RuleProblem once it is used up.
    """
    found = None
    for year in range(start.year, _LAST_YEAR):
        if next(budget, None) is None:
            raise RuleProblem("its rule counts for too long")
        for named in rule.between(start, date(year, 1, 1), date(year, 12, 31)):
            found, count = named, count - 1
            if count == 0:
                return found
    return found


def _numbers(given: Mapping[str, Sequence[str]], name: str, least: int, most: int) -> frozenset[int]:
    try:
        numbers = frozenset(int(each) for each in given.get(name, ()))
    except ValueError:
        raise RuleProblem(f"{name} of its rule is not a number") from None
    if any(not least <= number <= most or (number == 0 and least < 0) for number in numbers):
        raise RuleProblem(f"{name} of its rule is out of range")
    return numbers


def _weekday(text: str) -> tuple[int, int]:
    which, weekday = text[:-2], text[-2:]
    if weekday not in _WEEKDAYS or (which and not re.fullmatch(r"[+-]?[0-9]{1,2}", which)):
        raise RuleProblem("BYDAY or WKST of its rule is not a weekday")
    if which and not 1 <= abs(int(which)) <= 53:
        raise RuleProblem("BYDAY of its rule is out of range")
    return int(which or 0), _WEEKDAYS.index(weekday)


def _times(given: Mapping[str, Sequence[str]], start: datetime) -> tuple[time, ...]:
    hours = sorted(_numbers(given, "BYHOUR", 0, 23) or {start.hour})
    minutes = sorted(_numbers(given, "BYMINUTE", 0, 59) or {start.minute})
    seconds = sorted(_numbers(given, "BYSECOND", 0, 59) or {start.second})
    if len(hours) * len(minutes) * len(seconds) > MOST_TIMES:
        raise RuleProblem(f"its rule names more than {MOST_TIMES} times a day")
    return tuple(time(*each) for each in product(hours, minutes, seconds))


def _month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [first + n * _DAY for n in range(_days_of_month(first))]


def _days_of_month(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _days_of_year(year: int) -> int:
    return 366 if isleap(year) else 365


def _weeks(day: date, week_start: int) -> tuple[int, int]:
    """The number of a day's week, from both ends of the year whose week it is."""
    year = day.year
    if day < _first_week(year, week_start):
        year -= 1
    elif day >= _first_week(year + 1, week_start):
        year += 1
    first, behind = _first_week(year, week_start), _first_week(year + 1, week_start)
    week, weeks = (day - first).days // 7 + 1, (behind - first).days // 7
    return week, week - weeks - 1


def _first_week(year: int, week_start: int) -> date:
    """When the first week begins that has at least four days in a year."""
    fourth = date(year, 1, 4)
    return fourth - (fourth.weekday() - week_start) % 7 * _DAY
