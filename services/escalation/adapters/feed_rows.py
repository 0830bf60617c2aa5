"""Feeds in PostgreSQL: which are followed, their last good copies, and what each version has of them."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import RowMapping, text

from services.escalation.app.feeds import FED, Fed, FedPart
from shared.db.unit_of_work import Tx

_TEXTS = text("SELECT url, text FROM calendar_feed WHERE workspace_id = :workspace AND text IS NOT NULL")
_STATES = text(
    "SELECT url, fetched_at, tried_at, next_at, failing_since, problem FROM calendar_feed"
    " WHERE workspace_id = :workspace"
)
_FOLLOW = text(
    "INSERT INTO calendar_feed (workspace_id, url, shard, next_at)"
    " SELECT :workspace, url, :shard, :now FROM unnest(CAST(:urls AS text[])) AS u (url)"
    " ON CONFLICT (workspace_id, url) DO UPDATE SET next_at = excluded.next_at"
)
_FORGET = text(
    "DELETE FROM calendar_feed WHERE workspace_id = :workspace AND NOT url = ANY (CAST(:urls AS text[]))"
)
_DUE = text(
    "SELECT * FROM (SELECT DISTINCT ON (workspace_id) * FROM calendar_feed"
    " WHERE shard = :shard AND next_at <= :now AND NOT workspace_id = ANY (CAST(:busy AS text[]))"
    " ORDER BY workspace_id, next_at, url) AS oldest"
    " ORDER BY next_at, workspace_id LIMIT :most"
)
_NEXT = text(
    "SELECT min(next_at) FILTER (WHERE NOT workspace_id = ANY (CAST(:busy AS text[]))) AS next_at,"
    " count(failing_since) AS failing FROM calendar_feed WHERE shard = :shard"
)
_GOOD = text(
    "UPDATE calendar_feed SET text = :text, etag = :etag, last_modified = :last_modified, fetched_at = :now,"
    " tried_at = :now, next_at = :next_at, failing_since = NULL, problem = NULL"
    " WHERE workspace_id = :workspace AND url = :url"
)
_BAD = text(
    "UPDATE calendar_feed SET tried_at = :now, next_at = :next_at, problem = :problem,"
    " failing_since = coalesce(failing_since, :now) WHERE workspace_id = :workspace AND url = :url"
)
_ADD_VERSION = text(
    "INSERT INTO policy_version (workspace_id, version, shard, since, body, fed)"
    " SELECT :workspace, coalesce(max(version), 0) + 1, :shard, :since, CAST(:body AS jsonb), CAST(:fed AS jsonb)"
    " FROM policy_version WHERE workspace_id = :workspace"
)
_LATEST = text(
    "SELECT body, fed FROM policy_version WHERE workspace_id = :workspace ORDER BY version DESC LIMIT 1"
)
_HELD = text("SELECT fed FROM policy_version WHERE workspace_id = :workspace ORDER BY version DESC LIMIT 1")


async def texts(tx: Tx, workspace_id: str) -> dict[str, str]:
    """The last good copies, by address."""
    return {row.url: row.text for row in await tx.execute(_TEXTS, {"workspace": workspace_id})}


async def states(tx: Tx, workspace_id: str) -> dict[str, RowMapping]:
    """How each feed fares, by address."""
    return {row["url"]: row for row in (await tx.execute(_STATES, {"workspace": workspace_id})).mappings()}


async def follow(tx: Tx, workspace_id: str, shard: int, urls: Collection[str], now: datetime) -> None:
    """These feeds and no others are followed, beginning at once."""
    named = {"workspace": workspace_id, "urls": sorted(urls)}
    await tx.execute(_FORGET, named)
    await tx.execute(_FOLLOW, {**named, "shard": shard, "now": now})


async def due(tx: Tx, shard: int, now: datetime, most: int, busy: Collection[str]) -> list[RowMapping]:
    """Feeds of a shard that are to be fetched, one of each workspace. busy: workspaces that are left out"""
    asked = {"shard": shard, "now": now, "most": most, "busy": sorted(busy)}
    return list((await tx.execute(_DUE, asked)).mappings())


async def outlook(tx: Tx, shard: int, busy: Collection[str]) -> tuple[datetime | None, int]:
    """When the next feed of a shard is due, of workspaces that are not busy, and how many fail."""
    row = (await tx.execute(_NEXT, {"shard": shard, "busy": sorted(busy)})).one()
    return row.next_at, row.failing


async def note_good(tx: Tx, row: Mapping[str, object], now: datetime, next_at: datetime) -> None:
    """Keeps a copy. row: workspace, url, text, etag, last_modified"""
    await tx.execute(_GOOD, {**row, "now": now, "next_at": next_at})


async def note_bad(tx: Tx, workspace_id: str, url: str, problem: str, *, now: datetime, next_at: datetime) -> None:
    """Keeps what is wrong, and the copy that there is."""
    failed = {"workspace": workspace_id, "url": url, "problem": problem, "now": now, "next_at": next_at}
    await tx.execute(_BAD, failed)


async def add_version(tx: Tx, workspace_id: str, shard: int, since: datetime, body: object, fed: Fed) -> None:
    """Adds the next version of the service levels. The caller holds the lock of the configuration."""
    added = {"workspace": workspace_id, "shard": shard, "since": since, "body": json.dumps(body)}
    await tx.execute(_ADD_VERSION, {**added, "fed": FED.dump_json(dict(fed)).decode()})


async def latest(tx: Tx, workspace_id: str) -> tuple[object, dict[str, object]] | None:
    """The body of the latest version, and what its feeds close, as they stand in their row."""
    row = (await tx.execute(_LATEST, {"workspace": workspace_id})).one_or_none()
    return None if row is None else (row.body, row.fed)


async def held(tx: Tx, workspace_id: str) -> dict[str, FedPart]:
    """What the feeds close as of the latest version."""
    row = (await tx.execute(_HELD, {"workspace": workspace_id})).one_or_none()
    return {} if row is None else FED.validate_python(row.fed)
