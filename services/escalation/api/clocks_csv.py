"""A ticket's clocks as a table: a line for each stretch of time in which one of them stood alike."""

import csv
from collections.abc import Iterable
from io import StringIO

from services.escalation.api.clock_schemas import ClockView, SegmentView

_OF_CLOCK = ("clock_id", "agreement", "metric", "state")
_OF_SEGMENT = tuple(name for name in SegmentView.model_fields if name != "hours")


def clocks_csv(clocks: Iterable[ClockView]) -> str:
    """RFC 4180, with a header. Instants are UTC, durations seconds.

    Every text in it is an id, a name of ours or a slug: none that a spreadsheet takes for a formula.
    """
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow((*_OF_CLOCK, *_OF_SEGMENT, "hours"))
    for clock in clocks:
        known = clock.model_dump(mode="json", include=set(_OF_CLOCK))
        for segment in clock.segments:
            told = segment.model_dump(mode="json")
            hours = " ".join(f"{item['starts_at']}/{item['ends_at']}" for item in told["hours"])
            cells = [*(known[name] for name in _OF_CLOCK), *(told[name] for name in _OF_SEGMENT), hours]
            writer.writerow(cells)
    return text.getvalue()
