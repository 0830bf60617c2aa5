"""Agents: what they can do, and what they have in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.router.domain.hours import ALWAYS_ON_DUTY, ON_DUTY, Duty, Standing
from services.router.domain.partner import Partner
from shared.vocabulary import AgentActivity, AgentState, ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLimit:
    """What one item of a channel costs, in units of capacity, and how many an agent may have at once.

    is_interruptible: it may be laid aside: it takes no room from items that may not
    """

    cost: int
    most: int
    is_interruptible: bool = False


DEFAULT_LIMITS: Mapping[ChannelKind, ChannelLimit] = {
    ChannelKind.VOICE: ChannelLimit(cost=100, most=1),
    ChannelKind.CHAT: ChannelLimit(cost=30, most=3),
    ChannelKind.SMS: ChannelLimit(cost=20, most=5),
    ChannelKind.WHATSAPP: ChannelLimit(cost=20, most=5),
    ChannelKind.SLACK: ChannelLimit(cost=20, most=5),
    ChannelKind.EMAIL: ChannelLimit(cost=20, most=5),
    ChannelKind.API: ChannelLimit(cost=20, most=5),
}
DEFAULT_CAPACITY = 100
CONNECTION_LOST = "connection_lost"
"""Why an agent is away who had a stream and has had none for too long."""

ABSENT = frozenset({AgentState.AWAY, AgentState.OFFLINE})
"""States in which an agent does nothing with what they have in hand; whoever is busy finishes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProfile:
    """An agent as configured.

    ranks: queue -> at which rank they serve it, where that is not the queue's own
    skills: skill -> level, 1 to 5; capacity: units in all; limits: by channel kind
    partner: set for the one agent that stands for an outside partner
    """

    agent_id: str
    name: str
    support_tier: int = 1
    teams: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    ranks: Mapping[str, int] = field(default_factory=dict)
    skills: Mapping[str, int] = field(default_factory=dict)
    capacity: int = DEFAULT_CAPACITY
    limits: Mapping[ChannelKind, ChannelLimit] = field(default_factory=lambda: DEFAULT_LIMITS)
    partner: Partner | None = None
    duty: Duty = ALWAYS_ON_DUTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """How a workspace tells that an agent is not there.

    lost_after: how long an agent who had a stream may be without one
    away_after: so many offers in a row that an agent lets expire
    """

    lost_after: timedelta = timedelta(seconds=60)
    away_after: int = 1


DEFAULT_PRESENCE = Presence()


@dataclass(slots=True, kw_only=True)
class Agent:
    """An agent at work. The engine changes it in place.

    idle_since: the last time that load went down, or that they became available: who waits longest is first
    used: units in use by assigned items and pending offers; items: how many of them, by channel kind
    firm: those of the units in use that no other item may interrupt
    is_kept: free for a queue that keeps a reserve, and not to be given the work of queues without one
    is_connected: whether they have a stream; disconnected_at: since when not, until that counts as lost
    lost_from: what they were when their connection was lost, and are again when it is back
    missed: offers in a row that they let expire
    standing: on duty or not, as it was when that was looked at last
    availability: counts how often they became available; a refusal is forgotten when it has risen
    stamp: rises with every change, so that older entries of an index are known to be stale
    """

    profile: AgentProfile
    state: AgentState = AgentState.OFFLINE
    reason: str | None = None
    state_since: datetime
    idle_since: datetime
    standing: Standing = ON_DUTY
    used: int = 0
    firm: int = 0
    is_kept: bool = False
    items: dict[ChannelKind, int] = field(default_factory=dict)
    last_assigned: dict[ChannelKind, datetime] = field(default_factory=dict)
    offers: set[UUID] = field(default_factory=set)
    work: set[UUID] = field(default_factory=set)
    wrapping: int = 0
    is_connected: bool = False
    disconnected_at: datetime | None = None
    lost_from: AgentState | None = None
    missed: int = 0
    availability: int = 0
    stamp: int = 0
    sequence: int = 0
    last_event_at: datetime
    scores: dict[tuple[str, ChannelKind, int], tuple[int, tuple[float | int | str, ...]]] = field(
        default_factory=dict
    )
    """How well they suit by (queue, channel, tier), with the load at which that was found."""
    told: tuple[object, ...] | None = None
    """What the world was told last of presence, occupation and load."""

    @property
    def agent_id(self) -> str:
        """The agent's slug."""
        return self.profile.agent_id

    @property
    def activity(self) -> AgentActivity:
        """What occupies them: an open contact counts as engaged, however many there are."""
        if len(self.work) > self.wrapping:
            return AgentActivity.ENGAGED
        return AgentActivity.WRAPPING if self.wrapping else AgentActivity.IDLE

    @property
    def is_on_duty(self) -> bool:
        """Whether it is their shift, and they are not on leave."""
        return self.standing.off_duty is None

    @property
    def is_there(self) -> bool:
        """Whether they are at work, busy or not: nobody waits for whoever is not."""
        return self.is_on_duty and self.state not in ABSENT

    def cost(self, kind: ChannelKind) -> int:
        """Units that one item of this channel takes."""
        return self.profile.limits[kind].cost

    def obstacle(self, kind: ChannelKind) -> str | None:
        """Why they cannot be asked for one more item of this channel now, or None."""
        if self.standing.off_duty is not None:
            return self.standing.off_duty
        if self.state is not AgentState.AVAILABLE:
            return f"state:{self.state}"
        return None if self.has_room(kind) else "capacity"

    def has_room(self, kind: ChannelKind) -> bool:
        """Whether one more item of this channel fits in what is left of their capacity."""
        limit = self.profile.limits[kind]
        load = self.used if limit.is_interruptible else self.firm
        return self.items.get(kind, 0) < limit.most and load + limit.cost <= self.profile.capacity

    def is_over(self, kind: ChannelKind) -> bool:
        """Whether what they have in hand of this channel, or with it, is more than they have room for."""
        limit = self.profile.limits[kind]
        load = self.used if limit.is_interruptible else self.firm
        return self.items.get(kind, 0) > limit.most or load > self.profile.capacity

    def bear(self, kind: ChannelKind, count: int = 1) -> None:
        """So many items more count against their capacity, or fewer."""
        self.items[kind] = self.items.get(kind, 0) + count
        self._load(kind, count)

    def weigh(self) -> None:
        """Counts what they have in hand anew, by the limits of a changed profile."""
        self.used = self.firm = 0
        for kind, count in self.items.items():
            self._load(kind, count)

    def _load(self, kind: ChannelKind, count: int) -> None:
        units = self.cost(kind) * count
        self.used += units
        if not self.profile.limits[kind].is_interruptible:
            self.firm += units
