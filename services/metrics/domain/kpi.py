"""What a KPI is: a name, a version, a unit, and one measure per variant, computed from facts or from gauges."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.metrics.domain.fact import MILLION, FactKind
from services.metrics.domain.rollup import Summary


class Unit(StrEnum):
    """What a value counts."""

    TICKETS = "tickets"
    BREACHES = "breaches"
    AGENTS = "agents"
    SECONDS = "seconds"
    PERCENT = "percent"
    POINTS = "points"


class Window(StrEnum):
    """Over which time a value is taken. Gauges have `now` and no other."""

    NOW = "now"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    MINUTES_60 = "60m"
    TODAY = "today"


class Population(StrEnum):
    """What gauges count."""

    BACKLOG = "backlog"
    WAITING = "waiting"
    AGENTS = "agents"


AGE = "age"
"""What has changed whenever time passes while something waits."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Facts of one kind; of one aspect, or of all."""

    kind: FactKind
    aspect: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many facts there are."""

    facts: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of the facts' values."""

    facts: Selection


@dataclass(frozen=True, slots=True)
class Percentile:
    """The value of which so many per cent of the facts' values lie below."""

    facts: Selection
    percent: int


@dataclass(frozen=True, slots=True)
class Share:
    """Facts that hit, as a share of those that could have. The hits are among `of`."""

    hits: tuple[Selection, ...]
    of: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class Net:
    """Facts that speak for us less those that speak against us, as a share of all. Both are among `of`."""

    plus: tuple[Selection, ...]
    minus: tuple[Selection, ...]
    of: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """How many members a population has now; those in some states, or all."""

    population: Population
    states: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Oldest:
    """For how long the first of a population has been in it."""

    population: Population


FactMeasure = Count | Mean | Percentile | Share | Net
GaugeMeasure = Present | Oldest
Measure = FactMeasure | GaugeMeasure


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A definition. Whoever changes what it counts gives it a new version.

    variants: by the suffix after the dot; the definition itself is `measure`
    headline: the variants that are shown where nobody asks for particular ones
    """

    name: str
    version: int
    unit: Unit
    description: str
    measure: Measure
    variants: Mapping[str, Measure] = field(default_factory=dict)
    headline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One number that can be asked for by its wire name."""

    name: str
    kpi: Kpi
    measure: Measure

    @property
    def is_gauge(self) -> bool:
        """Whether it only has a present value."""
        return isinstance(self.measure, GaugeMeasure)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that it has values for."""
        return (Window.NOW,) if self.is_gauge else _ROLLING

    @property
    def sources(self) -> frozenset[str]:
        """What its value changes with: kinds of facts, populations, time."""
        match self.measure:
            case Present(population=population):
                return frozenset({population})
            case Oldest(population=population):
                return frozenset({population, AGE})
            case measure:
                return frozenset(selection.kind for selection in all_facts(measure))


_ROLLING = tuple(window for window in Window if window is not Window.NOW)


def all_facts(measure: FactMeasure) -> tuple[Selection, ...]:
    """The facts behind a number: of a share, its denominator."""
    match measure:
        case Count(facts=facts):
            return facts
        case Share(of=of) | Net(of=of):
            return of
        case Mean(facts=selection) | Percentile(facts=selection):
            return (selection,)


def hits_of(measure: FactMeasure) -> tuple[Selection, ...]:
    """Of a share, the facts of its numerator; of anything else, all."""
    return measure.hits if isinstance(measure, Share) else all_facts(measure)


def variants_of(kpi: Kpi) -> Iterable[Variant]:
    """Every number that a definition gives."""
    yield Variant(name=kpi.name, kpi=kpi, measure=kpi.measure)
    for suffix, measure in kpi.variants.items():
        yield Variant(name=f"{kpi.name}.{suffix}", kpi=kpi, measure=measure)


@dataclass(frozen=True, slots=True)
class Value:
    """What a KPI comes to, in its unit. None where nothing was measured: never 0, never 100 %.

    samples: how many facts stand behind it; none for gauges
    """

    value: float | None
    samples: int | None = None


Facts = Callable[[Selection], Summary]
"""All facts of a selection, summed up."""


def evaluate(measure: FactMeasure, facts: Facts) -> Value:
    """The value of a measure over some facts."""
    match measure:
        case Count(facts=selections):
            count = sum(facts(selection).count for selection in selections)
            return Value(count, count)
        case Mean(facts=selection):
            summary = facts(selection)
            return Value(summary.total / summary.count / MILLION if summary.count else None, summary.count)
        case Percentile(facts=selection, percent=percent):
            summary = facts(selection)
            return Value(summary.quantile(percent / 100) if summary.count else None, summary.count)
        case Share(hits=hits, of=of):
            total = sum(facts(selection).count for selection in of)
            hit = sum(facts(selection).count for selection in hits)
            return Value(100 * hit / total if total else None, total)
        case Net(plus=plus, minus=minus, of=of):
            total = sum(facts(selection).count for selection in of)
            good = sum(facts(selection).count for selection in plus)
            bad = sum(facts(selection).count for selection in minus)
            return Value(100 * (good - bad) / total if total else None, total)


class Gauges(Protocol):
    """The populations of one scope."""

    def present(self, population: Population, states: frozenset[str] | None) -> int:
        """How many members there are in these states."""
        ...

    def oldest(self, population: Population) -> datetime | None:
        """Since when the first member has been there."""
        ...


def observe(measure: GaugeMeasure, gauges: Gauges, now: datetime) -> Value:
    """The present value of a gauge."""
    match measure:
        case Present(population=population, states=states):
            return Value(gauges.present(population, states))
        case Oldest(population=population):
            since = gauges.oldest(population)
            return Value(None if since is None else max(0.0, (now - since).total_seconds()))
