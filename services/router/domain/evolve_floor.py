"""What decisions about agents and queues do to the state."""

from datetime import datetime
from typing import assert_never

from services.router.domain.agent import CONNECTION_LOST
from services.router.domain.floor_decision import (
    AgentConnected,
    AgentDisconnected,
    AgentStateSet,
    Configured,
    ConnectionLost,
    DutyTurned,
    FloorDecision,
    QueueTurned,
    SetAside,
)
from services.router.domain.reconfigure import reconfigure
from services.router.domain.state import RoutingState
from services.router.domain.timers import TimerKind
from shared.vocabulary import AgentState


def evolve_floor(state: RoutingState, decision: FloorDecision, now: datetime) -> None:
    """Changes agents, queues and their hours in place as the decision says."""
    match decision:
        case AgentStateSet():
            _set_state(state, decision, now)
        case AgentConnected() | AgentDisconnected() | ConnectionLost():
            _set_connection(state, decision, now)
        case DutyTurned():
            _turn_duty(state, decision, now)
        case QueueTurned():
            state.turn(decision.queue_id, decision.opening)
        case Configured():
            reconfigure(state, decision, now)
        case SetAside():
            pass  # nothing was done
        case _:
            assert_never(decision)


def _set_state(state: RoutingState, changed: AgentStateSet, now: datetime) -> None:
    agent = state.agents[changed.agent_id]
    if changed.state is AgentState.AVAILABLE and agent.state is not AgentState.AVAILABLE:
        agent.availability += 1
        agent.missed = 0
        agent.idle_since = now
    if changed.state is not agent.state:
        agent.state_since = now
    agent.lost_from = agent.state if changed.cause == CONNECTION_LOST else None
    agent.state = changed.state
    agent.reason = changed.reason
    state.refresh(agent)


def _set_connection(
    state: RoutingState, changed: AgentConnected | AgentDisconnected | ConnectionLost, now: datetime
) -> None:
    agent = state.agents[changed.agent_id]
    agent.is_connected = isinstance(changed, AgentConnected)
    agent.disconnected_at = now if isinstance(changed, AgentDisconnected) else None
    state.touched.agents.add(agent.agent_id)
    state.watch_connection(agent)


def _turn_duty(state: RoutingState, turned: DutyTurned, now: datetime) -> None:
    agent = state.agents[turned.agent_id]
    if turned.standing.off_duty is None and not agent.is_on_duty:
        agent.availability += 1
        agent.idle_since = now
    agent.standing = turned.standing
    state.arm(agent.standing.until, TimerKind.DUTY_TURNS, agent.agent_id)
    state.refresh(agent)
