"""Windows that roll with the time: the facts of the last minutes, and exact samples of their values."""

import heapq
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from services.metrics.domain.fact import MILLION, Fact, FactId
from services.metrics.domain.rollup import Series
from services.metrics.domain.sketch import rank_of


class Sample:
    """Values, sorted. Adding and taking out are a search and a move of memory."""

    __slots__ = ("total", "values")

    def __init__(self) -> None:
        self.values: list[int] = []
        self.total = 0

    def add(self, value: int) -> None:
        """One more."""
        insort(self.values, value)
        self.total += value

    def take(self, value: int) -> None:
        """One less."""
        del self.values[bisect_left(self.values, value)]
        self.total -= value

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.values)

    @property
    def minimum(self) -> int | None:
        """The least."""
        return self.values[0] if self.values else None

    @property
    def maximum(self) -> int | None:
        """The greatest."""
        return self.values[-1] if self.values else None

    def quantile(self, quantile: float) -> float:
        """The value of which a share of `quantile` lies below."""
        return self.values[int(rank_of(quantile, self.count))] / MILLION


class Rolling:
    """The facts that ended within `span` of now, in samples by what they count in."""

    def __init__(self, span: timedelta, now: datetime) -> None:
        self._span = span
        self._horizon = now - span
        self._facts: dict[FactId, Fact] = {}
        self._by_end: list[tuple[datetime, FactId]] = []
        self._samples: defaultdict[Series, Sample] = defaultdict(Sample)

    def sample(self, series: Series) -> Sample | None:
        """The values of a series; none while it has none."""
        return self._samples.get(series)

    def put(self, fact: Fact) -> None:
        """Adds a fact, or puts it in the place of what it was before. One that is too old is left out."""
        self.drop(fact.fact_id)
        if fact.ended_at < self._horizon:
            return
        self._facts[fact.fact_id] = fact
        heapq.heappush(self._by_end, (fact.ended_at, fact.fact_id))
        for series in series_of(fact):
            self._samples[series].add(fact.value)

    def drop(self, fact_id: FactId) -> Fact | None:
        """Takes a fact out, if it is in."""
        fact = self._facts.pop(fact_id, None)
        if fact is None:
            return None
        for series in series_of(fact):
            sample = self._samples[series]
            sample.take(fact.value)
            if not sample.values:
                del self._samples[series]
        return fact

    def advance(self, now: datetime) -> list[Fact]:
        """Moves on to a moment; the facts that are too old by then."""
        self._horizon = max(self._horizon, now - self._span)
        gone: list[Fact] = []
        while self._by_end and self._by_end[0][0] < self._horizon:
            ended_at, fact_id = heapq.heappop(self._by_end)
            fact = self._facts.get(fact_id)
            # A fact that was corrected stands here twice; only its own entry takes it out.
            if fact is not None and fact.ended_at == ended_at:
                self.drop(fact_id)
                gone.append(fact)
        return gone

    @property
    def start(self) -> datetime:
        """Since when facts are in."""
        return self._horizon

    def next_change_at(self) -> datetime | None:
        """When time alone will take the next fact out."""
        return self._by_end[0][0] + self._span if self._by_end else None


def series_of(fact: Fact) -> Iterator[Series]:
    """What a fact counts in."""
    for scope in fact.place.scopes():
        yield Series(scope, fact.kind, fact.aspect)
