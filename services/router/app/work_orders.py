"""What a partner is told of its work orders, from what the engine decided."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain.partner import queue_of_partner
from services.router.domain.state import RoutingState
from services.router.domain.work_item import OfferState, WorkItem

_PATIENCE = timedelta(days=1)


class OrderEvent(StrEnum):
    """What has become of a work order."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMessage:
    """One message to a partner. offer_id: the work order; facts: no personal data; give_up_at: no attempt after

    url, secret: of the partner as it was configured when it was told of the order first, the secret sealed
    """

    workspace_id: str
    offer_id: UUID
    event: OrderEvent
    ticket_id: UUID
    queue: str
    facts: dict[str, object] = field(repr=False)
    created_at: datetime
    give_up_at: datetime
    url: str | None
    secret: str | None = field(repr=False)

    @property
    def webhook_id(self) -> str:
        """The same at every attempt: it tells a repeat."""
        return f"{self.offer_id}-{self.event}"


def order_message(state: RoutingState, made: d.Decision, item: WorkItem, now: datetime) -> OrderMessage | None:
    """What a decision about an item tells a partner, directly after it was done; None where nothing."""
    match made:
        case d.WorkOffered():
            return _offered(state, made, item, now)
        case d.WorkAssigned(offer_id=UUID() as offer_id):
            done_by = made.done_by.isoformat() if made.done_by else None
            return _message(state, item, made.agent_id, offer_id, OrderEvent.ACCEPTED, {"done_by": done_by}, now)
        case d.OfferEnded():
            reason = _REFUSED.get(made.state, made.reason)
            return _ended(state, item, made.agent_id, made.offer_id, reason, now)
        case d.WorkRequeued():
            return _ended(state, item, made.previous_agent_id, made.previous_offer_id, made.reason, now)
        case d.WorkCompleted():
            return _ended(state, item, item.agent_id, item.accepted_offer_id, "completed", now)
        case d.WorkCancelled():
            return _ended(state, item, item.agent_id, item.accepted_offer_id, made.reason, now)
        case _:
            return None


_REFUSED = {OfferState.DECLINED: "partner_declined", OfferState.EXPIRED: "partner_silent"}


def _offered(state: RoutingState, made: d.WorkOffered, item: WorkItem, now: datetime) -> OrderMessage | None:
    known = state.tickets[item.ticket_id].facts
    facts: dict[str, object] = {
        "priority": item.priority.value,
        "skills": dict(item.requirements.skills),
        "labels": dict(known.labels) if known else {},
        "answer_by": made.expires_at.isoformat(),
    }
    return _message(
        state, item, made.agent_id, made.offer_id, OrderEvent.OFFERED, facts, now, give_up_at=made.expires_at
    )


def _ended(
    state: RoutingState, item: WorkItem, agent_id: str | None, offer_id: UUID | None, reason: str, now: datetime
) -> OrderMessage | None:
    if agent_id is None or offer_id is None:
        return None
    return _message(state, item, agent_id, offer_id, OrderEvent.ENDED, {"reason": reason}, now)


def _message(
    state: RoutingState,
    item: WorkItem,
    agent_id: str,
    offer_id: UUID,
    event: OrderEvent,
    facts: dict[str, object],
    now: datetime,
    *,
    give_up_at: datetime | None = None,
) -> OrderMessage | None:
    queue = queue_of_partner(agent_id)
    if queue is None:
        return None
    partner = state.agents[agent_id].profile.partner
    return OrderMessage(
        workspace_id=state.workspace_id,
        offer_id=offer_id,
        event=event,
        ticket_id=item.ticket_id,
        queue=queue,
        facts=facts,
        created_at=now,
        give_up_at=give_up_at or now + _PATIENCE,
        url=partner.url if partner else None,
        secret=partner.secret if partner else None,
    )
