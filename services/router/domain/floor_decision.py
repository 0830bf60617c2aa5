"""What the engine decides about agents, queues and the configuration: about no ticket's work."""

from dataclasses import dataclass

from services.router.domain.agent import AgentProfile
from services.router.domain.configuration import Configuration
from services.router.domain.hours import Opening, Standing
from shared.vocabulary import AgentState


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateSet:
    """An agent is something else now."""

    agent_id: str
    state: AgentState
    reason: str | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTurned:
    """An agent's shift or leave begins or ends."""

    agent_id: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTurned:
    """A queue opens or closes."""

    queue_id: str
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConnected:
    """An agent has a stream open."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDisconnected:
    """An agent who had a stream has none; they may be back in a moment."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost:
    """An agent has had no stream for too long."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A new configuration holds.

    changed: agents who are new or can do something else; removed: agents who are gone
    """

    configuration: Configuration
    changed: tuple[AgentProfile, ...]
    removed: tuple[AgentProfile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """What was due could not be decided, because of a defect: it stays undone.

    what: the kind of timer; subject: what it is about
    """

    what: str
    subject: str
    error: Exception


FloorDecision = (
    AgentStateSet
    | AgentConnected
    | AgentDisconnected
    | ConnectionLost
    | DutyTurned
    | QueueTurned
    | Configured
    | SetAside
)
