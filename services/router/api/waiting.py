"""`/v1/tickets/{id}/waiting`: why work still waits, what would release it, and how long that may take."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.router.adapters import reading
from services.router.consumers import Engines
from services.router.domain.policy import Requirements, TierMode
from services.router.domain.state import RoutingState
from services.router.domain.wait_estimate import Handled, wait_estimate
from services.router.domain.waiting import MOST_COUNTED, Waiting, waiting
from services.router.domain.work_item import WorkItem
from shared.clock import Clock
from shared.db.unit_of_work import Database
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal
from shared.http.forwarding import allowed_here
from shared.vocabulary import ChannelKind, Priority, WorkState

Reader = Annotated[Principal, allowed_here("routing:read", "routing:write", "tickets:read")]


class RequirementsAnswer(BaseModel):
    """What an agent must have now. skills, preferred: skill -> least level"""

    queue: str
    also: list[str] = Field(description="Queues whose agents help out.")
    support_tier: int
    tier_mode: TierMode
    skills: dict[str, int]
    preferred: dict[str, int]
    without: list[str] = Field(description="Skills that they must not have.")
    teams: list[str] = Field(description="They are in one of these; none: in whatever team.")


class PendingAnswer(BaseModel):
    """An offer whose answer is awaited."""

    offer_id: UUID
    agent_id: str
    expires_at: datetime


class ReleaseAnswer(BaseModel):
    """Something that would have the work given out, or asked of more agents.

    count: how many agents it is about; agents: the first of them
    """

    kind: str
    words: str
    at: datetime | None = Field(description="When, at the latest where somebody may be quicker.")
    count: int
    agents: list[str]


class WaitingAnswer(BaseModel):
    """Why work still waits.

    fit: agents who have what it asks for; ready: those of them who could be asked now
    not_ready: how many of those who fit cannot be asked, by the first reason; unfit: the rest by what they lack
    """

    ticket_id: UUID
    work_id: UUID
    words: str
    state: WorkState
    requirements: RequirementsAnswer
    step: int = Field(description="How many of its steps are open.")
    steps: int
    priority: Priority
    channel_kind: ChannelKind
    queued_at: datetime
    is_open: bool = Field(description="Whether its queue is open.")
    opens_at: datetime | None
    is_pulled: bool = Field(description="Whether nobody is asked in its queue: agents take work themselves.")
    position: int | None = Field(
        description=f"In its queue, 1 for the first. None where it is in no line because somebody is being asked,"
        f" and where at least {MOST_COUNTED} are before it."
    )
    fit: int
    ready: int
    not_ready: dict[str, int]
    unfit: dict[str, int]
    held_for: str | None
    held_until: datetime | None
    offers: list[PendingAnswer]
    releases: list[ReleaseAnswer] = Field(description="Those with a time first, in its order.")
    estimated_wait_s: float | None
    estimated_wait_range_s: tuple[float, float] | None = Field(
        description="Between which seconds the wait lies in 8 of 10 cases."
    )


def routes(database: Database, engines: Engines, clock: Clock) -> APIRouter:
    """Why work waits."""
    router = api_router("routing")

    @router.get("/v1/tickets/{ticket_id}/waiting")
    async def explain_waiting(ticket_id: UUID, principal: Reader) -> WaitingAnswer:
        """Why the ticket's work still waits, and what would release it. 404 where nothing of it waits."""
        _waiting_item(engines.state(principal.workspace_id), ticket_id)
        handled = await database.transact(
            lambda tx: reading.handling_times(tx, principal.workspace_id), workspaces=[principal.workspace_id]
        )
        # Looked up again: it may have been given out while the rows were read.
        state, item = _waiting_item(engines.state(principal.workspace_id), ticket_id)
        return _answer(waiting(state, item, clock.now()), handled.get(item.requirements.queue))

    return router


def _waiting_item(state: RoutingState | None, ticket_id: UUID) -> tuple[RoutingState, WorkItem]:
    """Raises NotFound, and says what is the case instead."""
    item = state.live_item(ticket_id) if state else None
    if state is None or item is None:
        raise NotFound("There is no work on this ticket that waits.")
    if not item.is_waiting:
        raise NotFound(f"This ticket's work waits for nobody: {item.agent_id} has it.")
    return state, item


def _requirements(asked: Requirements) -> RequirementsAnswer:
    return RequirementsAnswer(
        queue=asked.queue,
        also=list(asked.also),
        support_tier=asked.support_tier,
        tier_mode=asked.tier_mode,
        skills=dict(asked.skills),
        preferred=dict(asked.preferred),
        without=list(asked.without),
        teams=list(asked.teams),
    )


def _answer(found: Waiting, handled: Handled | None) -> WaitingAnswer:
    item, held = found.item, found.item.held_for
    estimate = None
    if found.position is not None and found.opening.is_open:
        estimate = wait_estimate(found.position, found.serving, handled, found.higher)
    return WaitingAnswer(
        ticket_id=item.ticket_id,
        work_id=item.work_id,
        words=found.words,
        state=item.state,
        requirements=_requirements(item.requirements),
        step=item.step,
        steps=len(item.steps),
        priority=item.priority,
        channel_kind=item.channel_kind,
        queued_at=item.queued_at,
        is_open=found.opening.is_open,
        opens_at=None if found.opening.is_open else found.opening.until,
        is_pulled=found.is_pulled,
        position=found.position,
        fit=found.fit,
        ready=found.ready,
        not_ready=dict(found.obstacles),
        unfit=dict(found.unfit),
        held_for=held.agent_id if held else None,
        held_until=item.held_until if held else None,
        offers=[
            PendingAnswer(offer_id=offer.offer_id, agent_id=offer.agent_id, expires_at=offer.expires_at)
            for offer in found.offers
        ],
        releases=[ReleaseAnswer(**asdict(release)) for release in found.releases],
        estimated_wait_s=estimate and round(estimate.mean_s, 1),
        estimated_wait_range_s=estimate and (round(estimate.low_s, 1), round(estimate.high_s, 1)),
    )
