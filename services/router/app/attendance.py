"""Which agents have a stream open in this process: what the engine is told of it."""

from collections import Counter
from collections.abc import Callable

from services.router.app.command import Command
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.events.envelope import Cause
from shared.http.idempotency import Answer


class Attendance:
    """Counts the streams of agents.

    The engine is told how it is when its turn comes, not what changed: whatever is lost on the way, as with a
    commit that fails, is right again after the next roll call.
    """

    def __init__(self) -> None:
        self._streams: Counter[tuple[str, str]] = Counter()

    def come(self, workspace_id: str, agent_id: str) -> None:
        """One stream more."""
        self._streams[workspace_id, agent_id] += 1

    def leave(self, workspace_id: str, agent_id: str) -> None:
        """One stream less."""
        self._streams[workspace_id, agent_id] -= 1
        if not self._streams[workspace_id, agent_id]:
            del self._streams[workspace_id, agent_id]

    def look(self, workspace_id: str, agent_id: str) -> Command:
        """Tells the engine whether an agent has a stream."""

        def make(_: RoutingState) -> inputs.Input:
            if (workspace_id, agent_id) in self._streams:
                return inputs.Connected(agent_id=agent_id)
            return inputs.Disconnected(agent_ids=(agent_id,))

        return _command(workspace_id, make)

    def roll_call(self, state: RoutingState) -> Command | None:
        """Tells the engine, when it begins, who of those who had a stream has none here; none where nobody."""

        def missing(state: RoutingState) -> tuple[str, ...]:
            agents = sorted(state.agents.items())
            return tuple(
                name
                for name, agent in agents
                if agent.is_connected and (state.workspace_id, name) not in self._streams
            )

        if not missing(state):
            return None
        return _command(state.workspace_id, lambda now: inputs.Disconnected(agent_ids=missing(now)))


def _command(workspace_id: str, make: Callable[[RoutingState], inputs.Input]) -> Command:
    return Command(workspace_id=workspace_id, cause=Cause(), make=make, answer=lambda _: Answer(204, b""))
