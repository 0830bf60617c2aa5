"""How long until an item is served, with an honest interval."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.2815515655446004
"""A normal value lies within so many deviations of its mean with 80 %: 10 % below, 10 % above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """How long work of a queue took lately.

    count: how many items that is known of, at least one; deviation_s: none of a single one
    """

    count: int
    mean_s: float
    deviation_s: float | None

    @property
    def variability(self) -> float:
        """The squared coefficient of variation; of what is not known as of exponential durations, 1."""
        if self.deviation_s is None or not self.mean_s:
            return 1.0
        return (self.deviation_s / self.mean_s) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEstimate:
    """Seconds in the mean, and between which the wait lies in 8 of 10 cases."""

    mean_s: float
    low_s: float
    high_s: float


NO_WAIT = WaitEstimate(mean_s=0, low_s=0, high_s=0)


def wait_estimate(
    position: int, serving: float, handled: Handled | None, higher: float = 0.0
) -> WaitEstimate | None:
    """How long until the item in this position is given out; none where nobody serves or nothing was handled yet.

    position: 1 for the first in line; serving: how much is worked on at once
    higher: the share of that which work takes that comes before this however long this has waited; below 1

    Mean: E = p * h / (s * (1 - r)). Vectors, in minutes: s = 10, h = 6, p = 3: 1.8; with r = .4: 3.0.
    The wait is taken for the sum of p times between two completions, gamma distributed, with the variance

        Var = (p * m^2 / (1 - r)^2) * (c + r * (1 + c) / (1 - r)) + E^2 * C / n,   m = h / s

    - C is the squared coefficient of variation of durations, c that of the times between completions: near 1 where
      few completions of many agents are waited for, whatever the durations are like (superposition, Palm and
      Khinchin), near C in the long run. Between them by p / (p + s), as the QNA does (Whitt 1983).
    - With r the wait is the delay busy period of an M/G/1 queue (Conway, Maxwell, Miller 1967): what comes before
      keeps coming.
    - E^2 * C / n: durations are known from n items only.

    The interval is from the 10 % to the 90 % quantile, by Wilson and Hilferty's cube root (1931).
    """
    if serving <= 0 or handled is None or not 0 <= higher < 1:
        return None
    stage, free = handled.mean_s / serving, 1 - higher
    mean = position * stage / free
    if mean <= 0:
        return NO_WAIT
    weight = position / (position + serving)
    spread = 1 + weight * (handled.variability - 1)
    variance = position * (stage / free) ** 2 * (spread + higher * (1 + spread) / free)
    variance += mean**2 * handled.variability / handled.count
    shape = mean**2 / variance if variance else float("inf")
    return WaitEstimate(mean_s=mean, low_s=mean * _quantile(shape, -_Z), high_s=mean * _quantile(shape, _Z))


def _quantile(shape: float, deviations: float) -> float:
    """A quantile of the gamma distribution with mean 1, which a normal value so many deviations off gives."""
    third = 1 / (9 * shape)
    return max(0.0, 1 - third + deviations * sqrt(third)) ** 3
