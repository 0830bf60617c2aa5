"""Facts and boards with dull defaults."""

from datetime import UTC, datetime, timedelta

from services.metrics.app.board import Board
from services.metrics.app.configuration import WorkspaceSettings
from services.metrics.domain.fact import MILLION, Fact, FactKind, Place
from tests.scribe import uid

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


def a_fact(
    name: str,
    *,
    age: timedelta = timedelta(minutes=1),
    seconds: int = 60,
    kind: FactKind = FactKind.FIRST_REPLIED,
    aspect: str = "",
    queue: str | None = "billing",
) -> Fact:
    return Fact(
        workspace_id="acme",
        ticket_id=uid(name),
        event_id=uid(f"{name}/event"),
        kind=kind,
        aspect=aspect,
        place=Place(queue=queue),
        value=seconds * MILLION,
        started_at=NOW - age - timedelta(seconds=seconds),
        ended_at=NOW - age,
    )


def a_board(settings: WorkspaceSettings | None = None) -> Board:
    return Board(settings or WorkspaceSettings(), NOW)
