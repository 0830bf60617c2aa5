"""A message that will not arrive, as its ticket shows it."""

from uuid import UUID

from services.intake.adapters.happenings import Happening
from services.intake.app.ports import TicketKey
from services.intake.domain.progress import Progress

EVENT = "message.delivery_failed"
"""Of the timeline only: topics say nothing of deliveries."""


def loss(ticket: TicketKey, message_id: UUID, channel: str, progress: Progress) -> Happening:
    """What a ticket is told."""
    data = {"channel": channel, "state": progress.state.value, "reason": progress.reason}
    return Happening(ticket=ticket, message_id=message_id, type=EVENT, data=data)
