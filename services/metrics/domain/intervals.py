"""Intervals of local time, made of whole base intervals: quarters, hours and days of 23, 24 or 25 hours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.metrics.domain.fact import BUCKET, bucket_of


class Interval(StrEnum):
    """How wide the points of a series are."""

    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"


class Span(NamedTuple):
    """From a moment up to, and without, another."""

    start: datetime
    end: datetime


def day_start(at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of the local day that a moment lies in, in UTC."""
    return _start_of(at.astimezone(zone).date(), zone)


def spans(asked: Span, interval: Interval, zone: ZoneInfo) -> Iterator[Span]:
    """The whole intervals that the asked span touches, in order and without gaps."""
    start = _floor(asked.start, interval, zone)
    while start < asked.end:
        end = _next(start, interval, zone)
        yield Span(start, end)
        start = end


def _floor(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    if interval is Interval.DAY:
        return day_start(at, zone)
    start = bucket_of(at)
    while interval is Interval.HOUR and start.astimezone(zone).minute:
        start -= BUCKET
    return start


def _next(start: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    if interval is Interval.DAY:
        day = start.astimezone(zone).date()
        while True:
            # A day that a zone leaves out altogether (Apia, 2011-12-30) is no interval.
            day += timedelta(days=1)
            if (end := _start_of(day, zone)) > start:
                return end
    end = start + BUCKET
    while interval is Interval.HOUR and end.astimezone(zone).minute:
        end += BUCKET
    return end


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    # Where midnight is skipped, its old offset points at the very moment at which the clocks jump.
    return datetime.combine(day, time(), zone).astimezone(UTC)
