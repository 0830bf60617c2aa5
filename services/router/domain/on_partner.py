"""What becomes of a work order that a partner has accepted: done, given back, late."""

from collections.abc import Iterator

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.on_offer import OfferNotPending, accepted_item
from services.router.domain.state import RoutingState
from services.router.domain.steps import fallen_back
from services.router.domain.work_item import WorkItem
from shared.vocabulary import TicketStatus


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
