"""The router's requests and answers."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.router.app.agent_parts import AgentPart, Level, LimitPart, Rank
from services.router.app.hour_parts import TimeOffPart
from services.router.domain.order import OrderBy
from services.router.domain.work_item import OfferState
from shared.calendar_parts import TimeZoneName, WeekPart
from shared.http.types import Request, Slug
from shared.vocabulary import AgentActivity, AgentState, ChannelKind, Priority, WorkState

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class AgentAnswer(BaseModel):
    """An agent: what they can do, what they are, and what they have in hand."""

    agent_id: str
    name: str
    support_tier: int
    teams: list[str]
    queues: list[str]
    skills: dict[str, int]
    capacity: int
    is_on_duty: bool
    duty_turns_at: datetime | None = Field(description="When their shift or leave begins or ends next.")
    state: AgentState
    reason: str | None
    state_since: datetime | None
    is_connected: bool = Field(description="Whether they have a stream open.")
    activity: AgentActivity
    load: int
    items: dict[ChannelKind, int]


class StateRequest(Request):
    """What an agent is from now on."""

    state: AgentState
    reason: Reason | None = None


_OPTIONAL = ("time_zone", "shifts")


class AgentPatch(Request):
    """Fields of an agent to change; the others stay."""

    name: str | None = Field(default=None, max_length=200)
    support_tier: int | None = Field(default=None, ge=1, le=9)
    teams: tuple[Slug, ...] | None = None
    queues: tuple[Slug, ...] | None = None
    ranks: dict[Slug, Rank] | None = None
    skills: dict[Slug, Level] | None = None
    capacity: int | None = Field(default=None, ge=1, le=10_000)
    limits: dict[ChannelKind, LimitPart] | None = None
    time_zone: TimeZoneName | None = Field(default=None, description="null: the workspace's.")
    shifts: WeekPart | Slug | None = Field(default=None, description="null: always on duty.")
    time_off: tuple[TimeOffPart, ...] | None = Field(default=None, max_length=200)

    def apply(self, agent: AgentPart) -> AgentPart:
        """The agent with these changes. A null takes away what one may be without, and else changes nothing."""
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        return agent.model_copy(
            update={name: value for name, value in changes.items() if value is not None or name in _OPTIONAL}
        )


class OfferAnswer(BaseModel):
    """An item held out to an agent."""

    offer_id: UUID
    work_id: UUID
    ticket_id: UUID
    agent_id: str
    state: OfferState
    queue: str
    support_tier: int
    priority: Priority
    channel: str
    channel_kind: ChannelKind
    offered_at: datetime
    expires_at: datetime
    version: int = Field(description="That of the work that is offered: what the offer's ETag says.")


class WorkAnswer(BaseModel):
    """A work item as it stands."""

    work_id: UUID
    ticket_id: UUID
    state: WorkState
    queue: str
    support_tier: int
    priority: Priority
    channel: str
    channel_kind: ChannelKind
    agent_id: str | None
    queued_at: datetime
    assigned_at: datetime | None
    wrap_until: datetime | None
    is_expedited: bool = Field(description="It is at the front of whatever line it waits in.")
    over_capacity: bool = Field(description="It was given to its agent although they had no room for it.")
    version: int = Field(description="Rises with each event about it: what its ETag says.")
    opens_at: datetime | None = Field(default=None, description="Where it waits in a queue that is closed.")


class OfferList(BaseModel):
    """An agent's pending offers."""

    items: list[OfferAnswer]


class WorkList(BaseModel):
    """What an agent has in hand."""

    items: list[WorkAnswer]


class DeskAnswer(BaseModel):
    """All that an agent has before them."""

    state: AgentState
    reason: str | None
    offers: list[OfferAnswer]
    work: list[WorkAnswer]


class DeclineRequest(Request):
    """Why the offer is refused."""

    reason: Reason = "declined"


_TARGETS = ("agent_id", "queue", "support_tier")


class TransferRequest(Request):
    """Where the work goes: to exactly one of agent, queue and support tier."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in _TARGETS]
        }
    )

    reason: Reason
    agent_id: Slug | None = None
    queue: Slug | None = None
    support_tier: Annotated[int, Field(ge=1, le=9)] | None = None

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if sum(getattr(self, name) is not None for name in _TARGETS) != 1:
            raise ValueError(f"name exactly one of {', '.join(_TARGETS)}")
        return self


class ReleaseRequest(Request):
    """Why the work is given back."""

    reason: Reason = "released"


class AssignRequest(Request):
    """Who gets the work, capacity or not."""

    agent_id: Slug


class QueueAnswer(BaseModel):
    """A queue at this moment.

    eligible: agents who could serve its waiting items by configuration; ready: those of them who could be
    asked now; estimated_wait_s: for an item that comes now; none while it is closed, and where nothing is known
    """

    queue_id: str
    name: str
    order: OrderBy = Field(description="Which of its items is given out first.")
    is_open: bool
    turns_at: datetime | None = Field(description="When it closes or opens next.")
    waiting: int
    stuck: int = Field(description="How many of those have their last step open: nothing loosens them any more.")
    offered: int
    assigned: int
    oldest_waiting_at: datetime | None
    eligible: int
    ready: int
    estimated_wait_s: float | None
    estimated_wait_range_s: tuple[float, float] | None = Field(
        description="Between which seconds the wait lies in 8 of 10 cases."
    )


class WhyNotAnswer(BaseModel):
    """What kept an agent from being the one whom a decision chose.

    reason: `chosen`, `unknown`, `ranked`, `preferred`, `not_reproduced`, or what the choice counts others by
    ranking: the agent's ranking values and those of whoever was chosen, where the agent could have been asked
    """

    agent_id: str
    reason: str
    words: str
    ranking: tuple[float | int | str, ...] | None
    chosen_ranking: tuple[float | int | str, ...] | None


class DecisionAnswer(BaseModel):
    """One decision about a ticket's work: in words, and as data. work_id: none where nobody was needed any more"""

    decision_id: int
    decided_at: datetime
    work_id: UUID | None
    kind: str
    words: str
    record: dict[str, object]
    why_not: WhyNotAnswer | None = Field(
        default=None, description="Where an agent is asked about, and the decision chose among agents."
    )


class Published(BaseModel):
    """How many snapshots were published."""

    published: int
