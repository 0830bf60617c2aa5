"""What is made of rows, and what rows are made of it."""

import json
from datetime import timedelta
from importlib import import_module

import pytest

from services.router.adapters import tables
from services.router.adapters.memory import selected, to_item, to_ticket
from services.router.adapters.row_json import from_json, to_json
from services.router.adapters.rows import rows_of
from services.router.domain.policy import Requirements, Step
from services.router.domain.state import Touched
from shared.errors import Conflict
from tests.unit.router.domain.desk import START, Desk, agent, general

_LATER = import_module("services.router.migrations.versions.2026-11-23_whom_work_awaits")
NEWER = {column.split()[0] for column in _LATER.COLUMNS}
"""What rows have not that were kept by the first release."""
GERMAN = general(
    requirements=Requirements(queue="general", skills=(("german", 3),)),
    steps=(Step(after=timedelta(minutes=1), dropped=frozenset({"german"})),),
)


def written(*tickets: str) -> dict[str, list[dict[str, object]]]:
    """The rows of a desk on which these tickets wait for somebody who speaks German."""
    desk = Desk.of(agent("ann"), rules=[GERMAN])
    for ticket in tickets:
        desk.open(ticket)
    state = desk.state
    state.touched = Touched(agents=set(state.agents), tickets=set(state.tickets), items=dict(state.items))
    return {table.name: rows for table, rows in rows_of([state], [], [])}


def test_equal_requirements_steps_and_facts_of_many_rows_are_one_object() -> None:
    rows = written("one", "two")
    one, two = map(to_item, rows["work_item"])
    assert one.base == Requirements(queue="general", skills=(("german", 3),))
    assert one.base is two.base
    assert one.steps is two.steps
    assert one.refused_by is not two.refused_by
    first, second = map(to_ticket, rows["ticket"])
    assert first.facts is not None
    assert first.facts is second.facts


def test_times_of_an_item_that_are_the_same_are_one_object() -> None:
    (item,) = map(to_item, written("one")["work_item"])
    assert item.queued_at > START
    assert item.stint_at is item.queued_at
    assert item.started_at is item.queued_at


def test_rows_are_read_again_from_the_json_that_they_are_kept_as() -> None:
    (row,) = written("one")["work_item"]
    kept = json.dumps(to_json(tables.work_item, row))
    assert to_item(from_json(tables.work_item, json.loads(kept))) == to_item(row)


def test_rows_that_an_earlier_release_kept_have_the_defaults_of_columns_that_came_since() -> None:
    rows = written("one")
    (item,), (ticket,), (ann,) = (rows[name] for name in ("work_item", "ticket", "agent"))
    for table, row in ((tables.work_item, item), (tables.ticket, ticket), (tables.agent, ann)):
        kept = to_json(table, row)
        newer = [column for column in table.columns if f"{table.name}.{column.name}" in NEWER]
        for column in newer:
            del kept[column.name]
        read = from_json(table, json.loads(json.dumps(kept)))
        assert read == from_json(table, json.loads(json.dumps(to_json(table, row))))
    assert {str(column) for table in tables.metadata.tables.values() for column in table.columns} >= NEWER


def test_a_row_without_what_it_must_have_is_refused_by_name() -> None:
    (row,) = written("one")["work_item"]
    kept = to_json(tables.work_item, row)
    del kept["queued_at"]
    with pytest.raises(Conflict, match=r"work_item\.queued_at is missing"):
        from_json(tables.work_item, kept)


def test_json_is_selected_as_text_and_nothing_else_is() -> None:
    columns = selected(tables.ticket, "t").split(", ")
    assert "CAST(t.facts AS text) AS facts" in columns
    assert "t.ticket_id" in columns
    assert len(columns) == len(tables.ticket.columns)
