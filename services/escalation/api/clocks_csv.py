"""A ticket's clocks as a table: a line for each stretch of time in which one of them stood alike."""

import csv
from collections.abc import Iterable
from io import StringIO

from services.escalation.api.clock_schemas import ClockView, SegmentView

_OF_CLOCK = ("clock_id", "agreement", "metric", "state")
_OF_SEGMENT = tuple(name for name in SegmentView.model_fields if name != "hours")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
"""How a cell begins that spreadsheets take for a formula."""


def clocks_csv(clocks: Iterable[ClockView]) -> str:
    """RFC 4180, with a header. Instants are UTC, durations seconds."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow((*_OF_CLOCK, *_OF_SEGMENT, "hours"))
    for clock in clocks:
        known = clock.model_dump(mode="json", include=set(_OF_CLOCK))
        for segment in clock.segments:
            told = segment.model_dump(mode="json")
            hours = " ".join(f"{item['starts_at']}/{item['ends_at']}" for item in told["hours"])
            cells = [*(known[name] for name in _OF_CLOCK), *(told[name] for name in _OF_SEGMENT), hours]
            writer.writerow(map(_safe, cells))
    return text.getvalue()


def _safe(cell: object) -> object:
    """A text that nobody's spreadsheet takes for a formula; numbers as they are."""
    if not isinstance(cell, str):
        return cell
    bare = cell.lstrip(' "\ufeff')
    return f"'{cell}" if bare.startswith(_FORMULA) else cell
