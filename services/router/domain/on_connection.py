"""Presence by heartbeat: an agent who has had a stream is there while they have one.

A stream that ends may come back in a moment, as when a page is loaded anew or a process is replaced. Only when it
has not for a while is its agent away. Agents who never open a stream, as tools may work, are not affected.
"""

from collections.abc import Iterator
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import CONNECTION_LOST
from services.router.domain.floor_decision import AgentConnected, AgentDisconnected, ConnectionLost
from services.router.domain.on_agent import becomes
from services.router.domain.state import RoutingState
from services.router.domain.steps import kept, left_behind
from services.router.domain.work_item import PARKED
from shared.vocabulary import AgentState, ChannelKind


def on_connected(state: RoutingState, connected: inputs.Connected, now: datetime) -> Iterator[d.Decision]:
    """An agent has a stream. Who was away for want of one is again what they were.

    Who was away otherwise still is; but their chats, which waited for them to be seen again, stay theirs.
    """
    agent = state.agents.get(connected.agent_id)
    if agent is None or agent.is_connected:
        return
    yield AgentConnected(agent_id=agent.agent_id)
    if agent.lost_from is not None:
        yield from becomes(state, agent, agent.lost_from, None, cause="reconnected", now=now)
    elif agent.is_on_duty and agent.state is AgentState.AWAY:
        yield from kept(state, agent)


def on_disconnected(state: RoutingState, disconnected: inputs.Disconnected) -> Iterator[d.Decision]:
    """Agents have no stream any more. Nothing else happens yet."""
    for agent_id in disconnected.agent_ids:
        agent = state.agents.get(agent_id)
        if agent is not None and agent.is_connected:
            yield AgentDisconnected(agent_id=agent_id)


def on_lost(state: RoutingState, agent_id: str, now: datetime) -> Iterator[d.Decision]:
    """The stream has not come back: the agent is away, and their chats wait for others in a while.

    Calls go on without us; what is written waits until the shift ends, or its customer answers.
    """
    agent = state.agents[agent_id]
    yield ConnectionLost(agent_id=agent_id)
    if agent.state in (AgentState.AVAILABLE, AgentState.BUSY):
        yield from becomes(state, agent, AgentState.AWAY, CONNECTION_LOST, cause=CONNECTION_LOST, now=now)
        return
    for work_id in sorted(agent.work):
        item = state.items[work_id]
        if item.channel_kind is ChannelKind.CHAT and state.tickets[item.ticket_id].status not in PARKED:
            yield from left_behind(state, item, now)
