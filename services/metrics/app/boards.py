"""The boards of one shard, and what the fold does to them once it is committed."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from services.metrics.app.board import Board
from services.metrics.app.configuration import WorkspaceSettings
from services.metrics.app.project_events import Projection
from services.metrics.domain.rollup import Cell, CellKey
from shared.wakeups import Wakeup


class Boards:
    """The workspaces of one shard that something is known of."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._boards: dict[str, Board] = {}
        self._bells: list[Wakeup] = []

    def ring(self, bell: Wakeup) -> None:
        """Rings this bell after every commit from now on."""
        self._bells.append(bell)

    def of(self, workspace_id: str, settings: WorkspaceSettings | None = None) -> Board:
        """A workspace's board; a new one where there is none yet."""
        board = self._boards.get(workspace_id)
        if board is None:
            board = self._boards[workspace_id] = Board(settings or WorkspaceSettings(), self._now())
        return board

    def configure(self, workspace_id: str, settings: WorkspaceSettings) -> None:
        """Other settings hold in a workspace from now on."""
        self.of(workspace_id).configure(settings)
        self._wake()

    def all(self) -> Iterator[tuple[str, Board]]:
        """Every workspace with its board."""
        yield from list(self._boards.items())

    def fold(self, projection: Projection) -> None:
        """Takes what a batch has changed. It is committed."""
        changes = projection.changes
        for fact in changes.removed:
            self.of(fact.workspace_id).drop_fact(fact)
        for fact in changes.added:
            self.of(fact.workspace_id).put_fact(fact)
        for key, (before, after) in changes.standings.items():
            self.of(key.workspace_id).gauges.move(key.ticket_id, before, after)
        for agent in projection.agents:
            self.of(agent.workspace_id).gauges.set_agent(agent)
        self.put_cells(projection.cells)

    def put_cells(self, cells: Mapping[CellKey, Cell]) -> None:
        """Takes rollups as they were written. They are committed."""
        for key, cell in cells.items():
            self.of(key.workspace_id).put_cell(key.series, key.bucket, cell)
        self._wake()

    def _wake(self) -> None:
        for bell in self._bells:
            bell.ring()
