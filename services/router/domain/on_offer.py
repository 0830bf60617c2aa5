"""What becomes of offers: accepted, declined, expired."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.floor_decision import AgentStateSet
from services.router.domain.partner import queue_of_partner
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.steps import fallen_back, requeued, revocation, revoked
from services.router.domain.work_item import Offer, OfferState, WorkItem
from shared.errors import Conflict, NotFound
from shared.vocabulary import AgentState, AssignmentMode

_OF_PARTNERS = {OfferState.DECLINED: "partner_declined", OfferState.EXPIRED: "partner_silent"}
"""Why a work order falls back to the house, by how its offer ended."""
ALL_DECLINED = "all_declined"
"""Noted where nobody is left who could be asked: everybody who is there and fits has refused."""


class OfferNotPending(Conflict):
    """The offer is no longer theirs: it was declined, has expired, or was taken back."""

    slug = "offer-not-pending"


def on_accept(state: RoutingState, accept: inputs.AcceptOffer, now: datetime) -> Iterator[d.Decision]:
    """Turns a pending offer into its item's assignment, and takes the item's other offers back.

    The winner's repeat decides nothing and is no error. Raises OfferNotPending.
    """
    if accepted_item(state, accept.offer_id, accept.agent_id):
        return
    offer = pending_offer(state, accept.offer_id, accept.agent_id)
    if now >= offer.expires_at:
        raise OfferNotPending("The offer has expired.")
    item = state.items[offer.work_id]
    agent = state.agents[offer.agent_id]
    partner = agent.profile.partner
    yield from revoked(state, item, "accepted_by_other", keep=offer.offer_id)
    yield d.WorkAssigned(
        work_id=item.work_id,
        agent_id=offer.agent_id,
        offer_id=offer.offer_id,
        mode=AssignmentMode.ACCEPTED,
        over_capacity=item.ignores_capacity and agent.is_over(item.channel_kind),
        reasons=Reasons(policy_version=item.policy_version, step=item.step),
        done_by=now + partner.done_within if partner and partner.done_within else None,
    )


def on_decline(state: RoutingState, decline: inputs.DeclineOffer) -> Iterator[d.Decision]:
    """Ends an offer that its agent refuses. Raises OfferNotPending."""
    offer = pending_offer(state, decline.offer_id, decline.agent_id)
    yield from _refused(state, offer, OfferState.DECLINED, decline.reason, "declined")


def on_expiry(state: RoutingState, offer: Offer) -> Iterator[d.Decision]:
    """Ends an offer that nobody answered. Who has missed too many is away, and is asked for nothing else.

    Not so a partner.
    """
    yield from _refused(state, offer, OfferState.EXPIRED, "no answer", "expired")
    is_partner = queue_of_partner(offer.agent_id) is not None
    if is_partner or state.agents[offer.agent_id].missed + 1 < state.configuration.presence.away_after:
        return
    yield from offers_of_leaving(state, offer.agent_id, keep=offer)
    yield AgentStateSet(
        agent_id=offer.agent_id, state=AgentState.AWAY, reason="offer_expired", cause="offer_expired"
    )


def offers_of_leaving(
    state: RoutingState,
    agent_id: str,
    *,
    keep: Offer | None = None,
    reason: str = "agent_left",
    over: set[UUID] | None = None,
) -> Iterator[d.Decision]:
    """Takes back what was offered to an agent who is leaving. over: as `taken_back` has it"""
    offers = [state.offers[offer_id] for offer_id in sorted(state.agents[agent_id].offers)]
    yield from taken_back(state, [(offer, reason) for offer in offers if offer is not keep], over)


def taken_back(
    state: RoutingState, offers: Iterable[tuple[Offer, str]], over: set[UUID] | None = None
) -> Iterator[d.Decision]:
    """Takes offers back, each for its reason. An item waits again with the last of its own.

    over: those that this input has ended already; these join them
    """
    over = set() if over is None else over
    for offer, reason in offers:
        item = state.items[offer.work_id]
        over.add(offer.offer_id)
        yield revocation(offer, reason)
        if item.offers.keys() <= over:
            yield requeued(state, item, reason, restarts=False)


def pending_offer(state: RoutingState, offer_id: UUID, agent_id: str) -> Offer:
    """An agent's pending offer. Raises OfferNotPending, and NotFound for somebody else's."""
    offer = state.offers.get(offer_id)
    if offer is None:
        raise OfferNotPending
    if offer.agent_id != agent_id:
        raise NotFound("There is no such offer.")
    return offer


def accepted_item(state: RoutingState, offer_id: UUID, agent_id: str) -> WorkItem | None:
    """The item that this agent holds by having accepted this offer."""
    agent = state.agents.get(agent_id)
    held = (state.items[work_id] for work_id in agent.work) if agent else ()
    return next((item for item in held if item.accepted_offer_id == offer_id), None)


def _refused(
    state: RoutingState, offer: Offer, final: OfferState, reason: str, requeue_reason: str
) -> Iterator[d.Decision]:
    item = state.items[offer.work_id]
    yield d.OfferEnded(
        offer_id=offer.offer_id,
        work_id=item.work_id,
        agent_id=offer.agent_id,
        state=final,
        reason=reason,
        is_refusal=True,
    )
    if queue_of_partner(offer.agent_id) is None:
        found = state.class_for(item.requirements, item.channel_kind)
        has_everybody = found.is_refused_by_all(item, state.agents, offer.agent_id)
        yield from _back_in_line(state, item, requeue_reason, note=ALL_DECLINED if has_everybody else None)
    elif len(item.offers) == 1:
        yield fallen_back(state, item, offer.agent_id, _OF_PARTNERS[final])


def _back_in_line(
    state: RoutingState, item: WorkItem, reason: str, note: str | None = None
) -> Iterator[d.Decision]:
    """The item keeps its place and its steps go on; it waits again only with its last offer."""
    if len(item.offers) == 1:
        yield requeued(state, item, reason, restarts=False, note=note)
