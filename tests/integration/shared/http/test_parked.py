"""`/v1/parked` on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shared.clock import SystemClock
from shared.db.engine import open_engine
from shared.db.unit_of_work import Tx
from shared.http import parked
from shared.http.app import create_app
from shared.http.auth import KeyFile, Verifier
from shared.telemetry.metrics import Metrics
from tests.integration.shared.node import Ground
from tests.keys import token, write_jwks

_INSERT = text(
    "INSERT INTO parked (shard, workspace_id, subject, sequence, reason, detail, topic, partition, record_offset)"
    " VALUES (1, :workspace, 'ticket/t', 1, 'undecodable', 'd', 'tickets', 1, 1) RETURNING id"
)


class _NoneRevoked:
    def is_revoked(self, _workspace_id: str, _jti: str) -> bool:
        return False


@pytest.fixture
async def http(ground: Ground, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of acme."""
    verifier = Verifier(
        KeyFile(write_jwks(tmp_path / "jwks.json")),
        issuer="waypost",
        audience="waypost",
        clock=SystemClock(),
        revocations=_NoneRevoked(),
    )
    app = create_app(
        title="Parked",
        description="",
        routers=[parked.routes(ground.database)],
        metrics=Metrics("kernel"),
        checks={},
        verifier=verifier,
    )
    headers = {"Authorization": f"Bearer {token('acme')}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kernel", headers=headers) as made:
        yield made


async def park(ground: Ground, workspace_id: str) -> int:
    """A parked record's id."""

    async def unit(tx: Tx) -> int:
        return int((await tx.execute(_INSERT, {"workspace": workspace_id})).scalar_one())

    return await ground.database.transact(unit, workspaces=[workspace_id])


async def test_statements_name_their_workspace_and_do_not_lean_on_the_fence(
    ground: Ground, http: httpx.AsyncClient
) -> None:
    own, foreign = await park(ground, "acme"), await park(ground, "globex")
    owner = open_engine(ground.owner_url, name="tests", pool_size=1)
    async with owner.begin() as connection:
        await connection.execute(text("ALTER TABLE parked DISABLE ROW LEVEL SECURITY"))
    await owner.dispose()
    listed = (await http.get("/v1/parked")).json()["items"]
    assert [item["id"] for item in listed] == [own]
    assert (await http.get(f"/v1/parked/{own}")).status_code == 200
    assert (await http.get(f"/v1/parked/{foreign}")).status_code == 404
    for what in ("replay", "discard"):
        assert (await http.post(f"/v1/parked/{foreign}/{what}")).status_code == 404
        assert (await http.post(f"/v1/parked/{own}/{what}")).json()["request"] == what
