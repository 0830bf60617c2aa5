"""Calendars of who is on call, with a bearer token or by a link that is good for one calendar and nothing else."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.escalation.adapters.duty_calendar import duty_calendar
from services.escalation.adapters.rosters import Feed, PostgresRosters
from services.escalation.api.on_call_schemas import FeedRequest, FeedView
from services.escalation.app.ports import ServiceLevels
from services.escalation.app.read_duties import read_duty
from services.escalation.app.rotation_parts import AgentId
from services.escalation.domain.duty import Duty
from services.escalation.domain.escalation_policy import Contact
from shared.configuration import unknown
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput, NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit, SlugPath
from shared.http.problems import ProblemError
from shared.http.throttle import Throttle
from shared.ids import IdFactory
from shared.link_tokens import LinkTokens

Reader = Annotated[Principal, allowed("escalation:read")]
Writer = Annotated[Principal, allowed("escalation:write")]
# Described, not checked: any other text is a token that is not ours, and answered so.
Token = Annotated[
    str,
    Path(
        description="As it stands in the calendar's link.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,200}$"},
    ),
]

_BACK, _AHEAD = timedelta(weeks=4), timedelta(days=183)
_A_MINUTE = 60
"""Requests of one link, and, of one address, with tokens that are not ours."""


class CalendarResponse(Response):
    """A calendar."""

    media_type = "text/calendar"
    charset = "utf-8"


_CALENDAR: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, "description": "The calendar."}
}


def routes(
    database: Database,
    rosters: PostgresRosters,
    levels: ServiceLevels,
    tokens: LinkTokens,
    ids: IdFactory,
    *,
    public_url: str | None,
) -> APIRouter:
    """Calendars, and the links to them."""
    router = api_router("on call")
    by_feed, by_address = Throttle(_A_MINUTE), Throttle(_A_MINUTE)

    @router.post("/v1/on-call/feeds", status_code=201, response_model=FeedView)
    async def link_calendar(request: FeedRequest, principal: Reader, once: OnceHeader) -> Response:
        """A link to a calendar, which programs subscribe to without a token of their own."""

        async def unit(tx: Tx) -> Answer:
            history = (await levels.load(tx, [principal.workspace_id]))[principal.workspace_id]
            problems = list(unknown("/rotation", [request.rotation], list(history.latest.rotations), "rotation"))
            if request.agent is not None:
                problems += unknown("/agent", [request.agent], list(history.latest.contacts), "agent")
            if problems:
                raise InvalidInput("There is no such calendar.", problems=tuple(problems))
            feed = Feed(
                workspace_id=principal.workspace_id,
                feed_id=ids.new(),
                rotation=request.rotation,
                agent=request.agent,
                created_at=await tx.now(),
                created_by=principal.subject,
            )
            await rosters.add_feed(tx, feed)
            return Answer.of(201, _view(feed))

        return await once.transact(database, unit)

    @router.get("/v1/on-call/feeds")
    async def list_calendar_links(
        principal: Reader, limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[FeedView]:
        """Links that are good, the newest first."""
        before = decode_id(cursor)

        async def unit(tx: Tx) -> Page[FeedView]:
            found = await rosters.feeds(tx, principal.workspace_id, before, limit + 1)
            return page(found, limit, lambda feed: (str(feed.feed_id),), _view)

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.delete("/v1/on-call/feeds/{feed_id}", status_code=204)
    async def revoke_calendar_link(feed_id: UUID, principal: Writer) -> None:
        """Takes a link back: from now on it leads nowhere."""
        await database.transact(
            lambda tx: rosters.revoke_feed(tx, principal.workspace_id, feed_id),
            workspaces=[principal.workspace_id],
        )

    @router.get("/v1/on-call/feeds/{token}.ics", response_class=CalendarResponse, responses=_CALENDAR)
    async def read_linked_calendar(token: Token, request: Request) -> Response:
        """The calendar of a link. The link is all that it takes."""
        named = tokens.read(token)
        client = request.client.host if request.client else ""
        if not (by_address.admits(client) if named is None else by_feed.admits(f"{named[0]}/{named[1]}")):
            raise ProblemError(429, "too-many-requests", "Come again in a minute.", headers={"Retry-After": "60"})
        if named is None:
            raise NotFound("There is no such calendar.")
        workspace_id, feed_id = named
        feed = await database.transact(
            lambda tx: rosters.feed(tx, workspace_id, feed_id), workspaces=[workspace_id]
        )
        return await calendar(workspace_id, feed.rotation, feed.agent)

    @router.get("/v1/on-call/{rotation}.ics", response_class=CalendarResponse, responses=_CALENDAR)
    async def read_calendar(
        rotation: SlugPath,
        principal: Reader,
        agent: Annotated[AgentId | None, Query(description="None: everybody's shifts.")] = None,
    ) -> Response:
        """Four weeks back and six months ahead, as a calendar."""
        return await calendar(principal.workspace_id, rotation, agent)

    async def calendar(workspace_id: str, rotation: str, agent: str | None) -> Response:
        async def unit(tx: Tx) -> tuple[datetime, Mapping[str, Contact], Duty]:
            now = await tx.now()
            span = now - _BACK, now + _AHEAD
            history, duty = await read_duty(workspace_id, rotation, *span, tx=tx, rosters=rosters, levels=levels)
            return now, history.latest.contacts, duty

        now, contacts, duty = await database.transact(unit, workspaces=[workspace_id])
        shifts = duty.whole_shifts(now - _BACK, now + _AHEAD)
        made = await asyncio.to_thread(
            duty_calendar, workspace_id, rotation, shifts, contacts, agent=agent, now=now
        )
        return CalendarResponse(made, headers={"Cache-Control": "private, max-age=300"})

    def _view(feed: Feed) -> FeedView:
        token = tokens.issue(feed.workspace_id, feed.feed_id)
        return FeedView.of(feed, f"/v1/on-call/feeds/{token}.ics", public_url)

    return router
