"""What happens to work when agents come and go, or are configured anew."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import ABSENT, CONNECTION_LOST, Agent, AgentProfile
from services.router.domain.eligibility import misfit
from services.router.domain.floor_decision import AgentStateSet, Configured
from services.router.domain.on_offer import offers_of_leaving, taken_back
from services.router.domain.on_partner import orders_of_changed, orders_of_removed
from services.router.domain.state import RoutingState
from services.router.domain.steps import completed, left_behind, released
from services.router.domain.work_item import PARKED, Offer, WorkItem
from shared.errors import NotFound
from shared.ids import IdFactory
from shared.vocabulary import AgentState, ChannelKind, WorkState


def on_state(state: RoutingState, wanted: inputs.SetAgentState, now: datetime) -> Iterator[d.Decision]:
    """An agent becomes available, busy, away or offline. Raises NotFound.

    Whoever leaves gets their pending offers taken back at once. What they have in hand stays; when they are
    offline, or away off duty, it goes back to its queue unless they are back in time, but for what waits for
    its customer.
    """
    agent = state.agents.get(wanted.agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    if (wanted.state, wanted.reason) != (agent.state, agent.reason):
        yield from becomes(state, agent, wanted.state, wanted.reason, cause="set", now=now)


def becomes(
    state: RoutingState, agent: Agent, to: AgentState, reason: str | None, *, cause: str, now: datetime
) -> Iterator[d.Decision]:
    """The agent is something else, with what follows for what they are asked and have in hand."""
    if to is not AgentState.AVAILABLE:
        yield from offers_of_leaving(state, agent.agent_id)
    yield AgentStateSet(agent_id=agent.agent_id, state=to, reason=reason, cause=cause)
    is_gone = to in ABSENT if not agent.is_on_duty else to is AgentState.OFFLINE
    is_lost = cause == CONNECTION_LOST
    for work_id in sorted(agent.work):
        item = state.items[work_id]
        is_left = is_gone or (is_lost and item.channel_kind is ChannelKind.CHAT)
        if is_left and state.tickets[item.ticket_id].status not in PARKED:
            yield from left_behind(state, item, now)
        elif to not in ABSENT and item.return_at is not None:
            yield d.ReturnScheduled(work_id=work_id, at=None)


def on_return(state: RoutingState, item: WorkItem, ids: IdFactory) -> Iterator[d.Decision]:
    """The agent has been away for too long: the item waits again for whoever fits."""
    if item.state is WorkState.WRAPPING:
        yield from completed(state, item, ids)
    else:
        yield from released(state, item, "agent_left")


def on_configured(
    state: RoutingState, configure: inputs.Configure | inputs.ConfigureAgents, ids: IdFactory
) -> Iterator[d.Decision]:
    """A new configuration: agents change. What agents who are gone had goes back to its queue first.

    What a partner had goes to the queue that it falls back to, while that is there.
    """
    new = configure.after(state.configuration)
    names = sorted(_looked_at(state, configure))
    old = {name: state.agents[name].profile for name in names if name in state.agents}
    removed = tuple(profile for name, profile in old.items() if name not in new.agents)
    changed = tuple(new.agents[name] for name in names if name in new.agents and old.get(name) != new.agents[name])
    over: set[UUID] = set()
    for profile in changed:
        if profile.agent_id in old:
            yield from orders_of_changed(state, old[profile.agent_id], profile, over)
    people = [
        profile for profile in removed if profile.partner is None or profile.partner.fallback not in new.queues
    ]
    yield from taken_back(state, _offers_lost(state, people, changed), over)
    for profile in removed:
        if profile in people:
            for work_id in sorted(state.agents[profile.agent_id].work):
                yield from on_return(state, state.items[work_id], ids)
        else:
            yield from orders_of_removed(state, profile.agent_id, new, ids, over)
        yield AgentStateSet(agent_id=profile.agent_id, state=AgentState.OFFLINE, reason="removed", cause="removed")
    yield Configured(configuration=new, changed=changed, removed=removed)


def _looked_at(state: RoutingState, configure: inputs.Configure | inputs.ConfigureAgents) -> set[str]:
    """Agents who may be others than before."""
    if isinstance(configure, inputs.Configure):
        return {*state.agents, *configure.configuration.agents}
    return {*configure.removed, *(agent.id for agent in configure.changed)}


def _offers_lost(
    state: RoutingState, removed: Iterable[AgentProfile], changed: Iterable[AgentProfile]
) -> Iterator[tuple[Offer, str]]:
    """What is offered to who is gone, or, but for partners, does not fit what it asks for as configured now."""
    for profile in removed:
        for offer_id in sorted(state.agents[profile.agent_id].offers):
            yield state.offers[offer_id], "agent_left"
    for profile in changed:
        agent = state.agents.get(profile.agent_id) if profile.partner is None else None
        for offer_id in sorted(agent.offers if agent else ()):
            offer = state.offers[offer_id]
            if misfit(profile, state.items[offer.work_id].requirements) is not None:
                yield offer, "agent_changed"
