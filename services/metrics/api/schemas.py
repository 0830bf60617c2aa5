"""Metrics' requests and answers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.metrics.app.outbound import scope_of
from services.metrics.app.ports import Behind
from services.metrics.app.read_series import Point
from services.metrics.app.rebuild import Comparison, Difference
from services.metrics.app.watch import Key
from services.metrics.domain.definitions import VARIANTS
from services.metrics.domain.fact import MILLION
from services.metrics.domain.intervals import Interval
from services.metrics.domain.kpi import Kpi, Unit, Value, Window
from shared.http.types import Instant, Request


class Definition(BaseModel):
    """What a KPI means. Whatever changes its numbers changes its version."""

    name: str
    version: int
    unit: Unit
    description: str
    variants: list[str]
    windows: list[Window]

    @classmethod
    def of(cls, kpi: Kpi) -> "Definition":
        """The definition as it is shown."""
        return cls(
            name=kpi.name,
            version=kpi.version,
            unit=kpi.unit,
            description=kpi.description,
            variants=[f"{kpi.name}.{suffix}" for suffix in kpi.variants],
            windows=list(VARIANTS[kpi.name].windows),
        )


class KpiValue(BaseModel):
    """A value. `scope` is empty for the workspace.

    samples: how many facts stand behind it
    """

    kpi: str
    version: int
    unit: Unit
    window: Window
    scope: dict[str, str]
    value: float | None = Field(description="In `unit`; null where nothing was measured.")
    samples: int | None


class TargetedValue(KpiValue):
    """A value, and what it should reach."""

    target: float | None


class WindowStart(BaseModel):
    """Since when facts are in a window."""

    start: datetime = Field(serialization_alias="from")


class CurrentValues(BaseModel):
    """All that was asked for, as of one moment.

    windows: what to ask `/tickets` for, to see what stands behind a value of that window
    """

    as_of: datetime
    is_stale: bool
    windows: dict[Window, WindowStart]
    values: list[TargetedValue]


def plain_value(key: Key, value: Value) -> dict[str, object]:
    """A value as a plain mapping, with the fields of `KpiValue`: streams have many."""
    kpi = VARIANTS[key.kpi].kpi
    return {
        "kpi": key.kpi,
        "version": kpi.version,
        "unit": kpi.unit,
        "window": key.window,
        "scope": scope_of(key.scope),
        "value": value.value,
        "samples": value.samples,
    }


class SeriesPoint(BaseModel):
    """One interval."""

    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    value: float | None
    samples: int | None

    @classmethod
    def of(cls, point: Point) -> "SeriesPoint":
        """The point as it is shown."""
        return cls(
            start=point.span.start, end=point.span.end, value=point.value.value, samples=point.value.samples
        )


class KpiSeries(BaseModel):
    """A KPI's history in whole intervals; `next_from` where there are more than fit."""

    kpi: str
    version: int
    unit: Unit
    interval: Interval
    time_zone: str
    scope: dict[str, str]
    points: list[SeriesPoint]
    next_from: datetime | None


class Counted(BaseModel):
    """One of those that a number counts.

    kind: of the fact, or the state that a ticket or an agent is counted in
    value, business_value: in the KPI's unit, where it measures something
    """

    kind: str
    aspect: str
    ticket_id: UUID | None
    agent: str | None
    queue: str | None
    channel: str | None
    tier: int | None
    value: float | None
    business_value: float | None
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Behind) -> "Counted":
        """The row as it is shown."""
        return cls(
            kind=row.kind,
            aspect=row.aspect,
            ticket_id=row.ticket_id,
            agent=row.place.agent_id,
            queue=row.place.queue,
            channel=row.place.channel,
            tier=row.place.support_tier,
            value=_unit(row.value),
            business_value=_unit(row.business_value),
            started_at=row.started_at,
            ended_at=row.ended_at,
        )


def _unit(value: int | None) -> float | None:
    return None if value is None else value / MILLION


class RebuildRequest(Request):
    """Which rollups to make anew; whole quarters of an hour, at most 31 days."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")
    dry_run: bool = Field(default=False, strict=True, description="Compare and change nothing.")


class CellCounters(BaseModel):
    """What a cell comes to; durations in seconds."""

    facts: int
    total: float


class CellDifference(BaseModel):
    """A rollup that was not what its facts come to."""

    bucket: datetime
    scope: dict[str, str]
    kind: str
    aspect: str
    stored: CellCounters
    counted: CellCounters

    @classmethod
    def of(cls, difference: Difference) -> "CellDifference":
        """The difference as it is shown."""
        key, stored, counted = difference.key, difference.stored, difference.counted
        return cls(
            bucket=key.bucket,
            scope=scope_of(key.series.scope),
            kind=key.series.kind,
            aspect=key.series.aspect,
            stored=CellCounters(facts=stored.count, total=stored.total / MILLION),
            counted=CellCounters(facts=counted.count, total=counted.total / MILLION),
        )


class RebuildAnswer(BaseModel):
    """What the comparison found; the first differences in full. They are repaired unless it was a dry run."""

    cells: int
    different: int
    differences: list[CellDifference]

    @classmethod
    def of(cls, comparison: Comparison) -> "RebuildAnswer":
        """The comparison as it is shown."""
        return cls(
            cells=comparison.cells,
            different=comparison.different,
            differences=[CellDifference.of(difference) for difference in comparison.differences],
        )
