"""Calls that bring very much: they cost their channel some time, and nobody a shard."""

import asyncio
import json

import pytest
from sqlalchemy import text

from tests.eventually import eventually
from tests.integration.intake.hooks.vendors import Vendors
from tests.unit.intake.adapters.hooks import documented

KEPT = text("SELECT count(*) FROM delivery_receipt WHERE workspace_id = :workspace_id")


def told(first: int, count: int) -> bytes:
    statuses = [
        {"id": f"wamid.{n}", "status": "delivered", "timestamp": "1749416383", "recipient_id": "16505551234"}
        for n in range(first, first + count)
    ]
    return json.dumps(documented.whatsapp(statuses=statuses)).encode()


@pytest.mark.timeout(120)
async def test_thousands_of_receipts_are_recorded_and_one_call_with_too_many_is_set_aside(
    vendors: Vendors,
) -> None:
    database = vendors.system.services["intake"].runtime.database
    await vendors.bring(vendors.meta(told(0, 30_000)))
    await asyncio.gather(*(vendors.bring(vendors.meta(told(1000 * n, 1000))) for n in range(8)))
    (aside,) = await vendors.until_quarantined()
    assert aside["reason"] == "it brings more than 1000 messages, receipts and events"

    async def kept() -> bool:
        rows = await database.transact(
            lambda tx: tx.execute(KEPT, {"workspace_id": vendors.workspace_id}), workspaces=[vendors.workspace_id]
        )
        return bool(rows.scalar_one() == 8000)

    await eventually(kept, within_s=30)
