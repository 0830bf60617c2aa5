"""How PostgreSQL finds rows whose tables were empty when the plan was made, which sessions of the service keep."""

import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from uuid import UUID

from sqlalchemy import Dialect, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.escalation import adapters
from services.escalation.adapters import store
from services.escalation.adapters.reading import listing
from services.escalation.adapters.telling.book import over
from services.escalation.adapters.telling.tables import message, notification
from shared.db.housekeeping import portion
from shared.vocabulary import EscalationState
from tests.integration.escalation.desk import Json

_LARGE = {
    "tracked_ticket",
    "tracked_event",
    "sla_clock",
    "escalation",
    "timer",
    "watch",
    "notification",
    "message",
    "attempt",
    "on_call_override",
    "left_alone",
}
"""Tables that grow with the work of a workspace."""
_READS_ALL = {
    # One of a workspace is enough.
    ("auditor._BUSY", "tracked_ticket"),
    ("auditor._BUSY", "timer"),
    # All that is live of its kind is asked for, or all that is watched: the few that are in the index.
    ("auditor._BUSY", "escalation"),
    ("auditor._DEAD_WATCHES", "escalation"),
    ("store._TOLD_ON_CALL", "escalation"),
    ("watches._HAND_OFF_ALL", "escalation"),
    ("watches._LIVE", "escalation"),
    ("watches._LOOK_AT_ALL", "watch"),
}
_TEN_ESCALATIONS = (
    "INSERT INTO escalation (workspace_id, escalation_id, watch, trigger, trigger_id, policy, policy_version,"
    " state, position, level, rounds, on_call, started_at, sequence)"
    " SELECT 'acme', gen_random_uuid(), 'queue/a', 'x', n, 'chain', 1,"
    " 'raised', 0, 0, 0, '{}', '2026-01-01T00:00:00Z', 1 FROM generate_series(1, 10) AS n"
)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LISTINGS: dict[str, tuple[EscalationState | None, UUID | None, UUID | None]] = {
    "a ticket": (None, UUID(int=1), None),
    "a ticket in a state": (EscalationState.RESOLVED, UUID(int=1), None),
    "live ones": (EscalationState.RAISED, None, None),
}


def statements(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """All that the service asks of its database in words of its own, by name."""
    for module in pkgutil.walk_packages(adapters.__path__, f"{adapters.__name__}."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, TextClause):
                yield f"{module.name.removeprefix(adapters.__name__ + '.')}.{name}", value.text
    built = {
        **{f"reading.listing of {what}": listing("acme", *asked, 50) for what, asked in _LISTINGS.items()},
        "book.forgetting of notifications": portion(notification, over(notification, 0, _NOW)),
        "book.forgetting of messages": portion(message, over(message, 0, _NOW)),
    }
    for name, query in built.items():
        yield name, str(query.compile(dialect=dialect))


def numbered(statement: str) -> tuple[str, int]:
    """A statement with its parameters as PostgreSQL writes them, and how many it has."""
    if written := set(re.findall(r"\$\d+", statement)):
        return statement, len(written)
    names = list(dict.fromkeys(re.findall(r"(?<!:):(\w+)", statement)))
    return re.sub(r"(?<!:):(\w+)", lambda found: f"${names.index(found[1]) + 1}", statement), len(names)


def scans(node: Json, table: str = "") -> Iterator[tuple[str, str]]:
    """The tables that a plan reads, and by what it finds rows of them."""
    table = node.get("Relation Name", table)
    if "Scan" in node["Node Type"] and node["Node Type"] != "Bitmap Heap Scan" and table:
        yield table, node.get("Index Cond", "") or node.get("TID Cond", "")
    for part in node.get("Plans", []):
        yield from scans(part, table if node["Node Type"].startswith("Bitmap") else "")


def is_by_more_than_the_workspace(condition: str) -> bool:
    return any("workspace_id" not in part for part in condition.split(" AND ") if part)


async def plans(young: AsyncConnection) -> dict[str, Json]:
    """The plans of all statements, as the service gets them."""
    driver = (await young.get_raw_connection()).driver_connection
    assert driver is not None
    found = {}
    for n, (name, statement) in enumerate(statements(young.dialect)):
        asked, parameters = numbered(statement)
        values = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        await driver.execute(f"PREPARE s{n} AS {asked}")
        explained = await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE s{n}{values}")
        found[name] = explained[0]["Plan"]
    return found


async def test_no_statement_reads_all_of_a_workspace_however_young_its_plan_is(young: AsyncConnection) -> None:
    read = {(name, *scan) for name, plan in (await plans(young)).items() for scan in scans(plan)}
    assert {table for _, table, _ in read} >= _LARGE
    by_the_workspace = {
        (name, table, condition)
        for name, table, condition in read
        if table in _LARGE and not is_by_more_than_the_workspace(condition)
    }
    assert {scan for scan in by_the_workspace if scan[:2] not in _READS_ALL} == set()


async def test_no_more_is_counted_than_a_gate_asks_for(young: AsyncConnection) -> None:
    await young.execute(text("SELECT set_config('app.workspaces', 'acme', true)"))
    await young.execute(text(_TEN_ESCALATIONS))
    asked = {"workspaces": ["acme"] * 2, "policies": ["chain"] * 2, "pers": [timedelta(hours=1)] * 2, "now": _NOW}
    found = await young.execute(store._BEGUN, {**asked, "most": [4, 20]})
    assert [row.times for row in found] == [4, 10]
