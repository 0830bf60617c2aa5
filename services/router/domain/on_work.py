"""What people do with work by hand: transfer, release, assign, complete."""

from collections.abc import Iterator

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.admission import steps_behind_next
from services.router.domain.agent import Agent
from services.router.domain.eligibility import barred
from services.router.domain.partner import queue_of_partner
from services.router.domain.policy import relaxed
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.steps import (
    completed,
    destination,
    fallen_back,
    is_servable,
    moved,
    requeued,
    revoked,
    steps_that_stay,
)
from services.router.domain.work_item import MOST_RAISED, WorkItem
from shared.errors import Conflict, IllegalTransition, NotFound
from shared.ids import IdFactory
from shared.vocabulary import AgentState, AssignmentMode, ChannelKind, TicketStatus, WorkState


def on_transfer(state: RoutingState, transfer: inputs.Transfer) -> Iterator[d.Decision]:
    """Moves work to an agent, a queue or a tier. Its age stays, its steps begin anew.

    Raises NotFound for work, agent or queue that is not there, Conflict where the target cannot take it; then
    the work stays where it is.
    """
    item = _live(state, transfer)
    if transfer.agent_id is not None:
        agent = _agent(state, transfer.agent_id)
        if item.agent_id == agent.agent_id:
            raise Conflict("The agent has it already.")
        if reason := barred(agent.profile, item.requirements):
            raise Conflict(f"The agent may not have it ({reason}): name another, or transfer it to theirs.")
        if not _asks(item, agent) and (obstacle := agent.obstacle(_kind(state, item))):
            raise Conflict(f"The agent cannot take it now ({obstacle}).")
        yield from _handed(state, item, agent, "transfer", transfer.reason)
        return
    if transfer.queue is not None and transfer.queue not in state.configuration.queues:
        raise NotFound("There is no such queue.")
    base = destination(state, item, queue=transfer.queue, support_tier=transfer.support_tier)
    if base is None:
        raise Conflict("It is there already.")
    if not is_servable(state, relaxed(base, steps_that_stay(item))):
        raise Conflict("No agent could ever take it there.")
    note = f"{transfer.actor_id}: {transfer.reason}"
    yield from moved(state, item, "transfer", base, excluded=item.agent_id, note=note)


def on_release(state: RoutingState, release: inputs.Release) -> Iterator[d.Decision]:
    """Gives assigned work back to its queue; whoever had it is not asked for it again at once.

    Raises NotFound, IllegalTransition where nobody has it.
    """
    item = _live(state, release)
    if item.state is not WorkState.ASSIGNED:
        raise IllegalTransition("Nobody has it.")
    note = f"{release.actor_id}: {release.reason}"
    if item.agent_id is not None and queue_of_partner(item.agent_id) is not None:
        yield fallen_back(state, item, item.agent_id, "released", note=note)
    else:
        yield requeued(state, item, "released", excluded=item.agent_id, note=note)


def on_assign(state: RoutingState, assign: inputs.Assign) -> Iterator[d.Decision]:
    """Gives work to an agent by hand, over their capacity if need be, whatever it is doing.

    Raises NotFound, Conflict where the agent is offline.
    """
    item = _live(state, assign)
    agent = _agent(state, assign.agent_id)
    if item.agent_id == agent.agent_id:
        return
    if agent.state is AgentState.OFFLINE:
        raise Conflict("The agent is offline.")
    yield from _handed(state, item, agent, "assigned_by_hand", assign.actor_id)


def on_complete(state: RoutingState, complete: inputs.Complete, ids: IdFactory) -> Iterator[d.Decision]:
    """Ends the wrap-up, or what an agent still has in hand of a solved ticket, as when it was passed on.

    Raises NotFound, IllegalTransition while the agent is at work on an unsolved ticket, or nobody has it.
    """
    item = _live(state, complete)
    if item.state is not WorkState.WRAPPING and state.tickets[item.ticket_id].status is not TicketStatus.SOLVED:
        raise IllegalTransition("The ticket is not solved.")
    if item.agent_id is None:
        raise IllegalTransition("Nobody has it.")
    yield from completed(state, item, ids)


def on_step(
    state: RoutingState, item: WorkItem, *, is_early: bool = False, note: str | None = None
) -> Iterator[d.Decision]:
    """The item has waited long enough for the next step, or nobody can be asked before it opens.

    note: what else opens it
    A pending offer survives it. What has been raised stays raised, whatever becomes of the steps.
    """
    step = item.steps[item.step]
    reasons = Reasons(policy_version=item.policy_version, step=item.step + 1, note=note)
    yield d.StepOpened(
        work_id=item.work_id,
        previous_queue=item.requirements.queue,
        requirements=relaxed(item.base, item.steps[: item.step + 1]),
        reasons=reasons,
        is_early=is_early,
        is_last=item.step + 1 == len(steps_behind_next(state, item)),
    )
    if step.expedite and not item.is_expedited:
        yield d.Expedited(work_id=item.work_id, reason="step", reasons=reasons)
    if step.raise_by:
        yield d.PriorityChanged(
            work_id=item.work_id,
            priority=item.priority.raised(step.raise_by),
            raised_by=min(item.raised_by + step.raise_by, MOST_RAISED),
            reason="step",
            reasons=reasons,
        )


def _live(
    state: RoutingState, about: inputs.Transfer | inputs.Release | inputs.Assign | inputs.Complete
) -> WorkItem:
    item = state.live_item(about.ticket_id)
    if item is None:
        raise NotFound("There is no work on this ticket.")
    return item


def _agent(state: RoutingState, agent_id: str) -> Agent:
    agent = state.agents.get(agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def _handed(state: RoutingState, item: WorkItem, agent: Agent, reason: str, note: str) -> Iterator[d.Decision]:
    """From whoever has it, or from the queue, straight to this agent."""
    yield from revoked(state, item, reason)
    if item.agent_id is not None:
        yield requeued(state, item, reason, note=note)
    yield d.WorkAssigned(
        work_id=item.work_id,
        agent_id=agent.agent_id,
        offer_id=None,
        mode=AssignmentMode.MANUAL,
        reasons=Reasons(policy_version=item.policy_version, step=item.step, note=note),
        over_capacity=not (_asks(item, agent) or agent.has_room(_kind(state, item))),
    )


def _asks(item: WorkItem, agent: Agent) -> bool:
    """Whether the agent is being asked for it, so that they have kept room for it."""
    return agent.agent_id in item.offers.values()


def _kind(state: RoutingState, item: WorkItem) -> ChannelKind:
    """As what it counts once it has changed hands."""
    return state.tickets[item.ticket_id].work_kind(item.channel_kind)
