"""When something is next due in any of a shard's workspaces."""

from collections.abc import Mapping
from datetime import datetime
from heapq import heappop, heappush

from services.router.domain.due import next_due_at
from services.router.domain.state import RoutingState


class Alarms:
    """The earliest timers of many workspaces: early rather than late."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._standing: dict[str, datetime] = {}
        """The earliest alarm of each workspace: others of it have been overtaken."""

    def next_at(self) -> datetime | None:
        """When the next timer of any workspace may be due."""
        return self._heap[0][0] if self._heap else None

    def ring(self, states: Mapping[str, RoutingState], now: datetime) -> set[str]:
        """Workspaces in which a timer is due. Their alarms are gone until they are armed again."""
        due: set[str] = set()
        while self._heap and self._heap[0][0] <= now:
            rung_at, workspace_id = heappop(self._heap)
            if self._standing.get(workspace_id) != rung_at:
                continue
            del self._standing[workspace_id]
            state = states[workspace_id]
            if is_due(state, now):
                due.add(workspace_id)
            else:
                self.arm(state)
        return due

    def arm(self, state: RoutingState) -> None:
        """Rings for a workspace no later than its next timer."""
        at, standing = next_due_at(state), self._standing.get(state.workspace_id)
        if at is not None and (standing is None or at < standing):
            self._standing[state.workspace_id] = at
            heappush(self._heap, (at, state.workspace_id))


def is_due(state: RoutingState, now: datetime) -> bool:
    """Whether a timer of the workspace is due."""
    at = next_due_at(state)
    return at is not None and at <= now
