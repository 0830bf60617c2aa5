"""`/a/{token}`: where people take on what a message told them. The link is all that it takes.

Mail scanners and previews follow links: looking at the page changes nothing, only its button does.
"""

from contextlib import suppress
from itertools import islice
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.escalation.adapters.telling.links import PATH
from services.escalation.adapters.telling.told import GOOD_FOR, About, Told, told_by
from services.escalation.api import take_on_page
from services.escalation.app.ports import ServiceLevels, Tracking, Watches
from services.escalation.app.settle_escalation import acknowledge_escalation
from services.escalation.app.take_on import take_on
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition
from shared.http.app import api_router
from shared.http.context import request_cause
from shared.http.throttle import Throttle
from shared.ids import IdFactory
from shared.link_tokens import LinkTokens
from shared.vocabulary import EscalationState

_MAX_BODY = 16_384
_A_MINUTE = 60
"""Requests with one link, and, of one address, with tokens that are not ours."""
_CHUNK = 200
"""Escalations that one commit takes on."""

MessageKey = tuple[str, UUID]


def routes(
    database: Database,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    tokens: LinkTokens,
    ids: IdFactory,
) -> APIRouter:
    """What people are led to by the links that they are sent."""
    router = api_router("links")
    by_message, by_address = Throttle(_A_MINUTE), Throttle(_A_MINUTE)

    async def followed(token: str, request: Request) -> tuple[MessageKey, Told] | Response:
        """The message that the token names and what it told, or the page for who is not let in."""
        key = tokens.read(token)
        client = request.client.host if request.client else ""
        if not (by_address.admits(client) if key is None else by_message.admits(f"{key[0]}/{key[1]}")):
            return take_on_page.busy()
        if key is None:
            return take_on_page.unknown()

        async def unit(tx: Tx) -> Told | None:
            told = await told_by(tx, *key)
            return told if told is not None and await tx.now() < told.sent_at + GOOD_FOR else None

        told = await database.transact(unit, workspaces=[key[0]])
        return take_on_page.expired() if told is None else (key, told)

    # These are pages for people: the document describes the API.
    @router.get(f"{PATH}/{{token}}", include_in_schema=False)
    async def show(token: str, request: Request) -> Response:
        """What the message told, and how it stands."""
        found = await followed(token, request)
        return found if isinstance(found, Response) else take_on_page.shown(found[1])

    @router.post(f"{PATH}/{{token}}", include_in_schema=False, max_body_size=_MAX_BODY)
    async def take(token: str, request: Request) -> Response:
        """Takes on whatever nobody has taken on yet."""
        found = await followed(token, request)
        if isinstance(found, Response):
            return found
        (workspace_id, _), told = found
        if all(one.state is EscalationState.RESOLVED for one in told.about):
            return take_on_page.too_late(told)
        waiting = iter(told.open)
        while some := list(islice(waiting, _CHUNK)):
            await _take(workspace_id, some, told.by)
        # The page says how it stands, and reloading it does nothing again. Relative: see where proxies put us.
        return Response(status_code=303, headers={"Location": token, "Referrer-Policy": "no-referrer"})

    async def _take(workspace_id: str, some: list[About], by: str) -> None:
        async def unit(tx: Tx) -> None:
            cause = request_cause()
            # Tickets are locked before whatever is watched, and that all at once: there is one order of locks.
            await take_on(
                {(workspace_id, one.ticket_id) for one in some if one.ticket_id is not None},
                [one.escalation_id for one in some],
                by=by,
                cause=cause,
                tx=tx,
                tracking=tracking,
                levels=levels,
                ids=ids,
            )
            watched = {(workspace_id, one.watch) for one in some if one.watch is not None}
            if watched:
                await watches.lock(tx, watched)
            for one in some:
                if one.ticket_id is not None:
                    continue
                # It may be over by now.
                with suppress(IllegalTransition):
                    await acknowledge_escalation(
                        workspace_id,
                        one.escalation_id,
                        by=by,
                        cause=cause,
                        tx=tx,
                        tracking=tracking,
                        watches=watches,
                        levels=levels,
                        ids=ids,
                    )

        await database.transact(unit, workspaces=[workspace_id])

    return router
