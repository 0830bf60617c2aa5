"""What happens to work when shifts and leave begin and end, and when queues open and close."""

from collections.abc import Iterator
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain.agent import ABSENT
from services.router.domain.floor_decision import DutyTurned, QueueTurned
from services.router.domain.on_offer import offers_of_leaving
from services.router.domain.state import RoutingState
from services.router.domain.steps import kept, left_behind
from services.router.domain.work_item import PARKED
from shared.vocabulary import AgentState


def on_queue_turn(state: RoutingState, queue_id: str, now: datetime) -> Iterator[d.Decision]:
    """A queue opens or closes. What is offered or in hand stays where it is."""
    yield QueueTurned(queue_id=queue_id, opening=state.configuration.queue(queue_id).opening(now))


def on_duty_turn(state: RoutingState, agent_id: str, now: datetime) -> Iterator[d.Decision]:
    """An agent's shift or leave begins or ends, be it a while ago: what holds now counts.

    Whoever goes off duty gets their pending offers taken back. Who works on keeps what they have in hand; of
    those who are absent it goes back to its queue after a while, but for what waits for its customer, and
    unless their next shift begins before.
    """
    agent = state.agents[agent_id]
    standing = agent.profile.duty.at(now)
    if standing.off_duty is not None:
        yield from offers_of_leaving(state, agent_id, reason=standing.off_duty)
    yield DutyTurned(agent_id=agent_id, standing=standing)
    if standing.off_duty is not None and agent.state in ABSENT:
        for work_id in sorted(agent.work):
            item = state.items[work_id]
            if state.tickets[item.ticket_id].status not in PARKED:
                yield from left_behind(state, item, now)
    elif standing.off_duty is None and agent.state is AgentState.AWAY:
        # Chats of somebody whose page is gone wait for that page, not for a shift.
        yield from kept(state, agent, chats=agent.is_connected)
