"""Row-level security: a unit of work sees the workspaces that it names, and none when it names none."""

import pytest
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.errors import WaypostError
from tests.integration.shared.node import Ground, an_event

_INSERT = text("INSERT INTO note (workspace_id, subject, sequence, holder) VALUES (:ws, 's', 1, 'h')")
_COUNT = text("SELECT count(*) FROM note")


async def count(tx: Tx) -> int:
    return int((await tx.execute(_COUNT)).scalar_one())


async def test_rows_of_another_workspace_do_not_exist(ground: Ground) -> None:
    await ground.database.transact(lambda tx: tx.execute(_INSERT, {"ws": "acme"}), workspaces=["acme"])
    await ground.database.transact(lambda tx: tx.execute(_INSERT, {"ws": "globex"}), workspaces=["globex"])
    assert await ground.database.transact(count, workspaces=["acme"]) == 1
    assert await ground.database.transact(count, workspaces=["acme", "globex"]) == 2
    assert await ground.database.transact(count) == 0


async def test_a_unit_of_work_without_workspaces_changes_nothing(ground: Ground) -> None:
    await ground.database.transact(lambda tx: tx.execute(_INSERT, {"ws": "acme"}), workspaces=["acme"])

    async def vandal(tx: Tx) -> int:
        updated = await tx.execute(text("UPDATE note SET holder = 'x'"))
        deleted = await tx.execute(text("DELETE FROM note"))
        return updated.rowcount + deleted.rowcount

    assert await ground.database.transact(vandal) == 0


async def test_a_row_of_another_workspace_cannot_be_inserted(ground: Ground) -> None:
    with pytest.raises(Exception, match="row-level security"):
        await ground.database.transact(lambda tx: tx.execute(_INSERT, {"ws": "globex"}), workspaces=["acme"])


async def test_the_setting_does_not_survive_the_transaction(ground: Ground) -> None:
    for _ in range(10):
        await ground.database.transact(count, workspaces=["acme"])
        setting = await ground.database.transact(
            lambda tx: tx.execute(text("SELECT current_setting('app.workspaces', true)"))
        )
        assert setting.scalar_one() in ("", None)


async def test_claim_tables_open_to_the_shards_that_are_named(ground: Ground) -> None:
    await ground.emit(an_event("acme", "t", 1), an_event("globex", "t", 1))
    assert await ground.count("outbox") == 2
    query = text("SELECT count(*) FROM outbox")
    rows = await ground.database.transact(lambda tx: tx.execute(query))
    assert rows.scalar_one() == 0


async def test_every_table_with_a_workspace_is_fenced_against_its_owner_too(ground: Ground) -> None:
    unfenced = text(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'"
        " WHERE c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    rows = await ground.database.transact(lambda tx: tx.execute(unfenced))
    assert rows.all() == []
    with pytest.raises(WaypostError):
        await ground.emit(an_event("Not A Workspace", "t", 1), an_event("acme", "t", 2**63))
