"""`/v1/on-call`: who is on call at any time, past or to come, and where nobody is."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.escalation.api.on_call_schemas import (
    Gaps,
    GapView,
    OnCall,
    OnCallView,
    OverlapView,
    Shifts,
    ShiftView,
)
from services.escalation.app.ports import Rosters, ServiceLevels
from services.escalation.app.read_duties import read_duties, read_duty
from services.escalation.app.rotation_rules import OUTLOOK
from services.escalation.domain.duty import EARLIEST, LATEST, Duty
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.parameters import SlugPath
from shared.http.types import Instant

Reader = Annotated[Principal, allowed("escalation:read")]

_LONGEST = timedelta(days=400)
_MOST = 1000
"""Gaps, and overlaps, of one answer."""


def routes(database: Database, rosters: Rosters, levels: ServiceLevels) -> APIRouter:
    """Who is on call."""
    router = api_router("on call")

    @router.get("/v1/on-call")
    async def read_on_call(principal: Reader, at: Annotated[Instant | None, Query()] = None) -> OnCall:
        """Who is on call for what: now, or at any moment by what held, or holds now, for that moment."""
        if at is not None:
            _check("at", at)

        async def unit(tx: Tx) -> tuple[datetime, Mapping[str, Duty]]:
            moment = at or await tx.now()
            _, duties = await read_duties(
                principal.workspace_id, moment, moment, tx=tx, rosters=rosters, levels=levels
            )
            return moment, duties

        moment, duties = await database.transact(unit, workspaces=[principal.workspace_id])
        return await asyncio.to_thread(_on_call, moment, duties)

    @router.get("/v1/on-call/gaps")
    async def read_gaps(principal: Reader) -> Gaps:
        """Where nobody is on call in the next 60 days, and where layers hide others; 1,000 of each at most."""

        async def unit(tx: Tx) -> tuple[datetime, Mapping[str, Duty]]:
            now = await tx.now()
            _, duties = await read_duties(
                principal.workspace_id, now, now + OUTLOOK, tx=tx, rosters=rosters, levels=levels
            )
            return now, duties

        now, duties = await database.transact(unit, workspaces=[principal.workspace_id])
        return await asyncio.to_thread(_gaps, now, duties)

    @router.get("/v1/on-call/{rotation}/shifts")
    async def read_shifts(
        rotation: SlugPath,
        principal: Reader,
        start: Annotated[Instant | None, Query(alias="from", description="None: now.")] = None,
        end: Annotated[Instant | None, Query(alias="to", description="None: 60 days later.")] = None,
    ) -> Shifts:
        """Who was, is and will be on call between two moments, at most 400 days apart."""

        async def unit(tx: Tx) -> tuple[datetime, datetime, Duty]:
            begins, ends = span(start or await tx.now(), end)
            _, duty = await read_duty(
                principal.workspace_id, rotation, begins, ends, tx=tx, rosters=rosters, levels=levels
            )
            return begins, ends, duty

        begins, ends, duty = await database.transact(unit, workspaces=[principal.workspace_id])
        found = await asyncio.to_thread(lambda: list(duty.shifts(begins, ends)))
        return Shifts(rotation=rotation, items=[ShiftView.of(shift) for shift in found])

    return router


def span(start: datetime, end: datetime | None) -> tuple[datetime, datetime]:
    """Between which moments shifts are asked for. end: none for 60 days later. Raises InvalidInput."""
    _check("from", start)
    until = end or start + OUTLOOK
    _check("to", until)
    if not start < until <= start + _LONGEST:
        raise InvalidInput("There are no such shifts.", problems=(("to", "is up to 400 days after from"),))
    return start, until


def _check(name: str, at: datetime) -> None:
    if not EARLIEST <= at <= LATEST:
        problem = f"lies between {EARLIEST.year} and {LATEST.year}"
        raise InvalidInput("Nobody is on call then.", problems=((name, problem),))


def _on_call(at: datetime, duties: Mapping[str, Duty]) -> OnCall:
    there = ((name, duty) for name, duty in duties.items() if duty.rotation(at) is not None)
    return OnCall(at=at, items=[OnCallView.of(name, duty.standing(at)) for name, duty in there])


def _gaps(now: datetime, duties: Mapping[str, Duty]) -> Gaps:
    until = now + OUTLOOK
    gaps: list[GapView] = []
    overlaps: list[OverlapView] = []
    for name, duty in duties.items():
        rotation = duty.rotation(now)
        if rotation is not None:
            gaps += [GapView(rotation=name, start=gap.start, end=gap.end) for gap in duty.gaps(now, until)]
            overlaps += [OverlapView.of(name, overlap) for overlap in rotation.overlaps(now, until)]
    gaps.sort(key=lambda gap: gap.start)
    overlaps.sort(key=lambda overlap: overlap.start)
    return Gaps(start=now, end=until, gaps=gaps[:_MOST], overlaps=overlaps[:_MOST])
