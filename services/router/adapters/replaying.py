"""Replays a workspace's record and compares what is decided with what was."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Protocol
from uuid import UUID

from services.router.adapters.recorded import Place, RecordedDecision
from services.router.adapters.rows import WORK_DECISIONS, record_of
from services.router.app.people import RecordedStep
from services.router.app.replay import RecordedInput, Rerun
from services.router.domain import decision as d
from services.router.domain.state import RoutingState
from shared.errors import DomainError


class Record(Protocol):
    """What is replayed: `Recording`."""

    def inputs(self, after: int, until: int) -> AsyncIterator[RecordedInput]:
        """Inputs in their order. after, until: ids, the last one included."""
        ...

    def decisions(self, after: int, until: int) -> AsyncIterator[RecordedDecision]:
        """Decisions in their order. after, until: ids, the last one included."""
        ...


Progress = Callable[[int, datetime], None]
"""Told now and then: how many inputs have been read, and up to when."""

_EVERY = 1_000

Decided = tuple[str, UUID | None, dict[str, object]]
"""A decision's kind, work item and record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One decision that is another than the recorded one; none where only one side decided anything.

    input_id, kind: of the input; none where what is recorded follows from none
    refusal: why the input is refused now
    """

    input_id: int | None
    kind: str | None
    decided_at: datetime
    recorded: Decided | None
    replayed: Decided | None
    refusal: str | None = None


@dataclass(slots=True)
class Comparison:
    """What a replay has found. Of the differences the first few are kept."""

    inputs: int = 0
    tickets: set[UUID] = field(default_factory=set)
    decisions: int = 0
    differing: int = 0
    first: list[Difference] = field(default_factory=list)
    until: datetime | None = None

    @property
    def is_same(self) -> bool:
        """Whether everything was decided as it was."""
        return not self.differing

    def note(self, difference: Difference, most: int) -> None:
        """Counts a difference."""
        self.differing += 1
        if len(self.first) < most:
            self.first.append(difference)


async def replay(
    recording: Record,
    state: RoutingState,
    after: Place,
    until: Place,
    *,
    to: datetime | None = None,
    most: int = 10,
    progress: Progress = lambda *_: None,
) -> Comparison:
    """Runs the recorded inputs between two places again, from the state that was at the first of them.

    to: nothing later; most: differences that are kept
    Decisions that are left when all inputs have been read differ from what is decided now: nothing is.
    """
    stored = _Stored(recording.decisions(after.decision_id, until.decision_id))
    rerun = Rerun(state)
    found = Comparison()
    async for recorded, expected in _pairs(recording, stored, after, until, to):
        made, refusal = _again(rerun, recorded)
        found.inputs += 1
        found.decisions += len(expected)
        found.tickets.update(decision.ticket_id for decision in expected)
        found.until = recorded.decided_at
        for difference in _differences(recorded, expected, made, refusal):
            found.note(difference, most)
        if found.inputs % _EVERY == 0:
            progress(found.inputs, recorded.decided_at)
    if to is None:
        async for row in stored.rest():
            found.decisions += 1
            found.note(_unexplained(row), most)
    return found


async def read_run(
    recording: Record,
    after: Place,
    until: Place,
    *,
    to: datetime | None = None,
    progress: Progress = lambda *_: None,
) -> list[RecordedStep]:
    """The recorded inputs between two places, each with the decisions about work that followed."""
    run: list[RecordedStep] = []
    stored = _Stored(recording.decisions(after.decision_id, until.decision_id))
    async for recorded, rows in _pairs(recording, stored, after, until, to):
        run.append((recorded, [WORK_DECISIONS[row.kind].validate_python(row.record) for row in rows]))
        if len(run) % _EVERY == 0:
            progress(len(run), recorded.decided_at)
    return run


async def _pairs(
    recording: Record, stored: "_Stored", after: Place, until: Place, to: datetime | None
) -> AsyncIterator[tuple[RecordedInput, list[RecordedDecision]]]:
    async for recorded in recording.inputs(after.input_id, until.input_id):
        if to is not None and recorded.decided_at > to:
            return
        yield recorded, await stored.of(recorded)


class _Stored:
    """The recorded decisions, input by input."""

    def __init__(self, rows: AsyncIterator[RecordedDecision]) -> None:
        self._rows = rows
        self._next: RecordedDecision | None = None

    async def of(self, recorded: RecordedInput) -> list[RecordedDecision]:
        """Those that followed from the input; without their count, those of its time."""
        taken: list[RecordedDecision] = []
        while recorded.decisions is None or len(taken) < recorded.decisions:
            row = self._next or await anext(self._rows, None)
            self._next = None
            if row is None:
                break
            if recorded.decisions is None and row.decided_at != recorded.decided_at:
                self._next = row
                break
            taken.append(row)
        return taken

    async def rest(self) -> AsyncIterator[RecordedDecision]:
        """Those that no input has accounted for."""
        if self._next is not None:
            yield self._next
            self._next = None
        async for row in self._rows:
            yield row


def _again(rerun: Rerun, recorded: RecordedInput) -> tuple[list[d.Decision], str | None]:
    """What is decided about work now, and why the input is refused, if so."""
    try:
        return [made for made in rerun.feed(recorded) if type(made).__name__ in WORK_DECISIONS], None
    except DomainError as refusal:
        return [], str(refusal)


def _differences(
    recorded: RecordedInput, expected: Iterable[RecordedDecision], made: Iterable[d.Decision], refusal: str | None
) -> list[Difference]:
    found = []
    for before, now in zip_longest(map(_stored, expected), map(_decided, made)):
        if before != now and (before is None or _renewed(before) != now):
            found.append((before, now))
    if refusal is not None and not found:
        found.append((None, None))
    return [
        Difference(
            input_id=recorded.input_id,
            kind=type(recorded.current).__name__,
            decided_at=recorded.decided_at,
            recorded=before,
            replayed=now,
            refusal=refusal,
        )
        for before, now in found
    ]


def _unexplained(row: RecordedDecision) -> Difference:
    return Difference(input_id=None, kind=None, decided_at=row.decided_at, recorded=_stored(row), replayed=None)


def _stored(row: RecordedDecision) -> Decided:
    return row.kind, row.work_id, row.record


def _decided(made: d.Decision) -> Decided:
    return type(made).__name__, getattr(made, "work_id", None), record_of(made)


def _renewed(stored: Decided) -> Decided:
    """A recorded decision as this release writes it: with fields that the one which recorded it did not have."""
    kind, work_id, record = stored
    return kind, work_id, record_of(WORK_DECISIONS[kind].validate_python(record))
