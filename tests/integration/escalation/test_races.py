"""What happens between two statements of a unit of work: others commit, and nothing of that may surprise it."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.adapters.store import PostgresTracking
from services.escalation.adapters.telling.book import NotificationBook
from services.escalation.app.publish_snapshots import publish_snapshots
from shared.db.bells import ShardBells
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.ids import SystemIds
from shared.vault import AesVault
from tests.integration.escalation.desk import Desk, target
from tests.scribe import uid
from tests.shards import SHARDS


class Overtaken(PostgresTracking):
    """Somebody else gets in between whatever came before locking and the locks."""

    def __init__(self, overtake: Callable[[], Awaitable[None]]) -> None:
        super().__init__(SHARDS, ShardBells(), NotificationBook(SHARDS, ShardBells()))
        self._overtake = overtake

    async def lock(self, *args: Any, **more: Any) -> Any:
        await self._overtake()
        return await super().lock(*args, **more)


async def test_a_unit_of_work_that_is_overtaken_by_a_new_configuration_knows_its_versions(desk: Desk) -> None:
    await desk.promise(target("total_resolution", "30d"))
    desk.opened("t", -5)
    await desk.tell()
    await desk.clock("t", "total_resolution", policy_version=1)
    runtime = desk.system.services["escalation"].runtime
    levels = PostgresServiceLevels(runtime.database, runtime.clock, AesVault(b"none is sealed"), lambda _: None)

    async def carry() -> None:
        part = {"sla_policies": [{"id": "standard", "targets": [target("total_resolution", "40d")]}]}
        assert (await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
        await desk.clock("t", "total_resolution", policy_version=2)

    async def unit(tx: Tx) -> int:
        return await publish_snapshots(
            [(desk.workspace_id, uid(desk.named("t")))],
            cause=Cause(),
            tx=tx,
            tracking=Overtaken(carry),
            levels=levels,
            ids=SystemIds(),
        )

    assert await runtime.database.transact(unit, workspaces=[desk.workspace_id]) == 1
