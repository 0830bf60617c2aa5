"""The tables that the code knows are those that the migrations make, in every service."""

import asyncio
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.stack import Stack
from shared.db import tables
from shared.db.schema import newest
from tests.system import BUILDS, Templates

_UNFENCED = text(
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'"
    " WHERE c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
)


@pytest.mark.parametrize("service", BUILDS)
async def test_code_and_migrations_agree_and_every_tenants_table_is_fenced(
    service: str, stack: Stack, templates: Templates
) -> None:
    template = await asyncio.to_thread(templates.__getitem__, service)
    made = await asyncio.to_thread(stack.postgres.create_database, service, prefix="schema_", template=template)
    own = tables_of(service)
    engine = create_async_engine(made.owner_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        differences = await connection.run_sync(compare, own)
        unfenced = [row.relname for row in await connection.execute(_UNFENCED)]
        revision = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    await engine.dispose()
    assert differences == []
    assert revision == newest(service)
    # The one table that is read before the workspace is known (ADR 0003) has a policy of its own.
    assert unfenced == []


def tables_of(service: str) -> MetaData:
    """What all of a service's modules of tables make together."""
    main = import_module(f"services.{service}.adapters.tables")
    assert main.__file__ is not None
    folder = Path(main.__file__).parent
    for module in folder.glob("*/tables.py"):
        import_module(f"services.{service}.adapters.{module.parent.name}.tables")
    metadata: MetaData = main.metadata
    return metadata


def compare(connection: Connection, own: MetaData) -> list[object]:
    """What autogenerate would change."""
    whole = MetaData()
    for table in {**tables.metadata.tables, **own.tables}.values():
        table.to_metadata(whole)
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_name": lambda name, *_: name != "alembic_version"}
    )
    return list(compare_metadata(context, whole))
