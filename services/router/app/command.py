"""What somebody asks of a workspace's engine."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.router.app.configuration import RouterPart
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.events.envelope import Cause
from shared.http.idempotency import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An input that is yet to be made, and its answer.

    make: the input, made when its turn comes; may refuse with a DomainError
    answer: what is answered, from the state directly after
    offer: the offer that it is about, and whose it would be, or none for whosever
    part: the whole configuration, where the input brings one; by: who brings it
    """

    workspace_id: str
    cause: Cause
    make: Callable[[RoutingState], inputs.Input]
    answer: Callable[[RoutingState], Answer]
    offer: tuple[UUID, str | None] | None = None
    part: RouterPart | None = None
    by: str = ""
