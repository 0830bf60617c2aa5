"""History: a KPI's value in each interval of a span, from rollups that merge exactly."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from services.metrics.app.ports import Counted, History
from services.metrics.domain.fact import Scope
from services.metrics.domain.intervals import Interval, Span, spans
from services.metrics.domain.kpi import FactMeasure, Selection, Value, all_facts, evaluate
from services.metrics.domain.rollup import Cell, merged

MAX_POINTS = 1000
_READ_AT_ONCE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Point:
    """One interval and its value."""

    span: Span
    value: Value


async def read_series(
    measure: FactMeasure,
    asked: Span,
    interval: Interval,
    zone: ZoneInfo,
    *,
    workspace_id: str,
    scopes: Sequence[Scope],
    history: History,
) -> tuple[list[Point], datetime | None]:
    """The whole intervals that a span touches, at most so many, and where the next one begins if there are more.

    scopes: in all of which a fact has to be
    """
    intervals: list[Span] = []
    for span in spans(asked, interval, zone):
        if len(intervals) == MAX_POINTS:
            return await _read(measure, intervals, workspace_id, scopes, history), span.start
        intervals.append(span)
    return await _read(measure, intervals, workspace_id, scopes, history), None


async def _read(
    measure: FactMeasure,
    intervals: Sequence[Span],
    workspace_id: str,
    scopes: Sequence[Scope],
    history: History,
) -> list[Point]:
    points: list[Point] = []
    for piece in _pieces(intervals):
        span = Span(piece[0].start, piece[-1].end)
        counted = await history.counted(workspace_id, all_facts(measure), span, scopes)
        points += _points(measure, piece, counted)
    return points


def _pieces(intervals: Sequence[Span]) -> Iterator[list[Span]]:
    """As many intervals at a time as are read with one statement."""
    for _, piece in groupby(intervals, key=lambda span: (span.start - intervals[0].start) // _READ_AT_ONCE):
        yield list(piece)


def _points(measure: FactMeasure, intervals: Sequence[Span], counted: Sequence[Counted]) -> Iterator[Point]:
    starts = [span.start for span in intervals]
    parts: list[list[Counted]] = [[] for _ in intervals]
    for item in counted:
        parts[bisect_right(starts, item.bucket) - 1].append(item)
    for span, part in zip(intervals, parts, strict=True):
        yield Point(span, evaluate(measure, partial(_selected, part)))


def _selected(counted: Sequence[Counted], selection: Selection) -> Cell:
    return merged(
        [item.cell for item in counted if item.kind is selection.kind and selection.aspect in (None, item.aspect)]
    )
