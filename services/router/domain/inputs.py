"""Everything that can happen to a workspace's routing: events of other services, commands, the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.router.domain.agent import AgentProfile
from services.router.domain.configuration import Configuration
from services.router.domain.facts import Facts
from services.router.domain.work_item import Raised
from shared.vocabulary import AgentState, SlaMetric, TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketKnown:
    """A ticket is there, or its facts have changed.

    status: given by an opening and by a snapshot, none where only facts changed
    """

    ticket_id: UUID
    facts: Facts
    status: TicketStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStatusSet:
    """The ticket's status changed."""

    ticket_id: UUID
    status: TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketGone:
    """The ticket went up in another one."""

    ticket_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call that somebody answered is over."""

    ticket_id: UUID
    call_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockKnown:
    """One of the ticket's SLA clocks runs, stands still, or has ended.

    target: none where nothing was said of it; elapsed: how much of it was used up `at`
    due_at: none while it stands still
    """

    ticket_id: UUID
    clock_id: UUID
    metric: SlaMetric
    at: datetime
    elapsed: timedelta = timedelta()
    target: timedelta | None = None
    due_at: datetime | None = None
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRaised:
    """An escalation asks something of the ticket's work item."""

    ticket_id: UUID
    raised: Raised


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAgentState:
    """An agent says, or somebody says of them, what they are."""

    agent_id: str
    state: AgentState
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """An agent has a stream open."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """Agents who had a stream have none any more: it ended, or the process that held it is gone."""

    agent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOffer:
    """The agent takes what was offered."""

    offer_id: UUID
    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineOffer:
    """The agent refuses what was offered."""

    offer_id: UUID
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOrder:
    """A partner is done with what it accepted, or gives it back."""

    offer_id: UUID
    agent_id: str
    is_done: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeNext:
    """The agent takes the first item in order that they may serve."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Work moves to an agent, a queue or a support tier; exactly one of them is named."""

    ticket_id: UUID
    reason: str
    actor_id: str
    agent_id: str | None = None
    queue: str | None = None
    support_tier: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The agent gives the work back to its queue."""

    ticket_id: UUID
    reason: str
    actor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The agent is done with the wrap-up."""

    ticket_id: UUID
    actor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """A supervisor gives the work to an agent, capacity or not."""

    ticket_id: UUID
    agent_id: str
    actor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """A new configuration holds."""

    configuration: Configuration

    def after(self, _before: Configuration) -> Configuration:
        """What holds from now on, whatever held before."""
        return self.configuration


class WrittenAgent(Protocol):
    """An agent as somebody wrote them, by whose words alone it is not known what they are."""

    @property
    def id(self) -> str:
        """Who they are."""
        ...

    def profile(self, configuration: Configuration) -> AgentProfile:
        """What they are, by the limits, the calendars and the time zone of this configuration."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureAgents:
    """A new configuration holds that is the one before but for some agents, however many there are.

    changed: as they are written now, the new ones too; removed: who is gone
    """

    version: int
    changed: tuple[WrittenAgent, ...] = ()
    removed: tuple[str, ...] = ()

    def after(self, before: Configuration) -> Configuration:
        """What holds from now on."""
        changed = [agent.profile(before) for agent in self.changed]
        return before.with_agents(self.version, changed, self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconsider:
    """A work item is looked at under a new configuration, from which it follows: it never comes from outside."""

    work_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A work item's next step opens at once. Follows from `EscalationRaised`, never comes from outside."""

    work_id: UUID
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed: what is due happens."""


Input = (
    TicketKnown
    | TicketStatusSet
    | TicketGone
    | CallEnded
    | ClockKnown
    | EscalationRaised
    | SetAgentState
    | Connected
    | Disconnected
    | AcceptOffer
    | DeclineOffer
    | EndOrder
    | TakeNext
    | Transfer
    | Release
    | Complete
    | Assign
    | Configure
    | ConfigureAgents
    | Tick
)
