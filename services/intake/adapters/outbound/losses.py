"""A message that will not arrive, as its ticket shows it."""

from uuid import UUID

from services.intake.adapters.happenings import Happening
from services.intake.app.ports import TicketKey
from services.intake.domain.message import DeliveryState

EVENT = "message.delivery_failed"
"""Of the timeline only: topics say nothing of deliveries."""


def loss(ticket: TicketKey, message_id: UUID, channel: str, state: DeliveryState) -> Happening:
    """What a ticket is told. Why it is lost stands on the message."""
    data = {"channel": channel, "state": state.value}
    return Happening(ticket=ticket, message_id=message_id, type=EVENT, data=data)
