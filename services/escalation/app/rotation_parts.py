"""Rotations as they are written in a configuration."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.escalation.domain.hand_offs import Period
from shared.calendar_parts import TimeZoneName, WeekPart
from shared.http.types import Request, Slug

AgentId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DayTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["09:00"])]


class LayerPart(Request):
    """People who take turns. It keeps its turns when it is edited, known by its `id`."""

    id: Slug = "main"
    members: Annotated[tuple[AgentId, ...], Field(min_length=1, max_length=100)]
    period: Period = Period.WEEKLY
    every: Annotated[int, Field(ge=1, le=52, description="So many days, weeks or months a turn.")] = 1
    hand_off: DayTime = "09:00"
    weekday: Weekday | None = Field(default=None, description="Of weekly turns; none: that of `starts_on`.")
    month_day: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None, description="Of monthly turns, or the last day of the month; none: that of `starts_on`."
    )
    starts_on: dt.date = Field(description="The first turn begins with the first hand-off on or after it.")
    time_zone: TimeZoneName | None = Field(default=None, description="None: the rotation's.")
    hours: WeekPart | None = Field(default=None, description="Counts only in these hours of the week.")
    during: Slug | None = Field(default=None, description="Counts only while this calendar is open.")
    outside: Slug | None = Field(default=None, description="Counts only while this calendar is closed.")


class RotationPart(Request):
    """Who is on call for something: an override, else the top layer, else those below it, else the fallback."""

    id: Slug
    time_zone: TimeZoneName
    layers: Annotated[tuple[LayerPart, ...], Field(min_length=1, max_length=10)]
    fallback: AgentId | None = None
