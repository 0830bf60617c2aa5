"""Rows as JSON, and back: for what is kept of them elsewhere than in their table."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DefaultClause, Table

from services.router.adapters.tables import JsonText
from shared.errors import Conflict

_INSTANT_OR_ID: Mapping[type, Any] = {UUID: UUID, datetime: datetime.fromisoformat}
"""What JSON has no words for."""


def to_json(table: Table, row: Mapping[str, Any]) -> dict[str, object]:
    """A row as PostgreSQL's `to_jsonb` would write it, but for spaces."""
    return {column.name: _written(column, row[column.name]) for column in table.columns if column.name in row}


def from_json(table: Table, content: Mapping[str, Any]) -> dict[str, Any]:
    """A row of what `to_json` or PostgreSQL wrote, a newer column with the default that its migration gave it.

    Raises Conflict where that has none: a release has written it that does not fit this one.
    """
    return {
        column.name: _read(column, content[column.name] if column.name in content else _default(column))
        for column in table.columns
    }


def _default(column: Column[Any]) -> object:
    """What rows have that were there before the column was."""
    if isinstance(column.server_default, DefaultClause):
        # A literal of SQL: JSON, in quotes where it is no number or boolean.
        return json.loads(str(column.server_default.arg).strip("'"))
    if column.nullable:
        return None
    raise Conflict(f"It was kept by a release that does not fit this one: {column} is missing.")


def _written(column: Column[Any], value: Any) -> object:
    if value is None:
        return None
    if isinstance(column.type, JsonText):
        return json.loads(value)
    if column.type.python_type in _INSTANT_OR_ID:
        return value.isoformat() if isinstance(value, datetime) else str(value)
    return value


def _read(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, JsonText):
        # Queries have cast it to text already.
        return value if isinstance(value, str) else json.dumps(value)
    kind = _INSTANT_OR_ID.get(column.type.python_type)
    return kind(value) if kind else value
