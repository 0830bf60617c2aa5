"""What happens to work when agents come and go, or are configured anew."""

from collections.abc import Iterator
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.on_offer import offers_of_leaving
from services.router.domain.policy import match
from services.router.domain.state import RoutingState
from services.router.domain.steps import released, requeued, return_time, revoked
from services.router.domain.work_item import WorkItem
from shared.errors import NotFound
from shared.vocabulary import AgentState, ChannelKind, WorkState


def on_state(state: RoutingState, wanted: inputs.SetAgentState, now: datetime) -> Iterator[d.Decision]:
    """An agent becomes available, busy, away or offline. Raises NotFound.

    Whoever leaves gets their pending offers taken back at once. What they have in hand stays; when they are
    offline it goes back to its queue after a while, but for calls, which end by themselves.
    """
    agent = state.agents.get(wanted.agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    if (wanted.state, wanted.reason) == (agent.state, agent.reason):
        return
    if wanted.state is not AgentState.AVAILABLE:
        yield from offers_of_leaving(state, agent.agent_id)
    yield d.AgentStateSet(agent_id=agent.agent_id, state=wanted.state, reason=wanted.reason, cause="set")
    for work_id in sorted(agent.work):
        item = state.items[work_id]
        if wanted.state is AgentState.OFFLINE and item.channel_kind is not ChannelKind.VOICE:
            yield d.ReturnScheduled(work_id=work_id, at=return_time(state, item, now))
        elif wanted.state is not AgentState.OFFLINE and item.return_at is not None:
            yield d.ReturnScheduled(work_id=work_id, at=None)


def on_return(state: RoutingState, item: WorkItem) -> Iterator[d.Decision]:
    """The agent has been away for too long: the item waits again for whoever fits."""
    if item.state is WorkState.WRAPPING:
        yield d.WorkCompleted(work_id=item.work_id)
    else:
        yield from released(state, item, "agent_left")


def on_configured(state: RoutingState, configure: inputs.Configure) -> Iterator[d.Decision]:
    """A new configuration: agents change, and work that waits is matched against the new policy.

    What agents who are gone had goes back to its queue first. Work in hand stays where it is.
    """
    new = configure.configuration
    old = state.configuration.agents
    removed = tuple(state.agents[name].profile for name in sorted(state.agents) if name not in new.agents)
    for profile in removed:
        yield from offers_of_leaving(state, profile.agent_id)
        for work_id in sorted(state.agents[profile.agent_id].work):
            yield from on_return(state, state.items[work_id])
        yield d.AgentStateSet(
            agent_id=profile.agent_id, state=AgentState.OFFLINE, reason="removed", cause="removed"
        )
    yield d.Configured(
        configuration=new,
        changed=tuple(profile for name, profile in sorted(new.agents.items()) if old.get(name) != profile),
        removed=removed,
    )
    gone = {profile.agent_id for profile in removed}
    for work_id in sorted(state.items):
        yield from _rematched(state, state.items[work_id], configure, gone)


def _rematched(
    state: RoutingState, item: WorkItem, configure: inputs.Configure, gone: set[str]
) -> Iterator[d.Decision]:
    """A waiting item whose requirements are others now begins anew. What was moved stays where it is."""
    facts = state.tickets[item.ticket_id].facts
    waits = item.state in (WorkState.QUEUED, WorkState.OFFERED)
    if facts is None or not waits or item.is_moved:
        return
    matched = match(configure.configuration.policy, facts)
    if (matched.rule.requirements, matched.rule.steps) == (item.base, item.steps):
        return
    for ended in revoked(state, item, "requirements_changed"):
        if ended.agent_id not in gone:
            yield ended
    yield requeued(
        state,
        item,
        "requirements_changed",
        base=matched.rule.requirements,
        steps=matched.rule.steps,
        matched=matched,
    )
