"""What a new configuration does to the state: agents appear, change and go, and every index follows.

Where nothing but agents changed, those who did are taken out of the indexes and put in anew; all that waits stays
where it is. One agent's new skill costs as much among half a million waiting items as among ten.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.floor_decision import Configured
from services.router.domain.posts import Posts
from services.router.domain.reserve import Reserves
from services.router.domain.state import RoutingState
from services.router.domain.timers import TimerKind
from shared.vocabulary import AgentState


def reconfigure(state: RoutingState, made: Configured, now: datetime) -> None:
    """Takes on a configuration. Work of agents who are gone has been taken from them before."""
    stands = made.configuration.stands_as(state.configuration)
    routes_otherwise = made.configuration.routes_otherwise(state.configuration)
    state.adopt(made.configuration)
    state.servable.clear()
    if stands:
        for profile in (*made.removed, *made.changed):
            _withdraw(state, profile.agent_id)
    for profile in made.changed:
        _employ(state, profile, now)
    for profile in made.removed:
        _dismiss(state, profile.agent_id)
    if stands:
        _keep_reserves(state)
        _admit(state, [profile.agent_id for profile in made.changed], now)
    else:
        for agent in state.agents.values():
            agent.scores.clear()
        closed = [queue_id for queue_id, opening in state.openings.items() if not opening.is_open]
        rebuild_indexes(state, now)
        for queue_id in closed:
            if state.opening(queue_id).is_open:
                state.give_out(queue_id)
    if routes_otherwise:
        state.reconsider()


def restore(state: RoutingState, decided_at: datetime) -> None:
    """Everybody of the configuration is an agent, as they were; every index is made as it was then.

    decided_at: when something was decided last. What has become due since is decided in its turn, as if the state
    had been in memory all the time.
    """
    state.reach(decided_at)
    for profile in state.configuration.agents.values():
        _employ(state, profile, decided_at)
    rebuild_indexes(state, decided_at)


def rebuild_indexes(state: RoutingState, now: datetime) -> None:
    """Makes classes, lines and timers anew from agents, items and offers."""
    state.classes.clear()
    state.posts_of.clear()
    state.changed.clear()
    state.unsettled.clear()
    state.forsaken.clear()
    state.timers.clear()
    state.reserves = Reserves.of(state.configuration.queues.values(), state.agents)
    for item in state.items.values():
        item.in_line = False
        state.put_in_line(item)
        state.watch(item)
    for offer in state.offers.values():
        state.arm(offer.expires_at, TimerKind.OFFER_EXPIRES, offer.offer_id)
    for agent in state.agents.values():
        _watch_duty(state, agent, now)
        state.watch_connection(agent)
    state.openings = {
        queue_id: queue.opening(now)
        for queue_id, queue in state.configuration.queues.items()
        if queue.hours is not None
    }
    for queue_id, opening in state.openings.items():
        state.arm(opening.until, TimerKind.QUEUE_TURNS, queue_id)
    if state.reconsidering is not None:
        state.go_on_reconsidering(state.reconsidering.due_at or now)
    state.count_timers()


def _withdraw(state: RoutingState, agent_id: str) -> None:
    agent = state.agents.get(agent_id)
    if agent is None:
        return
    for found in state.classes.values():
        if found.concerns(agent_id):
            found.withdraw(agent)
            state.forsake(found)
    state.posts_of.pop(agent_id, None)
    state.changed.pop(agent_id, None)


def _admit(state: RoutingState, names: Iterable[str], now: datetime) -> None:
    for agent_id in names:
        agent = state.agents[agent_id]
        posts = state.posts_of[agent_id] = Posts()
        for found in state.classes.values():
            if found.concerns(agent_id) and found.admit(agent):
                posts.add(found)
        state.note(agent)
        _watch_duty(state, agent, now)
        state.watch_connection(agent)


def _keep_reserves(state: RoutingState) -> None:
    """Other agents in the queues of those who changed may be kept since, or no longer."""
    if not state.reserves.sizes:
        return
    kept = {agent_id for agent_id, agent in state.agents.items() if agent.is_kept}
    state.reserves = Reserves.of(state.configuration.queues.values(), state.agents)
    for agent_id in sorted(state.agents):
        agent = state.agents[agent_id]
        if agent.is_kept is not (agent_id in kept):
            state.note(agent)


def _employ(state: RoutingState, profile: AgentProfile, now: datetime) -> None:
    agent = state.agents.get(profile.agent_id) or state.retired.pop(profile.agent_id, None)
    if agent is None:
        agent = Agent(profile=profile, state_since=now, idle_since=now, last_event_at=now)
    agent.profile = profile
    agent.scores.clear()
    if profile.partner is not None and agent.state is not AgentState.AVAILABLE:
        agent.state, agent.reason = AgentState.AVAILABLE, None
        agent.availability += 1
    agent.weigh()
    agent.stamp += 1
    state.agents[agent.agent_id] = agent
    state.touched.agents.add(agent.agent_id)


def _dismiss(state: RoutingState, agent_id: str) -> None:
    agent = state.retired[agent_id] = state.agents.pop(agent_id)
    # Nobody notes the end of their stream from now on.
    agent.is_connected, agent.disconnected_at = False, None
    state.touched.agents.add(agent_id)


def _watch_duty(state: RoutingState, agent: Agent, now: datetime) -> None:
    standing = agent.profile.duty.at(now)
    # What has turned while nobody looked, or is configured otherwise now, is due at once.
    until = standing.until if standing.off_duty is agent.standing.off_duty else now
    agent.standing = replace(agent.standing, until=until)
    state.arm(until, TimerKind.DUTY_TURNS, agent.agent_id)
