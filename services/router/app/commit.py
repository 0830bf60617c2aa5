"""What one commit of a shard's engine consists of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.work_orders import OrderMessage
from services.router.domain import decision as d
from services.router.domain.floor_decision import SetAside
from services.router.domain.inputs import Input
from services.router.domain.policy import failures
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Ticket
from shared.events.envelope import Event
from shared.vocabulary import WorkState


@dataclass(slots=True)
class Commit:
    """Inputs, what was decided by them, and what the world is told of it."""

    now: datetime
    states: dict[str, RoutingState] = field(default_factory=dict)
    inputs: list[LoggedInput] = field(default_factory=list)
    decisions: list[LoggedDecision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    orders: list[OrderMessage] = field(default_factory=list)
    brought: dict[str, set[UUID]] = field(default_factory=dict)
    """Tickets by workspace that were not in memory before."""
    noted: set[UUID] = field(default_factory=set)
    """Those of them that an input has been logged with."""
    set_aside: list[tuple[str, SetAside]] = field(default_factory=list)
    """What was due and could not be decided, by workspace."""
    causes: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why agents, by workspace and id, are something else."""

    def as_brought(self, state: RoutingState, current: Input) -> Ticket | None:
        """The input's ticket as it came into memory for this commit; only with the first input about it."""
        ticket_id: UUID | None = getattr(current, "ticket_id", None)
        if ticket_id is None or ticket_id in self.noted:
            return None
        if ticket_id not in self.brought.get(state.workspace_id, ()):
            return None
        self.noted.add(ticket_id)
        ticket = state.tickets.get(ticket_id)
        return replace(ticket) if ticket else None

    def changed(self) -> Iterator[tuple[str, set[str]]]:
        """Each workspace, and its agents whose offers, work or state may have changed."""
        for state in self.states.values():
            agents = set(state.touched.agents)
            for item in state.touched.items.values():
                agents.update(item.offers.values())
                if item.agent_id:
                    agents.add(item.agent_id)
            yield state.workspace_id, agents

    def failures(self) -> list[str]:
        """Why conditions failed that decisions were made by."""
        return [reason for logged in self.decisions for reason in _failures(logged.decision)]

    def stuck(self) -> int:
        """How many decisions opened an item's last step, and it still waits."""
        return sum(_is_stuck(self.states[logged.workspace_id], logged.decision) for logged in self.decisions)


def _failures(made: d.Decision) -> list[str]:
    return failures(made.reasons.trail) if isinstance(made, d.WorkQueued | d.WorkRequeued) else []


def _is_stuck(state: RoutingState, made: d.Decision) -> bool:
    item = state.items.get(made.work_id) if isinstance(made, d.StepOpened) and made.is_last else None
    return item is not None and item.state is WorkState.QUEUED
