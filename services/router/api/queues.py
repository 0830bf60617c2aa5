"""`/v1/queues` and `/v1/tickets/{id}/decisions`: what waits, for whom, and why things went as they did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.router.adapters import reading
from services.router.adapters.whys import WhyNots
from services.router.api.schemas import DecisionAnswer, QueueAnswer, QueueList, WhyNotAnswer
from services.router.consumers import Engines
from services.router.domain.explanation import explain
from services.router.domain.hours import ALWAYS_OPEN, Opening
from services.router.domain.queue import DEFAULT_QUEUE, Queue
from services.router.domain.state import RoutingState
from services.router.domain.wait_estimate import NO_WAIT, Handled, WaitEstimate, wait_estimate
from services.router.domain.why_not import WhyNot
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.forwarding import allowed_here
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit, SlugPath
from shared.vocabulary import AgentState, WorkState

Reader = Annotated[Principal, allowed_here("routing:read", "routing:write", "agents:read")]

_Line = Mapping[WorkState, reading.Standing]
_NOTHING: _Line = {}


def routes(database: Database, engines: Engines) -> APIRouter:
    """Queues as they stand, and decisions explained."""
    router = api_router("routing")
    why_nots = WhyNots(database)

    async def queues(principal: Principal, only: str | None = None) -> list[QueueAnswer]:
        state = engines.state(principal.workspace_id)

        async def unit(tx: Tx) -> tuple[dict[str, dict[WorkState, reading.Standing]], dict[str, Handled]]:
            workspace_id = principal.workspace_id
            return await reading.lines(tx, workspace_id), await reading.handling_times(tx, workspace_id)

        lines, handling = await database.transact(unit, workspaces=[principal.workspace_id])
        configured = state.configuration.queues if state else {DEFAULT_QUEUE: Queue(queue_id=DEFAULT_QUEUE)}
        eligible, ready = _staff(state)
        return [
            _answer(
                queue,
                lines.get(queue_id, _NOTHING),
                eligible=eligible[queue_id],
                ready=ready[queue_id],
                handled=handling.get(queue_id),
                opening=state.opening(queue_id) if state else ALWAYS_OPEN,
            )
            for queue_id, queue in sorted(configured.items())
            if only in (None, queue_id)
        ]

    @router.get("/v1/queues")
    async def list_queues(principal: Reader) -> QueueList:
        """Every queue at this moment."""
        return QueueList(items=await queues(principal))

    @router.get("/v1/queues/{queue_id}")
    async def read_queue(queue_id: SlugPath, principal: Reader) -> QueueAnswer:
        """One queue at this moment."""
        found = await queues(principal, queue_id)
        if not found:
            raise NotFound("There is no such queue.")
        return found[0]

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


def _staff(state: RoutingState | None) -> tuple[Counter[str], Counter[str]]:
    """How many agents serve each queue, and how many of them have room now."""
    eligible: Counter[str] = Counter()
    ready: Counter[str] = Counter()
    for agent in state.agents.values() if state else ():
        eligible.update(agent.profile.queues)
        if agent.is_on_duty and agent.state is AgentState.AVAILABLE and agent.used < agent.profile.capacity:
            ready.update(agent.profile.queues)
    return eligible, ready


def _answer(
    queue: Queue, line: _Line, *, eligible: int, ready: int, handled: Handled | None, opening: Opening
) -> QueueAnswer:
    queued = line.get(WorkState.QUEUED)
    waiting = queued.count if queued else 0
    offered, in_hand = (
        line[state].count if state in line else 0 for state in (WorkState.OFFERED, WorkState.ASSIGNED)
    )
    estimate = _estimated(waiting, ready=ready, in_hand=in_hand, handled=handled, opening=opening)
    return QueueAnswer(
        queue_id=queue.queue_id,
        name=queue.name,
        order=queue.order.by,
        is_open=opening.is_open,
        turns_at=opening.until,
        waiting=waiting,
        stuck=queued.past_steps if queued else 0,
        offered=offered,
        assigned=in_hand,
        oldest_waiting_at=queued.oldest_at if queued else None,
        eligible=eligible,
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
