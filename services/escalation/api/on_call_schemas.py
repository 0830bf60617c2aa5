"""Requests and answers about being on call."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.escalation.adapters.rosters import Feed
from services.escalation.app.rotation_parts import AgentId
from services.escalation.domain.duty import Standing
from services.escalation.domain.on_call import Overlap, Shift, Why
from services.escalation.domain.stand_in import StandIn
from shared.http.types import Instant, Request, Slug

Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class ShiftView(BaseModel):
    """A stretch of time and who is on call in it. The end is not part of it."""

    start: datetime
    end: datetime
    agent: str | None = Field(description="None: nobody is.")
    why: Why
    source: str | None = Field(description="The layer, or the override's id.")

    @classmethod
    def of(cls, shift: Shift) -> Self:
        """For the answer."""
        return cls(start=shift.start, end=shift.end, agent=shift.agent, why=shift.why, source=shift.source)


class Shifts(BaseModel):
    """Shifts without a hole between them."""

    rotation: str
    items: list[ShiftView]


class OnCallView(BaseModel):
    """Who is on call for something at a moment."""

    rotation: str
    agent: str | None = Field(description="None: nobody is.")
    why: Why
    source: str | None = Field(description="The layer, or the override's id.")
    since: datetime | None = Field(description="None: for more than 400 days.")
    until: datetime | None = Field(description="None: for more than 400 days.")
    next: ShiftView | None = Field(description="The shift after it, up to 400 days ahead.")

    @classmethod
    def of(cls, rotation: str, standing: Standing) -> Self:
        """For the answer."""
        return cls(
            rotation=rotation,
            agent=standing.shift.agent,
            why=standing.shift.why,
            source=standing.shift.source,
            since=standing.since,
            until=standing.until,
            next=ShiftView.of(standing.next) if standing.next else None,
        )


class OnCall(BaseModel):
    """Who is, was or will be on call at a moment, by rotation."""

    at: datetime
    items: list[OnCallView]


class GapView(BaseModel):
    """A stretch in which nobody is on call."""

    rotation: str
    start: datetime
    end: datetime


class OverlapView(BaseModel):
    """A stretch in which one layer hides another."""

    rotation: str
    start: datetime
    end: datetime
    layer: str
    agent: str
    hidden_layer: str
    hidden_agent: str

    @classmethod
    def of(cls, rotation: str, overlap: Overlap) -> Self:
        """For the answer."""
        upper, lower = overlap.upper, overlap.lower
        return cls.model_validate(
            {
                "rotation": rotation,
                "start": overlap.start,
                "end": overlap.end,
                "layer": upper.source,
                "agent": upper.agent,
                "hidden_layer": lower.source,
                "hidden_agent": lower.agent,
            }
        )


class Gaps(BaseModel):
    """What to look at in the time ahead."""

    start: datetime
    end: datetime
    gaps: list[GapView]
    overlaps: list[OverlapView]


class OverrideRequest(Request):
    """Somebody is to be on call in place of whoever's turn it is."""

    rotation: Slug
    agent: AgentId
    start: Instant | None = Field(default=None, description="None: from now on.")
    end: Instant
    reason: Reason | None = None


class SwapRequest(Request):
    """Two people take each other's shifts."""

    rotation: Slug
    first: Instant = Field(description="A moment in the one shift, such as its start.")
    second: Instant = Field(description="A moment in the other one.")
    reason: Reason | None = None


class OverrideView(BaseModel):
    """Somebody on call in place of whoever's turn it is."""

    override_id: UUID
    rotation: str
    agent: str
    start: datetime
    end: datetime
    reason: str | None
    swap_id: UUID | None = Field(description="That of both halves of a swap.")
    created_at: datetime
    created_by: str
    ended_at: datetime | None = Field(description="Ended then, before its end; before its start: withdrawn.")
    ended_by: str | None

    @classmethod
    def of(cls, stand_in: StandIn) -> Self:
        """For the answer."""
        same = {name: getattr(stand_in, name) for name in cls.model_fields if name not in ("start", "end")}
        return cls.model_validate({**same, "start": stand_in.start_at, "end": stand_in.end_at})


class Swap(BaseModel):
    """Both halves of a swap."""

    items: list[OverrideView]


class FeedRequest(Request):
    """A link to a calendar."""

    rotation: Slug
    agent: AgentId | None = Field(default=None, description="None: everybody's shifts.")


class FeedView(BaseModel):
    """A link to a calendar: whoever has it reads that calendar, and nothing else."""

    feed_id: UUID
    rotation: str
    agent: str | None
    path: str = Field(description="Where the calendar is, behind the address of this service.")
    url: str | None = Field(description="The whole address. None: this service is not told its own.")
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, feed: Feed, path: str, public_url: str | None) -> Self:
        """For the answer."""
        same = {name: getattr(feed, name) for name in cls.model_fields if name not in ("path", "url")}
        url = f"{public_url.rstrip('/')}{path}" if public_url else None
        return cls.model_validate({**same, "path": path, "url": url})
