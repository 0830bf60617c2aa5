"""What metrics remembers of an agent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.metrics.domain.fact import WHOLE, Dimension, Scope
from shared.vocabulary import AgentActivity, AgentState


class AgentKey(NamedTuple):
    """An agent of a workspace."""

    workspace_id: str
    agent_id: str


class Presence(StrEnum):
    """As what an agent is counted. Who is off duty is asked for nothing, whatever their state."""

    AVAILABLE = AgentState.AVAILABLE.value
    BUSY = AgentState.BUSY.value
    AWAY = AgentState.AWAY.value
    OFF_DUTY = "off_duty"
    OFFLINE = AgentState.OFFLINE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedAgent:
    """An agent as the router last told.

    since: when state, activity or duty last changed
    """

    workspace_id: str
    agent_id: str
    state: AgentState = AgentState.OFFLINE
    activity: AgentActivity = AgentActivity.IDLE
    since: datetime | None = None
    queues: tuple[str, ...] = ()
    support_tier: int | None = None
    is_on_duty: bool = True
    is_removed: bool = False

    @property
    def key(self) -> AgentKey:
        """What the agent is known by."""
        return AgentKey(self.workspace_id, self.agent_id)

    @property
    def presence(self) -> Presence:
        """As what the agent is counted."""
        is_off = not self.is_on_duty and self.state is not AgentState.OFFLINE
        return Presence.OFF_DUTY if is_off else Presence(self.state)

    def scopes(self) -> list[Scope]:
        """Every scope that the agent counts in: none where it is removed, each of its queues otherwise."""
        if self.is_removed:
            return []
        tier = [Scope(Dimension.TIER, str(self.support_tier))] if self.support_tier is not None else []
        queues = [Scope(Dimension.QUEUE, queue) for queue in dict.fromkeys(self.queues)]
        return [WHOLE, Scope(Dimension.AGENT, self.agent_id), *tier, *queues]
