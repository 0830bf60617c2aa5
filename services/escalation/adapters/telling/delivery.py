"""What every way needs to make an attempt, and what comes of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.escalation.domain.digest import Digest
from services.escalation.domain.message import Message, Outcome
from services.escalation.domain.sla_policy import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message whose next attempt begins now.

    policies: as they are now; is_gone: its address has answered 410 before
    has_another_way: everybody in it can be told otherwise
    """

    message: Message
    digest: Digest
    policies: Policies
    is_gone: bool
    has_another_way: bool


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt that has ended."""

    delivery: Delivery
    outcome: Outcome
    took: timedelta


class Carrier(Protocol):
    """Takes messages to where they are meant to go."""

    async def send(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises ProviderUnavailable and EgressRefused."""
        ...
