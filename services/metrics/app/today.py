"""The rollup cells of the local day that it is, and what they come to."""

from collections import defaultdict
from datetime import datetime, timedelta

from services.metrics.domain.rollup import EMPTY, Cell, Series, merged

KEPT = timedelta(hours=26)
"""Longer than any local day: a change of the time zone finds its cells here."""


class Today:
    """Cells by series and bucket, as they are committed.

    The total of a day is the cells before its newest one, merged and remembered, and the newest one.
    """

    def __init__(self, start: datetime) -> None:
        self.start = start
        self._cells: defaultdict[Series, dict[datetime, Cell]] = defaultdict(dict)
        self._earlier: dict[Series, tuple[datetime, Cell]] = {}

    def put(self, series: Series, bucket: datetime, cell: Cell) -> bool:
        """Takes a cell as it is now. Whether it is one of today's."""
        if cell.count:
            self._cells[series][bucket] = cell
        else:
            self._cells[series].pop(bucket, None)
        remembered = self._earlier.get(series)
        if remembered is not None and bucket < remembered[0]:
            del self._earlier[series]
        return bucket >= self.start

    def total(self, series: Series) -> Cell:
        """What the series has come to since the day began."""
        cells = self._cells.get(series)
        newest = max(cells) if cells else None
        if not cells or newest is None or newest < self.start:
            return EMPTY
        remembered = self._earlier.get(series)
        if remembered is None or remembered[0] != newest:
            earlier = merged([cell for bucket, cell in cells.items() if self.start <= bucket < newest])
            remembered = self._earlier[series] = newest, earlier
        return merged([remembered[1], cells[newest]])

    def begin(self, start: datetime, now: datetime) -> list[Series]:
        """Another day begins, or the day turns out to begin elsewhere: all series that had cells."""
        self.start = start
        self._earlier.clear()
        known = list(self._cells)
        for series in known:
            kept = {bucket: cell for bucket, cell in self._cells.pop(series).items() if bucket >= now - KEPT}
            if kept:
                self._cells[series] = kept
        return known
