"""Definitions on worked examples."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from services.metrics.domain.definitions import HEADLINES, KPIS, VARIANTS
from services.metrics.domain.fact import MILLION, FactKind
from services.metrics.domain.kpi import (
    AGE,
    FactMeasure,
    GaugeMeasure,
    Population,
    Selection,
    Value,
    Window,
    evaluate,
    observe,
)
from services.metrics.domain.rollup import Cell, merged

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Counted = Mapping[tuple[FactKind, str], list[int]]


def value(name: str, counted: Counted) -> Value:
    def facts(selection: Selection) -> Cell:
        return merged(
            [
                Cell.of(seconds * MILLION for seconds in values)
                for (kind, aspect), values in counted.items()
                if kind is selection.kind and selection.aspect in (None, aspect)
            ]
        )

    measure = VARIANTS[name].measure
    assert isinstance(measure, FactMeasure)
    return evaluate(measure, facts)


def test_volume_counts_and_nothing_is_zero() -> None:
    assert value("volume", {(FactKind.OPENED, ""): [0, 0, 0]}) == Value(3, 3)
    assert value("volume", {}) == Value(0, 0)


@pytest.mark.parametrize("name", ["first_reply", "time_to_assign.p90", "full_resolution.p50", "sla_attainment"])
def test_where_nothing_was_measured_there_is_no_value(name: str) -> None:
    assert value(name, {}) == Value(None, 0)


def test_durations_have_a_mean_and_percentiles() -> None:
    replies: Counted = {(FactKind.FIRST_REPLIED, ""): [10, 20, 30, 1000]}
    assert value("first_reply", replies) == Value(265, 4)
    assert value("first_reply.p50", replies) == Value(20, 4)
    assert value("first_reply.p99", replies) == Value(30, 4)
    assert value("full_resolution", {(FactKind.RESOLVED, ""): [5]}) == Value(5, 1)
    assert value("time_to_assign", {(FactKind.ASSIGNED, ""): [5, 7]}) == Value(6, 2)


def test_attainment_is_of_kept_and_broken_promises_over_all_metrics_or_one() -> None:
    clocks: Counted = {
        (FactKind.CLOCK_MET, "first_reply"): [1] * 8,
        (FactKind.CLOCK_MET, "total_resolution"): [1],
        (FactKind.CLOCK_BREACHED, "first_reply"): [1],
    }
    assert value("sla_attainment", clocks) == Value(90.0, 10)
    assert value("sla_attainment.first_reply", clocks).value == pytest.approx(88.8889, abs=1e-4)
    assert value("sla_attainment.total_resolution", clocks) == Value(100.0, 1)
    assert value("sla_attainment.next_reply", clocks) == Value(None, 0)
    assert value("breaches", clocks) == Value(1, 1)
    assert value("breaches.total_resolution", clocks) == Value(0, 0)


def test_ratings_are_shares_and_balances_of_the_last_ones() -> None:
    csat: Counted = {(FactKind.CSAT_RATED, "good"): [1] * 70, (FactKind.CSAT_RATED, "bad"): [1] * 30}
    assert value("csat", csat) == Value(70.0, 100)
    nps: Counted = {
        (FactKind.NPS_RATED, "good"): [1] * 50,
        (FactKind.NPS_RATED, "neutral"): [1] * 30,
        (FactKind.NPS_RATED, "bad"): [1] * 20,
    }
    assert value("nps", nps) == Value(30.0, 100)
    assert value("nps", {(FactKind.NPS_RATED, "bad"): [1]}) == Value(-100.0, 1)
    assert (value("csat", {}), value("nps", {})) == (Value(None, 0), Value(None, 0))


class _Gauges:
    def present(self, population: Population, states: frozenset[str] | None) -> int:
        counts = {
            Population.AGENTS: {"available": 3, "busy": 2, "off_duty": 1, "offline": 4},
            Population.WAITING: {"waiting": 7},
        }
        return sum(
            number for state, number in counts.get(population, {}).items() if states is None or state in states
        )

    def oldest(self, population: Population) -> datetime | None:
        return NOW - timedelta(seconds=90) if population is Population.WAITING else None


def gauge(name: str) -> float | None:
    measure = VARIANTS[name].measure
    assert isinstance(measure, GaugeMeasure)
    return observe(measure, _Gauges(), NOW).value


def test_gauges_count_what_there_is_now() -> None:
    assert gauge("waiting") == 7
    assert gauge("oldest_waiting") == 90
    assert gauge("backlog") == 0
    assert gauge("agents") == 6
    assert gauge("agents.off_duty") == 1
    assert gauge("agents.offline") == 4
    assert gauge("agents.available") == 3


def test_gauges_have_the_present_and_everything_else_the_windows() -> None:
    assert VARIANTS["waiting"].windows == (Window.NOW,)
    assert Window.NOW not in VARIANTS["first_reply.p90"].windows
    assert VARIANTS["oldest_waiting"].sources == {Population.WAITING, AGE}
    assert VARIANTS["sla_attainment.first_reply"].sources == {FactKind.CLOCK_MET, FactKind.CLOCK_BREACHED}


def test_every_definition_names_itself_once_and_says_what_it_means() -> None:
    assert len({kpi.name for kpi in KPIS}) == len(KPIS)
    assert all(kpi.description.endswith(".") and kpi.version >= 1 for kpi in KPIS)
    assert set(HEADLINES) <= set(VARIANTS)
