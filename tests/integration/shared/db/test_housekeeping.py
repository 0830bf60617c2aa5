"""What has served its time goes, however much of it there is, and never in one commit."""

from sqlalchemy import text

from shared.db.housekeeping import PORTION, Housekeeping
from shared.db.shards import Leases, Shard
from shared.db.unit_of_work import Tx
from shared.db.workspaces import SeenWorkspaces
from shared.events.catalog import shard_of
from shared.http.idempotency import forget_old
from tests.integration.shared.node import Ground

_ADD = text(
    "INSERT INTO idempotency (workspace_id, subject, route, key, fingerprint, created_at)"
    " SELECT 'acme', 'ann', 'POST /v1/x', n, '', clock_timestamp() - make_interval(hours => :hours)"
    " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS each (n)"
)
_COUNT = text("SELECT count(*) FROM idempotency")


async def test_a_backlog_is_forgotten_portion_by_portion(ground: Ground) -> None:
    left: list[int] = []

    async def fill(tx: Tx) -> None:
        await SeenWorkspaces(12).remember(tx, ["acme"])
        await tx.execute(_ADD, {"hours": 49, "first": 1, "last": 2 * PORTION + 1})
        await tx.execute(_ADD, {"hours": 47, "first": 0, "last": 0})

    async def chore(tx: Tx) -> bool:
        is_more = await forget_old(tx)
        left.append((await tx.execute(_COUNT)).scalar_one())
        return is_more

    await ground.database.transact(fill, workspaces=["acme"])
    await Leases(ground.database, holder="tests", owner_url="").prepare()
    await Housekeeping(ground.database, [chore]).clean(Shard(shard_of("acme"), 0))
    assert left == [PORTION + 2, 2, 1]
