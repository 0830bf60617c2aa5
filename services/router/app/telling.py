"""Puts into a commit what is recorded of each decision and what the world is told of it."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from services.router.app.commit import Commit
from services.router.app.outbound import presence, profile_contract, state_contract, work_contract
from services.router.app.ports import LoggedDecision
from services.router.app.work_orders import order_message
from services.router.domain import decision as d
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.floor_decision import (
    AgentConnected,
    AgentDisconnected,
    AgentStateSet,
    Configured,
    ConnectionLost,
    DutyTurned,
    QueueTurned,
    SetAside,
)
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.events.contract import Contract
from shared.events.envelope import Cause, new_event
from shared.ids import IdFactory


class Telling:
    """Tells of decisions in events.

    ids: of the events; epoch: of the lease under which it is decided
    """

    def __init__(self, ids: IdFactory, *, epoch: int) -> None:
        self._ids = ids
        self._epoch = epoch

    def note(self, commit: Commit, state: RoutingState, made: d.Decision, cause: Cause) -> None:
        """What is recorded and told of a decision, directly after it was done."""
        match made:
            case Configured():
                for profile in _people(made.changed):
                    self._tell_agent(commit, state, profile_contract(profile, is_removed=False), cause)
                for profile in _people(made.removed):
                    self._tell_agent(commit, state, profile_contract(profile, is_removed=True), cause)
                return
            case AgentStateSet():
                commit.causes[state.workspace_id, made.agent_id] = made.cause
                return
            case DutyTurned():
                commit.causes[state.workspace_id, made.agent_id] = "duty"
                return
            case AgentConnected() | AgentDisconnected() | ConnectionLost():
                return
            case d.TicketLearned() | d.ClocksSet() | d.CallNoted() | QueueTurned():
                return
            case SetAside():
                commit.set_aside.append((state.workspace_id, made))
                return
            case d.EscalationRefused():
                _record(commit, state, made.ticket_id, made.work_id, made)
                return
        item = state.touched.items[made.work_id]
        contract = work_contract(state, made, self._epoch)
        if contract is not None:
            self._tell(commit, state, item, contract, cause)
        order = order_message(state, made, item, commit.now)
        if order is not None:
            commit.orders.append(order)
        _record(commit, state, item.ticket_id, item.work_id, made)

    def presences(self, commit: Commit, state: RoutingState) -> None:
        """What the touched agents of a workspace are after all its decisions, where the world knows otherwise."""
        for agent_id in sorted(state.touched.agents):
            agent = state.agents.get(agent_id) or state.retired[agent_id]
            now = presence(agent)
            if now != agent.told and agent.profile.partner is None:
                agent.told = now
                cause = commit.causes.get((state.workspace_id, agent_id), "load")
                self._tell(commit, state, agent, state_contract(agent, cause), Cause())

    def _tell_agent(self, commit: Commit, state: RoutingState, contract: Contract, cause: Cause) -> None:
        agent_id = str(getattr(contract, contract.identity))
        agent = state.agents.get(agent_id) or state.retired[agent_id]
        self._tell(commit, state, agent, contract, cause)

    def _tell(
        self, commit: Commit, state: RoutingState, about: WorkItem | Agent, contract: Contract, cause: Cause
    ) -> None:
        """Queues an event: sequences are contiguous, time never goes back within one subject."""
        about.sequence += 1
        about.last_event_at = max(about.last_event_at, commit.now)
        commit.events.append(
            new_event(
                contract,
                event_id=self._ids.new(),
                service="router",
                workspace_id=state.workspace_id,
                sequence=about.sequence,
                time=about.last_event_at,
                cause=cause,
            )
        )


def _record(commit: Commit, state: RoutingState, ticket_id: UUID, work_id: UUID | None, made: d.Decision) -> None:
    commit.decisions.append(
        LoggedDecision(
            workspace_id=state.workspace_id,
            ticket_id=ticket_id,
            work_id=work_id,
            decided_at=commit.now,
            decision=made,
        )
    )


def _people(profiles: Iterable[AgentProfile]) -> Iterator[AgentProfile]:
    """Those of the house: of a partner the world knows the work that it has, not what it is."""
    return (profile for profile in profiles if profile.partner is None)
