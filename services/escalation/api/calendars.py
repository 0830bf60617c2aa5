"""`/v1/calendars`: what counts as open, how feeds fare, and what is closed, to subscribe to."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from sqlalchemy import RowMapping

from services.escalation.adapters import feed_rows
from services.escalation.adapters.closing_calendar import closing_calendar
from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.api.calendar_schemas import CalendarHours, Calendars, CalendarView, OpenStretch
from services.escalation.domain.sla_policy import Policies
from services.escalation.domain.unusual import unusual
from shared.calendar import Calendar
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput, NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.parameters import SlugPath
from shared.http.types import Instant

Reader = Annotated[Principal, allowed("escalation:read")]

_EARLIEST, _LATEST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=400)
_USUAL = timedelta(days=60)
_BACK, _AHEAD = timedelta(weeks=4), timedelta(days=366)
_CALENDAR: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, "description": "The calendar."}
}


class IcsResponse(Response):
    """A calendar."""

    media_type = "text/calendar"
    charset = "utf-8"


def routes(database: Database, levels: PostgresServiceLevels) -> APIRouter:
    """Calendars as they stand."""
    router = api_router("calendars")

    @router.get("/v1/calendars")
    async def list_calendars(principal: Reader) -> Calendars:
        """Every calendar: whether it is open, until when, and how its feeds fare."""
        return await _all(principal.workspace_id)

    @router.get("/v1/calendars/{calendar_id}.ics", response_class=IcsResponse, responses=_CALENDAR)
    async def subscribe_to_calendar(calendar_id: SlugPath, principal: Reader) -> Response:
        """What differs from its week, four weeks back and a year ahead: what is closed, and extra openings."""
        calendar, _, now = await _one(principal.workspace_id, calendar_id)

        def made() -> bytes:
            found = unusual(calendar, now - _BACK, now + _AHEAD)
            return closing_calendar(principal.workspace_id, calendar_id, found, now)

        return IcsResponse(await asyncio.to_thread(made), headers={"Cache-Control": "private, max-age=300"})

    @router.get("/v1/calendars/{calendar_id}")
    async def read_one_calendar(calendar_id: SlugPath, principal: Reader) -> CalendarView:
        """One calendar: whether it is open, until when, and how its feeds fare."""
        for calendar in (await _all(principal.workspace_id)).items:
            if calendar.id == calendar_id:
                return calendar
        raise NotFound("There is no such calendar.")

    @router.get("/v1/calendars/{calendar_id}/hours")
    async def read_hours(
        calendar_id: SlugPath,
        principal: Reader,
        start: Annotated[Instant | None, Query(alias="from", description="None: now.")] = None,
        end: Annotated[Instant | None, Query(alias="to", description="None: 60 days later.")] = None,
    ) -> CalendarHours:
        """When it is open between two moments, at most 400 days apart, as promises count it."""
        calendar, version, now = await _one(principal.workspace_id, calendar_id)
        begins, ends = _window(start or now, end)
        found = await asyncio.to_thread(calendar.hours, begins, ends)
        zone = ZoneInfo(calendar.time_zone)
        return CalendarHours(
            id=calendar_id,
            time_zone=calendar.time_zone,
            version=version,
            start=begins,
            end=ends,
            open_s=sum((closes - opens for opens, closes in found), timedelta()).total_seconds(),
            items=[OpenStretch.of(span, zone) for span in found],
        )

    async def _all(workspace_id: str) -> Calendars:
        part = (await levels.read(workspace_id)).part

        async def unit(tx: Tx) -> tuple[Policies, Mapping[str, RowMapping], datetime]:
            latest = (await levels.load(tx, [workspace_id]))[workspace_id].latest
            return latest, await feed_rows.states(tx, workspace_id), await tx.now()

        latest, rows, now = await database.transact(unit, workspaces=[workspace_id])

        def views() -> list[CalendarView]:
            known = latest.calendars
            return [
                CalendarView.of(item, _own(known[item.id]), rows, now)
                for item in part.calendars
                if item.id in known
            ]

        return Calendars(version=latest.version, items=await asyncio.to_thread(views))

    async def _one(workspace_id: str, calendar_id: str) -> tuple[Calendar, int, datetime]:
        async def unit(tx: Tx) -> tuple[Calendar, int, datetime]:
            latest = (await levels.load(tx, [workspace_id]))[workspace_id].latest
            if calendar_id not in latest.calendars:
                raise NotFound("There is no such calendar.")
            return _own(latest.calendars[calendar_id]), latest.version, await tx.now()

        return await database.transact(unit, workspaces=[workspace_id])

    return router


def _own(calendar: Calendar) -> Calendar:
    """The same calendar, which works out and keeps what it is asked about for this reader alone.

    The one that clocks are measured by works out one thing at a time: whoever asked it about far years would have
    everybody wait, and what it found would stay.
    """
    return replace(calendar)


def _window(start: datetime, end: datetime | None) -> tuple[datetime, datetime]:
    """Raises InvalidInput for times that nobody means, and for too many of them."""
    if not _EARLIEST <= start <= _LATEST:
        raise InvalidInput("The time cannot be looked at.", problems=(("from", "lies between 2001 and 2099"),))
    end = end or start + _USUAL
    if not start < end <= start + _LONGEST:
        raise InvalidInput(
            "The time cannot be looked at.", problems=(("to", "lies after from, at most 400 days"),)
        )
    return start, end
