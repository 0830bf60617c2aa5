"""`/v1/queues` and `/v1/tickets/{id}/decisions`: what waits, for whom, and why things went as they did."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.router.adapters import reading
from services.router.adapters.whys import WhyNots
from services.router.api.schemas import DecisionAnswer, QueueAnswer, WhyNotAnswer
from services.router.consumers import Engines
from services.router.domain.explanation import explain
from services.router.domain.hours import ALWAYS_OPEN, Opening
from services.router.domain.queue import DEFAULT_QUEUE, Queue
from services.router.domain.tally import Tally
from services.router.domain.wait_estimate import NO_WAIT, Handled, WaitEstimate, wait_estimate
from services.router.domain.why_not import WhyNot
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.forwarding import allowed_here
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit, SlugPath
from shared.vocabulary import WorkState

Reader = Annotated[Principal, allowed_here("routing:read", "routing:write", "agents:read")]

_UNCONFIGURED = {DEFAULT_QUEUE: Queue(queue_id=DEFAULT_QUEUE)}


def routes(database: Database, engines: Engines) -> APIRouter:
    """Queues as they stand, and decisions explained."""
    router = api_router("routing")
    why_nots = WhyNots(database)

    def configured(principal: Principal) -> Mapping[str, Queue]:
        state = engines.state(principal.workspace_id)
        return state.configuration.queues if state else _UNCONFIGURED

    async def standing(principal: Principal, queues: Sequence[Queue]) -> list[QueueAnswer]:
        """These queues as they are: what memory has counted of them since the last commit, and what rows say."""
        workspace_id = principal.workspace_id
        names = [queue.queue_id for queue in queues]

        async def unit(tx: Tx) -> tuple[dict[str, datetime], dict[str, Handled]]:
            return await reading.oldest(tx, workspace_id, names), await reading.handling_times(tx, workspace_id)

        oldest, handling = await database.transact(unit, workspaces=[workspace_id])
        state = engines.state(workspace_id)
        tally = state.tally if state else Tally()
        return [
            _answer(
                queue,
                tally,
                oldest_at=oldest.get(queue.queue_id),
                handled=handling.get(queue.queue_id),
                opening=state.opening(queue.queue_id) if state else ALWAYS_OPEN,
            )
            for queue in queues
        ]

    @router.get("/v1/queues")
    async def list_queues(principal: Reader, limit: Limit = 50, cursor: CursorQuery = None) -> Page[QueueAnswer]:
        """Queues by slug, each at this moment."""
        after = decode_cursor(cursor, str)
        queues = sorted(configured(principal).items())
        rest = [queue for queue_id, queue in queues if after is None or queue_id > str(after[0])]
        answers = await standing(principal, rest[: limit + 1])
        return page(answers, limit, lambda answer: (answer.queue_id,), lambda answer: answer)

    @router.get("/v1/queues/{queue_id}")
    async def read_queue(queue_id: SlugPath, principal: Reader) -> QueueAnswer:
        """One queue at this moment."""
        queue = configured(principal).get(queue_id)
        if queue is None:
            raise NotFound("There is no such queue.")
        return (await standing(principal, [queue]))[0]

    @router.get("/v1/tickets/{ticket_id}/decisions")
    async def explain_ticket(
        ticket_id: UUID,
        principal: Annotated[Principal, allowed("routing:read", "routing:write", "tickets:read")],
        limit: Limit = 50,
        cursor: CursorQuery = None,
        agent: Annotated[
            str | None,
            Query(max_length=100, description="Why was each choice not of this agent?"),
        ] = None,
    ) -> Page[DecisionAnswer]:
        """Every decision about a ticket's work, the oldest first: in words, and as data.

        Why it was not a certain agent is found by deciding again what led there: 503 where that takes too long.
        """
        after = decode_cursor(cursor, int)

        async def unit(tx: Tx) -> list[reading.DecisionRow]:
            rows = await reading.decisions(
                tx,
                principal.workspace_id,
                ticket_id,
                after=int(after[0]) if after else 0,
                most=limit + 1,
            )
            if not rows and not await reading.knows_ticket(tx, principal.workspace_id, ticket_id):
                raise NotFound("There is no such ticket.")
            return rows

        rows = await database.transact(unit, workspaces=[principal.workspace_id])
        whys: Mapping[int, WhyNot] = {}
        if agent is not None:
            whys = await why_nots.answer(principal.workspace_id, rows[:limit], agent)
        return page(rows, limit, lambda row: (row.decision_id,), lambda row: _decision(row, whys))

    return router


def _decision(row: reading.DecisionRow, whys: Mapping[int, WhyNot]) -> DecisionAnswer:
    why = whys.get(row.decision_id)
    return DecisionAnswer(
        decision_id=row.decision_id,
        decided_at=row.decided_at,
        work_id=row.work_id,
        kind=row.kind,
        words=explain(row.decision),
        record=row.record,
        why_not=WhyNotAnswer(**asdict(why)) if why else None,
    )


def _answer(
    queue: Queue, tally: Tally, *, oldest_at: datetime | None, handled: Handled | None, opening: Opening
) -> QueueAnswer:
    name = queue.queue_id
    waiting, offered, in_hand = (
        tally.items[name, state] for state in (WorkState.QUEUED, WorkState.OFFERED, WorkState.ASSIGNED)
    )
    ready = tally.ready[name]
    estimate = _estimated(waiting, ready=ready, in_hand=in_hand, handled=handled, opening=opening)
    return QueueAnswer(
        queue_id=queue.queue_id,
        name=queue.name,
        order=queue.order.by,
        is_open=opening.is_open,
        turns_at=opening.until,
        waiting=waiting,
        stuck=tally.stuck[name],
        offered=offered,
        assigned=in_hand,
        oldest_waiting_at=oldest_at,
        eligible=tally.eligible[name],
        ready=ready,
        estimated_wait_s=estimate and round(estimate.mean_s, 1),
        estimated_wait_range_s=estimate and (round(estimate.low_s, 1), round(estimate.high_s, 1)),
    )


def _estimated(
    waiting: int, *, ready: int, in_hand: int, handled: Handled | None, opening: Opening
) -> WaitEstimate | None:
    """The wait of an item that comes now; none in a closed queue: who will be there when it opens is not known."""
    if not opening.is_open:
        return None
    if ready and not waiting:
        return NO_WAIT
    return wait_estimate(waiting + 1, ready + in_hand, handled)
