"""Where a text stands, in whatever table."""

import asyncpg

from tests.system import System


async def tables_with(system: System, workspace_id: str, *texts: str) -> list[str]:
    """The tables of intake in which any of these stands for a workspace, with letters of any case, or as bytes."""
    wanted = [text.lower() for text in texts]
    database = await asyncpg.connect(system.databases["intake"].owner_url)
    found = []
    try:
        for (name,) in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            async with database.transaction():
                await database.execute("SELECT set_config('app.workspaces', $1, true)", workspace_id)
                rows = await database.fetch(f'SELECT lower(t::text) AS row FROM "{name}" t')
            if any(text in row["row"] or text.encode().hex() in row["row"] for row in rows for text in wanted):
                found.append(name)
    finally:
        await database.close()
    return sorted(found)
