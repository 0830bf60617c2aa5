"""Gives a workspace's engine again what it was given: the same decisions follow, or something is different."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.app.configuration import RouterPart, to_configuration
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.engine import run
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Ticket
from shared.ids import SeededIds


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInput:
    """An input as it was logged.

    brought: its ticket as its row was, where the engine's memory did not have it
    decisions: how many about work followed; none where a release logged it that did not count
    """

    input_id: int
    decided_at: datetime
    seed: bytes
    current: inputs.Input
    brought: Ticket | None
    decisions: int | None


def blank(workspace_id: str) -> RoutingState:
    """A workspace in which nothing has happened yet."""
    return RoutingState(workspace_id, to_configuration(0, RouterPart()))


class Rerun:
    """An engine that is given recorded inputs in their order.

    state: as it was before the first of them
    """

    def __init__(self, state: RoutingState) -> None:
        self.state = state
        self._at: datetime | None = None
        self._brought: set[UUID] = set()

    def feed(self, recorded: RecordedInput) -> Iterator[d.Decision]:
        """What follows from an input: each decision is given when it has been done.

        Raises DomainError where it is refused, which it was not when it was recorded.
        """
        if recorded.decided_at != self._at:
            # What one commit decided at one time had all of its tickets in memory.
            self.state.forget(self._brought)
            self._brought.clear()
            self._at = recorded.decided_at
        if recorded.brought is not None:
            self.state.tickets[recorded.brought.ticket_id] = recorded.brought
            self._brought.add(recorded.brought.ticket_id)
        ids = SeededIds(recorded.seed, recorded.decided_at)
        yield from run(self.state, recorded.current, recorded.decided_at, ids)
