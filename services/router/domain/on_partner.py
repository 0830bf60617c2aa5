"""What becomes of work orders beside answers to their offers: done, given back, late, another partner or none."""

from collections.abc import Iterator
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import AgentProfile
from services.router.domain.configuration import Configuration
from services.router.domain.on_offer import OfferNotPending, accepted_item, offers_of_leaving
from services.router.domain.state import RoutingState
from services.router.domain.steps import completed, fallen_back, revocation
from services.router.domain.work_item import WorkItem
from shared.ids import IdFactory
from shared.vocabulary import TicketStatus, WorkState

REMOVED = "partner_removed"
CHANGED = "partner_changed"


def on_order_ended(state: RoutingState, ended: inputs.EndOrder) -> Iterator[d.Decision]:
    """The partner is done, or gives the order back. Raises OfferNotPending where it has it no more.

    Partners do not solve tickets: while this one is unsolved somebody of the house sees to that.
    """
    item = accepted_item(state, ended.offer_id, ended.agent_id)
    if item is None:
        raise OfferNotPending
    if state.tickets[item.ticket_id].status is TicketStatus.SOLVED:
        yield d.WorkCompleted(work_id=item.work_id)
    else:
        reason = "partner_done" if ended.is_done else "partner_returned"
        yield fallen_back(state, item, ended.agent_id, reason, note=ended.reason)


def on_order_late(state: RoutingState, item: WorkItem) -> Iterator[d.Decision]:
    """The partner has not been done in time."""
    assert item.agent_id is not None
    yield fallen_back(state, item, item.agent_id, "partner_late")


def orders_of_changed(
    state: RoutingState, before: AgentProfile, after: AgentProfile, over: set[UUID]
) -> Iterator[d.Decision]:
    """The queue stands for another vendor from now on: it is asked for what the former one has not answered.

    What that one has accepted stays with it. over: offers that this change has ended
    """
    if before.partner and after.partner and before.partner.url != after.partner.url:
        yield from offers_of_leaving(state, before.agent_id, reason=CHANGED, over=over)


def orders_of_removed(
    state: RoutingState, partner_id: str, new: Configuration, ids: IdFactory, over: set[UUID]
) -> Iterator[d.Decision]:
    """The queue stands for nobody any more: all that the partner was asked for or has falls back to the house.

    over: offers that this change has ended
    """
    agent, house = state.agents[partner_id], tuple(new.agents.values())
    for offer_id in sorted(agent.offers):
        offer = state.offers[offer_id]
        item = state.items[offer.work_id]
        over.add(offer_id)
        yield revocation(offer, REMOVED)
        if item.offers.keys() <= over:
            yield fallen_back(state, item, partner_id, REMOVED, house=house)
    for work_id in sorted(agent.work):
        item = state.items[work_id]
        if item.state is WorkState.WRAPPING:
            yield from completed(state, item, ids)
        else:
            yield fallen_back(state, item, partner_id, REMOVED, house=house)
