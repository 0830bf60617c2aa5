"""What a measurement results in: figures, each with the value that every round gave."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Say = Callable[[str], None]
"""Tells whoever waits what goes on."""


@dataclass(frozen=True)
class Figure:
    """One quantity. The median over the rounds stands for it; the lowest and highest are its spread."""

    what: str
    unit: str
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def shown(self) -> str:
        """The median with its unit."""
        return f"{number(self.median)} {self.unit}".rstrip()

    @property
    def spread(self) -> str:
        """The lowest and the highest of the rounds."""
        return f"{number(min(self.rounds))} to {number(max(self.rounds))}"


@dataclass(frozen=True)
class Section:
    """One measurement: how it was made, and its figures."""

    title: str
    how: Sequence[str]
    figures: Sequence[Figure] = field(default=())


@dataclass(frozen=True)
class Effort:
    """How much is measured. `quick` is for trying out: its figures mean little."""

    rounds: int = 3
    is_quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """One number or the other."""
        return quick if self.is_quick else full


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def number(value: float) -> str:
    """About three significant digits, thousands grouped."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
