"""A schema is renewed while processes of the version before are at work."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic.command import upgrade

from deploy.local.databases import ServiceDatabase
from deploy.local.stack import Stack
from shared.db import migrate
from shared.db.schema import ensure_newest, newest
from tests.eventually import eventually

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

BEFORE = "2026_11_22_completed_work"
ROWS = (
    "INSERT INTO ticket (workspace_id, ticket_id, status, early)"
    " SELECT 'acme', gen_random_uuid(), 'new', '[]' FROM generate_series(1, 3)",
    "INSERT INTO agent (workspace_id, agent_id, is_removed, state, state_since, idle_since, activity, used, items,"
    " last_assigned, availability, sequence, last_event_at) VALUES"
    " ('acme', 'ann', false, 'available', now(), now(), 'idle', 0, '{}', '{}', 0, 0, now())",
    "INSERT INTO work_item (workspace_id, work_id, ticket_id, channel, channel_kind, state, queue, support_tier,"
    " base, steps, step, is_moved, rule, policy_version, priority, raised_by, queued_at, started_at, stint_at,"
    " refused_by, bears_load, sequence, last_event_at) SELECT 'acme', gen_random_uuid(), ticket_id, 'mail',"
    " 'email', 'queued', 'general', 1, '{}', '[]', 0, false, 'default', 1, 'normal', 0, now(), now(), now(), '{}',"
    " true, 0, now() FROM ticket",
)
COMMIT = (
    "UPDATE ticket SET status = 'open'",
    "UPDATE agent SET used = used + 1",
    "UPDATE work_item SET sequence = sequence + 1",
    "INSERT INTO decision (workspace_id, ticket_id, work_id, decided_at, kind, record)"
    " SELECT workspace_id, ticket_id, work_id, now(), 'WorkOffered', '{}' FROM work_item",
    "INSERT INTO input_log (workspace_id, decided_at, seed, kind, payload)"
    " VALUES ('acme', now(), '', 'Tick', '{}')",
)
"""What an engine of the version before writes, in its order."""
WAITING = "SELECT true FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

_numbers = count(1)


@pytest.fixture
async def old(stack: Stack) -> ServiceDatabase:
    """A database of the version before, in which something has happened."""
    create = stack.postgres.create_database
    made = await asyncio.to_thread(create, "router", prefix=f"renewed{next(_numbers)}_")
    await migrated(made, BEFORE)
    connection = await connected(made)
    for statement in ROWS:
        await connection.execute(statement)
    await connection.close()
    return made


@pytest.fixture
async def engine(old: ServiceDatabase) -> "AsyncIterator[Connection]":
    connection = await connected(old, lock_timeout="2s")
    yield connection
    await connection.close()


async def connected(database: ServiceDatabase, **settings: str) -> "Connection":
    # As the owner, who sees what other connections of the owner wait for; rows are fenced all the same.
    connection: Connection = await asyncpg.connect(database.owner_url, server_settings=settings)
    await connection.execute("SELECT set_config('app.workspaces', 'acme', false)")
    return connection


async def migrated(database: ServiceDatabase, to: str = "head") -> None:
    await asyncio.to_thread(upgrade, migrate.config("router", database.owner_url), to)


async def has_ended_well(database: ServiceDatabase) -> bool:
    connection = await connected(database)
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    valid = await connection.fetchval(
        "SELECT i.indisvalid FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attname = 'id'"
        " WHERE i.indexrelid = 'decision_in_order'::regclass"
    )
    await connection.close()
    return bool(revision == newest("router") and valid)


@pytest.mark.parametrize("done", range(len(COMMIT) + 1))
async def test_a_commit_that_is_under_way_and_the_new_schema_both_come_about(
    done: int, old: ServiceDatabase, engine: "Connection"
) -> None:
    watching = await connected(old)
    async with engine.transaction():
        await engine.execute("SELECT count(*) FROM agent")
        for statement in COMMIT[:done]:
            await engine.execute(statement)
        migration = asyncio.ensure_future(migrated(old))
        await eventually(lambda: watching.fetchval(WAITING), what="the migration waits")
        for statement in COMMIT[done:]:
            await engine.execute(statement)
    await asyncio.wait_for(migration, 30)
    assert await has_ended_well(old)
    assert await watching.fetchval("SELECT count(*) FROM decision") == 3
    await watching.close()


async def test_a_migration_that_is_kept_out_for_long_lets_others_pass_and_is_tried_again(
    old: ServiceDatabase, engine: "Connection"
) -> None:
    watching = await connected(old, lock_timeout="2s")
    async with engine.transaction():
        await engine.execute(COMMIT[1])
        migration = asyncio.ensure_future(migrated(old))
        for _ in range(3):
            await eventually(lambda: watching.fetchval(WAITING), what="the migration waits")
            # Behind the migration, which waits for the agents, the tickets are locked too.
            assert await watching.fetchval("SELECT count(*) FROM ticket") == 3
    await asyncio.wait_for(migration, 30)
    assert await has_ended_well(old)
    await watching.close()


async def test_an_index_that_was_broken_off_is_made_anew(old: ServiceDatabase) -> None:
    await migrated(old, "2026_11_23_whom_work_awaits")
    owner = await connected(old)
    await owner.execute("CREATE INDEX decision_in_order ON decision (kind)")
    await owner.close()
    await migrated(old)
    assert await has_ended_well(old)


async def test_whoever_comes_second_waits_and_keeps_nobody_from_ending(
    old: ServiceDatabase, engine: "Connection"
) -> None:
    async with engine.transaction():
        await engine.execute(COMMIT[0])
        both = asyncio.gather(*(ensure_newest("router", old.url, old.owner_url) for _ in range(2)))
        await asyncio.sleep(0)
    await asyncio.wait_for(both, 60)
    assert await has_ended_well(old)
