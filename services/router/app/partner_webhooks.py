"""What is posted to a partner, and the links in it."""

import json
from dataclasses import dataclass
from uuid import UUID

from services.router.app.work_orders import OrderEvent, OrderMessage
from shared.link_tokens import LinkTokens

PATH = "/v1/work-orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLinks:
    """Makes the links of work orders. base_url: where the world reaches this service"""

    tokens: LinkTokens
    base_url: str

    def of(self, workspace_id: str, offer_id: UUID) -> dict[str, str]:
        """Whoever has them answers for the partner."""
        page = f"{self.base_url.rstrip('/')}{PATH}/{self.tokens.issue(workspace_id, offer_id)}"
        return {
            "page_url": page,
            **{f"{action}_url": f"{page}/{action}" for action in ("accept", "decline", "complete")},
        }


def body_of(message: OrderMessage, links: OrderLinks) -> bytes:
    """What is posted, the same at every attempt."""
    data: dict[str, object] = {
        "work_order_id": str(message.offer_id),
        "workspace": message.workspace_id,
        "ticket_id": str(message.ticket_id),
        "queue": message.queue,
        **message.facts,
    }
    if message.event is not OrderEvent.ENDED:
        data |= links.of(message.workspace_id, message.offer_id)
    kind, timestamp = f"work_order.{message.event}", message.created_at.isoformat()
    return json.dumps({"type": kind, "timestamp": timestamp, "data": data}, separators=(",", ":")).encode()
