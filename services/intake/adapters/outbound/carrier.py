"""What a provider has to be able to do."""

from datetime import datetime
from typing import Protocol

from services.intake.domain.outgoing import Outcome, Outgoing
from services.intake.domain.workspace import Channel


class Carrier(Protocol):
    """Hands messages to one kind of provider."""

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt, bounded in time. Whatever it raises counts as unknown, and is tried again."""
        ...
