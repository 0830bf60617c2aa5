"""Work that agents take from the line themselves."""

from collections.abc import Iterator
from contextlib import closing

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import Agent
from services.router.domain.foremost import Head, foremost
from services.router.domain.matching import RequirementClass, refuses
from services.router.domain.ranking import rank_in
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.errors import Conflict, NotFound
from shared.vocabulary import AgentState, AssignmentMode, WorkState


def on_next(state: RoutingState, wanted: inputs.TakeNext) -> Iterator[d.Decision]:
    """Gives an agent what is next for them, in whatever way its queue gives out work; nothing where nothing is.

    Raises NotFound, Conflict where the agent takes no work now.
    """
    agent = state.agents.get(wanted.agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    if agent.state is not AgentState.AVAILABLE:
        raise Conflict(f"The agent takes no work now ({agent.state}): become available first.")
    if agent.standing.off_duty is not None:
        raise Conflict(f"The agent takes no work now ({agent.standing.off_duty}).")
    item = next_for(state, agent)
    if item is not None:
        yield d.WorkAssigned(
            work_id=item.work_id,
            agent_id=agent.agent_id,
            offer_id=None,
            mode=AssignmentMode.ACCEPTED,
            over_capacity=not agent.has_room(item.channel_kind),
            reasons=Reasons(
                policy_version=item.policy_version, step=item.step, note="they took what was next for them"
            ),
        )


def next_for(state: RoutingState, agent: Agent) -> WorkItem | None:
    """The first item in order, over all queues, that waits and that the agent may serve and has room for."""
    heads = []
    for found in state.classes_of.get(agent.agent_id, ()):
        standing = found.standing.get(agent.agent_id)
        if found.line.count and standing is not None and state.opening(found.requirements.queue).is_open:
            heads.append(_first_for(state, found, agent, rank_in(standing[0])))
    first = foremost(head for head in heads if head is not None)
    return first.item if first else None


def _first_for(state: RoutingState, found: RequirementClass, agent: Agent, rank: int) -> Head | None:
    """The class's first item that nobody is being asked for and that the agent has not refused."""
    with closing(found.line.in_order(state.items, state.now)) as line:
        for item, place in line:
            if item.state is WorkState.QUEUED and not refuses(agent, item):
                return Head(found, rank, item, place)
    return None
