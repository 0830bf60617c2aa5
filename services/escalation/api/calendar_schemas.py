"""Answers about calendars."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from shared.calendar import Calendar, Span
from shared.calendar_parts import CalendarPart


class FeedState(BaseModel):
    """How a feed fares. Its last good copy holds for as long as it fails."""

    index: int = Field(description="Its place in the `feeds` of the calendar's configuration, from 0.")
    host: str = Field(description="Whose it is; the address may be a secret.")
    fetched_at: datetime | None = Field(description="When the copy that holds was fetched, or found the same.")
    tried_at: datetime | None
    next_at: datetime | None = Field(description="When it is fetched next: seldom where it keeps changing.")
    failing_since: datetime | None = Field(description="None: it does not fail.")
    problem: str | None

    @classmethod
    def of(cls, index: int, url: str, row: RowMapping | None) -> Self:
        """For the answer. row: none where it was not looked at yet"""
        fields = ("fetched_at", "tried_at", "next_at", "failing_since", "problem")
        host = urlsplit(url).hostname or ""
        fares = {name: row[name] if row else None for name in fields}
        return cls.model_validate({"index": index, "host": host, **fares})


class CalendarView(BaseModel):
    """A calendar as it stands."""

    id: str
    time_zone: str
    is_open: bool
    turns_at: datetime | None = Field(description="When it closes or opens next; none: not within 400 days.")
    feeds: list[FeedState]

    @classmethod
    def of(cls, part: CalendarPart, calendar: Calendar, rows: Mapping[str, RowMapping], now: datetime) -> Self:
        """For the answer."""
        is_open, turns_at = calendar.standing(now)
        return cls(
            id=part.id,
            time_zone=part.time_zone,
            is_open=is_open,
            turns_at=turns_at,
            feeds=[FeedState.of(index, feed.url, rows.get(feed.url)) for index, feed in enumerate(part.feeds)],
        )


class Calendars(BaseModel):
    """A workspace's calendars. version: of the service levels, which feeds make new ones of as well"""

    version: int
    items: list[CalendarView]


class OpenStretch(BaseModel):
    """A time that is open, in UTC and as the calendar's clock shows it."""

    start: datetime
    end: datetime
    local_start: datetime
    local_end: datetime

    @classmethod
    def of(cls, span: Span, zone: ZoneInfo) -> Self:
        """For the answer."""
        start, end = span
        return cls(start=start, end=end, local_start=start.astimezone(zone), local_end=end.astimezone(zone))


class CalendarHours(BaseModel):
    """When a calendar is open. open_s: how long that is in all"""

    id: str
    time_zone: str
    version: int
    start: datetime
    end: datetime
    open_s: float
    items: list[OpenStretch]
