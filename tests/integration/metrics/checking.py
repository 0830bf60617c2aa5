"""Compares what a running service answers with what the events themselves come to."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.events.envelope import Event
from tests.integration.metrics.oracle import Measured, Open, Ticket, gauges, inside, measured, read, value

FACT_KPIS = (
    "volume",
    "time_to_assign",
    "time_to_assign.p50",
    "time_to_assign.p90",
    "first_reply",
    "first_reply.p90",
    "full_resolution",
    "full_resolution.p99",
    "sla_attainment",
    "sla_attainment.first_reply",
    "breaches",
    "breaches.first_reply",
    "csat",
    "nps",
)
SPANS = {"5m": timedelta(minutes=5), "15m": timedelta(minutes=15), "60m": timedelta(minutes=60)}
EXACT_BELOW = 100


class Truth:
    """What a workspace's events come to."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.tickets: list[Ticket] = read(events)
        self.rows: list[Measured] = [row for ticket in self.tickets for row in measured(ticket)]
        self.open: list[Open] = gauges(self.tickets)
        self.agents = _agents(events)
        self._by_scope: dict[tuple[str, str], list[Measured]] = {}
        for row in sorted(self.rows, key=lambda row: row.ended_at):
            members = {name: getattr(row, name) for name in ("queue", "channel", "agent", "tier")}
            self._by_scope.setdefault(("workspace", ""), []).append(row)
            for name, member in members.items():
                self._by_scope.setdefault((name, str(member)), []).append(row)

    def members(self, dimension: str) -> set[str]:
        found = {str(member) for row in self.rows if (member := getattr(row, dimension)) is not None}
        return found | {str(member) for one in self.open if (member := getattr(one, dimension)) is not None}

    def of_facts(
        self, kpi: str, scope: dict[str, str], start: datetime, end: datetime | None = None
    ) -> tuple[float | None, int]:
        rows = self._by_scope.get(next(iter(scope.items()), ("workspace", "")), [])
        first = bisect_left(rows, start, key=lambda row: row.ended_at)
        last = len(rows) if end is None else bisect_left(rows, end, key=lambda row: row.ended_at)
        return value(kpi, rows[first:last])

    def of_gauge(self, kpi: str, scope: dict[str, str], as_of: datetime) -> float | None:
        dimension, member = next(iter(scope.items()), ("workspace", ""))
        is_in = inside(dimension, member)
        name, _, variant = kpi.partition(".")
        if name == "agents":
            return sum(
                (state == variant) if variant else state != "offline"
                for agent, (state, queues, tier) in self.agents.items()
                if dimension == "workspace"
                or (dimension == "agent" and agent == member)
                or (dimension == "queue" and member in queues)
                or (dimension == "tier" and member == str(tier))
            )
        found = [one for one in self.open if is_in(one)]
        if name == "backlog":
            return sum(one.status is not None and variant in ("", one.status) for one in found)
        waits = [one.waiting_since for one in found if one.waiting_since]
        if name == "waiting":
            return len(waits)
        return (as_of - min(waits)).total_seconds() if waits else None


def _agents(events: Sequence[Event]) -> dict[str, tuple[str, tuple[str, ...], int]]:
    agents: dict[str, tuple[str, tuple[str, ...], int]] = {}
    for event in events:
        data: Any = event.data
        if data.name == "agent.updated":
            state = agents.get(data.agent_id, ("offline", (), 0))[0]
            agents[data.agent_id] = state, data.queues, data.support_tier
            if data.is_removed:
                agents[data.agent_id] = "removed", (), 0
        elif data.name == "agent.state_changed" and agents[data.agent_id][0] != "removed":
            is_off = data.is_on_duty is False and data.state != "offline"
            agents[data.agent_id] = "off_duty" if is_off else data.state, *agents[data.agent_id][1:]
    return {agent: held for agent, held in agents.items() if held[0] != "removed"}


def same(found: float | None, expected: float | None, samples: int | None, kpi: str) -> None:
    """Counts and means are equal; percentiles of many are within one per cent."""
    if expected is None or found is None:
        assert found is expected, kpi
    elif ".p" in kpi and samples is not None and samples >= EXACT_BELOW:
        assert found == pytest.approx(expected, rel=0.01001), kpi
    else:
        assert found == pytest.approx(expected, abs=1e-6), kpi


async def check_current(http: httpx.AsyncClient, truth: Truth) -> int:
    """Every current value of every scope; how many there were."""
    by = ["workspace", "queue", "channel", "agent", "tier"]
    gauge_kpis = [
        "waiting",
        "oldest_waiting",
        *["backlog", "backlog.new", "backlog.open", "backlog.pending", "backlog.on_hold"],
        *["agents", "agents.available", "agents.busy", "agents.away", "agents.off_duty", "agents.offline"],
    ]
    answer = await http.get("/v1/kpis", params={"by": by, "kpi": [*FACT_KPIS, *gauge_kpis]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    as_of = datetime.fromisoformat(body["as_of"])
    seen: set[tuple[str, str]] = set()
    for item in body["values"]:
        scope, window = item["scope"], item["window"]
        seen |= set(scope.items())
        expected: float | None
        samples: int | None
        if window == "now":
            expected, samples = truth.of_gauge(item["kpi"], scope, as_of), None
        else:
            start = as_of - SPANS[window] if window in SPANS else _midnight(as_of)
            expected, samples = truth.of_facts(item["kpi"], scope, start)
        assert item["samples"] == samples, item
        same(item["value"], expected, samples, f"{item} {expected}")
    for dimension in by[1:]:
        wanted = {row for row in truth.members(dimension) if _is_recent(truth, dimension, row, as_of)}
        assert wanted <= {member for name, member in seen if name == dimension}
    return len(body["values"])


def _is_recent(truth: Truth, dimension: str, member: str, as_of: datetime) -> bool:
    is_in = inside(dimension, member)
    return any(is_in(row) and row.ended_at > as_of - timedelta(minutes=59) for row in truth.rows)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


async def check_series(
    http: httpx.AsyncClient, truth: Truth, scopes: Iterable[dict[str, str]], start: datetime, end: datetime
) -> int:
    """Every KPI's history in every width of interval; how many points there were."""
    count = 0
    for kpi in FACT_KPIS:
        for scope in scopes:
            for interval in ("15m", "1h", "1d"):
                asked = {"from": start.isoformat(), "to": end.isoformat(), "interval": interval, **scope}
                answer = await http.get(f"/v1/kpis/{kpi}/series", params=asked)
                assert answer.status_code == 200, answer.text
                for point in answer.json()["points"]:
                    since, until = (datetime.fromisoformat(point[name]) for name in ("from", "to"))
                    expected, samples = truth.of_facts(kpi, scope, since, until)
                    assert point["samples"] == samples, (kpi, scope, point)
                    same(point["value"], expected, samples, f"{kpi} {scope} {point} {expected}")
                    count += 1
    return count
