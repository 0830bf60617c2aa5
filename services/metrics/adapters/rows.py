"""Tracked tickets and agents, and facts, to rows and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row

from services.metrics.domain.agent import TrackedAgent
from services.metrics.domain.clock_story import ClockStory
from services.metrics.domain.fact import Fact, FactKind, Place
from services.metrics.domain.ticket_story import TicketStory
from services.metrics.domain.tracked import Standing, TrackedTicket
from services.metrics.domain.work_story import WorkStory
from shared.vocabulary import AgentActivity, AgentState

AnyRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stories:
    """What the column `stories` holds."""

    story: TicketStory | None
    works: Mapping[UUID, WorkStory]
    clocks: Mapping[UUID, ClockStory]


_STORIES = TypeAdapter(_Stories)

TICKET = (
    "workspace_id",
    "ticket_id",
    "stories",
    "opened_at",
    "status",
    "waiting_since",
    "queue",
    "channel",
    "support_tier",
    "agent_id",
)
AGENT = (
    "workspace_id",
    "agent_id",
    "state",
    "activity",
    "since",
    "queues",
    "support_tier",
    "is_on_duty",
    "is_removed",
)
FACT = (
    "workspace_id",
    "ticket_id",
    "event_id",
    "kind",
    "aspect",
    "queue",
    "channel",
    "support_tier",
    "agent_id",
    "value",
    "business_value",
    "started_at",
    "ended_at",
)


def ticket_row(ticket: TrackedTicket, standing: Standing | None) -> Mapping[str, object]:
    """A row of `tracked_ticket`."""
    stories = _Stories(story=ticket.story, works=ticket.works, clocks=ticket.clocks)
    return {
        "workspace_id": ticket.workspace_id,
        "ticket_id": ticket.ticket_id,
        "stories": _STORIES.dump_json(stories, exclude_defaults=True).decode(),
        "opened_at": ticket.story.opened.at if ticket.story else None,
        "status": standing.status if standing else None,
        "waiting_since": standing.waiting_since if standing else None,
        **_place(standing.place if standing else Place()),
    }


def to_ticket(row: AnyRow) -> TrackedTicket:
    """The ticket of a row of `tracked_ticket`."""
    stories = _STORIES.validate_json(row.stories)
    return TrackedTicket(
        workspace_id=row.workspace_id,
        ticket_id=row.ticket_id,
        story=stories.story,
        works=stories.works,
        clocks=stories.clocks,
    )


def agent_row(agent: TrackedAgent) -> Mapping[str, object]:
    """A row of `tracked_agent`."""
    return {
        "workspace_id": agent.workspace_id,
        "agent_id": agent.agent_id,
        "state": agent.state.value,
        "activity": agent.activity.value,
        "since": agent.since,
        "queues": json.dumps(agent.queues),
        "support_tier": agent.support_tier,
        "is_on_duty": agent.is_on_duty,
        "is_removed": agent.is_removed,
    }


def to_agent(row: AnyRow) -> TrackedAgent:
    """The agent of a row of `tracked_agent`."""
    return TrackedAgent(
        workspace_id=row.workspace_id,
        agent_id=row.agent_id,
        state=AgentState(row.state),
        activity=AgentActivity(row.activity),
        since=row.since,
        queues=tuple(json.loads(row.queues)),
        support_tier=row.support_tier,
        is_on_duty=row.is_on_duty,
        is_removed=row.is_removed,
    )


def fact_row(fact: Fact) -> Mapping[str, object]:
    """A row of `fact`."""
    return {
        "workspace_id": fact.workspace_id,
        "event_id": fact.event_id,
        "kind": fact.kind.value,
        "aspect": fact.aspect,
        "ticket_id": fact.ticket_id,
        **_place(fact.place),
        "value": fact.value,
        "business_value": fact.business_value,
        "started_at": fact.started_at,
        "ended_at": fact.ended_at,
    }


def to_fact(row: AnyRow) -> Fact:
    """The fact of a row of `fact`."""
    return Fact(
        workspace_id=row.workspace_id,
        event_id=row.event_id,
        kind=FactKind(row.kind),
        aspect=row.aspect,
        ticket_id=row.ticket_id,
        place=to_place(row),
        value=row.value,
        business_value=row.business_value,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def to_place(row: AnyRow) -> Place:
    """The place that a row's columns name."""
    return Place(queue=row.queue, channel=row.channel, support_tier=row.support_tier, agent_id=row.agent_id)


def _place(place: Place) -> Mapping[str, object]:
    return {
        "queue": place.queue,
        "channel": place.channel,
        "support_tier": place.support_tier,
        "agent_id": place.agent_id,
    }
