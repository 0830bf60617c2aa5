"""Stores a service's part of a workspace's configuration, versioned."""

import json
from collections.abc import Collection
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import select, text

from shared.db import tables
from shared.db.unit_of_work import Tx
from shared.telemetry.names import Log

log = structlog.get_logger()

P = TypeVar("P", bound=BaseModel)

_MOST_NAMED = 10

_SAVE = text(
    "INSERT INTO configuration (workspace_id, version, body, applied_at, applied_by)"
    " VALUES (:workspace_id, :version, CAST(:body AS jsonb), clock_timestamp(), :by)"
    " ON CONFLICT (workspace_id) DO UPDATE SET version = excluded.version, body = excluded.body,"
    " applied_at = excluded.applied_at, applied_by = excluded.applied_by"
)

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def load(tx: Tx, workspaces: Collection[str]) -> dict[str, tuple[int, object]]:
    """Version and body by workspace; one never configured is missing."""
    t = tables.configuration.c
    rows = await tx.execute(select(t.workspace_id, t.version, t.body).where(t.workspace_id.in_(list(workspaces))))
    return {row.workspace_id: (row.version, row.body) for row in rows}


def part_of(model: type[P], body: object) -> P:
    """A part as it was stored, by this release or another.

    Fields that a newer release has stored and this one does not know are left out, at any depth, and logged:
    processes of both are at work while a new one is brought in. Requests are read strictly all the same.
    Raises ValidationError.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        unknown = [each["loc"] for each in found if each["type"] == "extra_forbidden"]
        if not unknown:
            raise
        part = model.model_validate(body, extra="ignore")
        names = [".".join(map(str, place)) for place in unknown[:_MOST_NAMED]]
        log.warning(Log.CONFIGURATION_NEWER, part=model.__name__, unknown=len(unknown), fields=names)
        return part


async def lock(tx: Tx, workspace_id: str) -> None:
    """Keeps other writers of this workspace's configuration out until the end of the transaction."""
    await tx.execute(_LOCK, {"name": f"configuration:{workspace_id}"})


async def save(tx: Tx, workspace_id: str, version: int, body: object, by: str) -> None:
    """Stores a version. The caller holds the lock or the shard."""
    await tx.execute(_SAVE, {"workspace_id": workspace_id, "version": version, "body": json.dumps(body), "by": by})
