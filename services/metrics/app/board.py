"""The numbers of one workspace as they are now, in memory: what the fold has committed, and what time does to it.

Every change is noted by scope and source, so that whoever watches evaluates only what can have changed.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.metrics.app.configuration import WorkspaceSettings
from services.metrics.app.gauges import Gauges
from services.metrics.app.rolling import Rolling, Sample
from services.metrics.app.today import KEPT, Today
from services.metrics.domain.fact import WHOLE, Dimension, Fact, FactKind, Scope
from services.metrics.domain.intervals import day_start
from services.metrics.domain.kpi import (
    AGE,
    Oldest,
    Population,
    Present,
    Selection,
    Value,
    Variant,
    Window,
    evaluate,
    observe,
)
from services.metrics.domain.rollup import EMPTY, Cell, Series, Summary, merged

SPANS = {
    Window.MINUTES_5: timedelta(minutes=5),
    Window.MINUTES_15: timedelta(minutes=15),
    Window.MINUTES_60: timedelta(minutes=60),
}
LONGEST_SPAN = max(SPANS.values())


@dataclass(frozen=True, slots=True)
class _GaugesOf:
    """The gauges of one scope."""

    gauges: Gauges
    scope: Scope

    def present(self, population: Population, states: frozenset[str] | None) -> int:
        return self.gauges.present(self.scope, population, states)

    def oldest(self, _: Population) -> datetime | None:
        return self.gauges.oldest_wait(self.scope)


class Board:
    """One workspace. It moves forward only: `advance` before reading."""

    def __init__(self, settings: WorkspaceSettings, now: datetime) -> None:
        self.settings = settings
        self.version = 0
        self.generation = 0
        """Rises when whoever watches has to look at everything anew."""
        self.gauges = Gauges(self._touch)
        self._now = now
        self._rolling = {window: Rolling(span, now) for window, span in SPANS.items()}
        self._today = Today(day_start(now, settings.zone))
        self._tomorrow = self._next_day(now)
        self._aspects: defaultdict[FactKind, set[str]] = defaultdict(set)
        self._members: defaultdict[Dimension, dict[str, None]] = defaultdict(dict)
        self._log: OrderedDict[tuple[Scope, str], int] = OrderedDict()
        self._members[Dimension.WORKSPACE][WHOLE.member] = None
        self._take_settings()

    # --- what happens -------------------------------------------------------------------------------------

    def configure(self, settings: WorkspaceSettings) -> None:
        """Other settings hold from now on."""
        self.settings = settings
        self._take_settings()
        self._begin_day(self._now)

    def put_fact(self, fact: Fact) -> None:
        """A fact came or changed."""
        if fact.ended_at < self._now - LONGEST_SPAN:
            return
        self._aspects[fact.kind].add(fact.aspect)
        for rolling in self._rolling.values():
            rolling.put(fact)
        self._touch_all(fact)

    def drop_fact(self, fact: Fact) -> None:
        """A fact never was."""
        dropped = [rolling.drop(fact.fact_id) for rolling in self._rolling.values()]
        if any(dropped):
            self._touch_all(fact)

    def put_cell(self, series: Series, bucket: datetime, cell: Cell) -> None:
        """A rollup was written."""
        if bucket < self._now - KEPT:
            return
        self._aspects[series.kind].add(series.aspect)
        if self._today.put(series, bucket, cell):
            self._touch(series.scope, series.kind)

    def advance(self, now: datetime) -> None:
        """Time passes: windows roll, days begin."""
        self._now = max(self._now, now)
        for rolling in self._rolling.values():
            for fact in rolling.advance(self._now):
                self._touch_all(fact)
        if self._now >= self._tomorrow:
            self._begin_day(self._now)

    def age(self) -> None:
        """Whatever waits has waited longer."""
        for scope in self.gauges.scopes_with_waiting():
            self._touch(scope, AGE)

    def next_change_at(self) -> datetime:
        """When time alone will change a value of a window."""
        ends = [at for rolling in self._rolling.values() if (at := rolling.next_change_at())]
        return min([*ends, self._tomorrow])

    # --- what is seen -------------------------------------------------------------------------------------

    def value(self, variant: Variant, window: Window, scope: Scope) -> Value:
        """The value of a KPI, as of the last `advance`."""
        measure = variant.measure
        if isinstance(measure, Present | Oldest):
            return observe(measure, _GaugesOf(self.gauges, scope), self._now)
        return evaluate(measure, lambda selection: self._summary(window, scope, selection))

    def window_start(self, window: Window) -> datetime:
        """Since when facts are in a window."""
        return self._today.start if window is Window.TODAY else self._rolling[window].start

    def members(self, dimension: Dimension) -> Iterable[str]:
        """The members of a dimension that are known: by the configuration, or because something happened there."""
        return self._members[dimension]

    def changed_since(self, version: int) -> Iterator[tuple[Scope, str]]:
        """What has been touched since then: scope and source."""
        for touched, at in reversed(self._log.items()):
            if at <= version:
                return
            yield touched

    # --- the parts ----------------------------------------------------------------------------------------

    def _summary(self, window: Window, scope: Scope, selection: Selection) -> Summary:
        aspects = self._aspects[selection.kind] if selection.aspect is None else (selection.aspect,)
        found: list[Cell | Sample] = []
        for aspect in aspects:
            part = self._part(window, Series(scope, selection.kind, aspect))
            if part is not None and part.count:
                found.append(part)
        if not found:
            return EMPTY
        if len(found) == 1:
            return found[0]
        return merged([part if isinstance(part, Cell) else Cell.of(part.values) for part in found])

    def _part(self, window: Window, series: Series) -> Cell | Sample | None:
        if window is Window.TODAY:
            return self._today.total(series)
        return self._rolling[window].sample(series)

    def _take_settings(self) -> None:
        self.gauges.configure(self.settings.roster)
        for queue in self.settings.queues:
            self._members[Dimension.QUEUE].setdefault(queue)
        for agent_id in sorted(self.settings.roster):
            self._members[Dimension.AGENT].setdefault(agent_id)
        self.generation += 1

    def _begin_day(self, now: datetime) -> None:
        self._tomorrow = self._next_day(now)
        for series in self._today.begin(day_start(now, self.settings.zone), now):
            self._touch(series.scope, series.kind)

    def _next_day(self, now: datetime) -> datetime:
        return day_start(day_start(now, self.settings.zone) + KEPT, self.settings.zone)

    def _touch_all(self, fact: Fact) -> None:
        for scope in fact.place.scopes():
            self._touch(scope, fact.kind)

    def _touch(self, scope: Scope, source: str) -> None:
        self.version += 1
        self._members[scope.dimension].setdefault(scope.member)
        key = (scope, source)
        self._log[key] = self.version
        self._log.move_to_end(key)
