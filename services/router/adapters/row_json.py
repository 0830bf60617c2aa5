"""Rows as JSON, and back: for what is kept of them elsewhere than in their table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table

_KINDS: Mapping[type, Any] = {UUID: UUID, datetime: datetime.fromisoformat}
"""What JSON has no words for."""


def to_json(table: Table, row: Mapping[str, Any]) -> dict[str, object]:
    """A row as PostgreSQL's `to_jsonb` would write it, but for spaces."""
    return {
        column.name: value if value is None or column.type.python_type not in _KINDS else _written(value)
        for column in table.columns
        if column.name in row
        for value in (row[column.name],)
    }


def from_json(table: Table, content: Mapping[str, Any]) -> dict[str, Any]:
    """A row of what `to_json` or PostgreSQL wrote. Null where the column is newer."""
    row: dict[str, Any] = {}
    for column in table.columns:
        value = content.get(column.name)
        kind = _KINDS.get(column.type.python_type)
        row[column.name] = value if value is None or kind is None else kind(value)
    return row


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
