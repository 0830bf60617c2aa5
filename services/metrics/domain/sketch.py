"""DDSketch: percentiles with a relative error of at most 1 %, exact under merging and subtraction.

Source: Masson, Rim, Lee, "DDSketch" (VLDB 2019): bin i holds g^(i-1) < x <= g^i with g = (1 + a) / (1 - a);
its estimate 2 g^i / (g + 1) is within a of everything in it. Plain bins without a bound on their number:
one second to a month needs 743.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, log

ALPHA = 0.01
_GAMMA = (1 + ALPHA) / (1 - ALPHA)
_LOG_GAMMA = log(_GAMMA)


def index_of(value: float) -> int:
    """The bin of a value > 0. Vectors: 7.5 -> 101, 90 -> 225, 3600 -> 410."""
    return ceil(log(value) / _LOG_GAMMA)


def estimate(index: int) -> float:
    """What a bin says of its values. Vectors: 101 -> 7.4634, 225 -> 89.1303, 410 -> 3605.526."""
    return float(2 * _GAMMA**index / (_GAMMA + 1))


def rank_of(quantile: float, count: int) -> float:
    """Which of `count` sorted values, from 0, is the quantile; the lower one where it falls between two."""
    return quantile * (count - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """How often each bin was hit. Values are >= 0; zero has a bin of its own."""

    zeros: int = 0
    bins: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sketch":
        """The sketch of some values."""
        zeros = 0
        bins: Counter[int] = Counter()
        for value in values:
            if value > 0:
                bins[index_of(value)] += 1
            else:
                zeros += 1
        return cls(zeros=zeros, bins=dict(bins))

    @property
    def count(self) -> int:
        """How many values it has seen."""
        return self.zeros + sum(self.bins.values())

    def plus(self, other: "Sketch") -> "Sketch":
        """The sketch of both sets of values."""
        return Sketch(zeros=self.zeros + other.zeros, bins=_summed(self.bins, other.bins, 1))

    def minus(self, other: "Sketch") -> "Sketch":
        """The sketch without values that it has seen. Raises ValueError for values that it has not."""
        left = Sketch(zeros=self.zeros - other.zeros, bins=_summed(self.bins, other.bins, -1))
        if left.zeros < 0 or any(count < 0 for count in left.bins.values()):
            raise ValueError("the sketch has not seen these values")
        return left

    def quantile(self, quantile: float) -> float:
        """The value of which a share of `quantile`, 0 to 1, lies below. There must be values."""
        count = self.count
        if not count:
            raise ValueError("an empty sketch has no quantiles")
        rank = rank_of(quantile, count)
        seen = self.zeros
        if seen > rank:
            return 0.0
        for index in sorted(self.bins):
            seen += self.bins[index]
            if seen > rank:
                return estimate(index)
        raise AssertionError("the last bin holds the last value")


def _summed(left: Mapping[int, int], right: Mapping[int, int], sign: int) -> dict[int, int]:
    result = dict(left)
    for index, count in right.items():
        result[index] = result.get(index, 0) + sign * count
        if result[index] == 0:
            del result[index]
    return result
