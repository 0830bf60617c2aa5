"""Work that agents take from the line themselves."""

from collections.abc import Iterator

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import Agent
from services.router.domain.foremost import first_for
from services.router.domain.matching import refuses
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
    first = first_for(
        state, agent, lambda item: item.state is WorkState.QUEUED and not refuses(agent, item), pulls=True
    )
    return first.item if first else None
