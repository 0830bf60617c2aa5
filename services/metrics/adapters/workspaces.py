"""The workspaces' configuration, from the rows that hold it."""

from collections.abc import Callable, Collection, Mapping, Sequence

from services.metrics.app.configuration import MetricsPart, WorkspaceSettings, to_settings
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.http.configuration import Stored
from shared.http.etags import IfMatch

Applied = Callable[[str, WorkspaceSettings], None]
"""Is told what holds in a workspace from now on."""


class PostgresWorkspaces:
    """What `/v1/configuration` needs, and the settings that boards count by.

    applied: is told of every part that was stored here
    """

    def __init__(self, database: Database, seen: SeenWorkspaces, applied: Applied) -> None:
        self._database = database
        self._seen = seen
        self._applied = applied

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Mapping[str, WorkspaceSettings]:
        """The settings that hold in each workspace, as of this transaction."""
        stored = await configuration.load(tx, workspaces)
        return {
            workspace_id: to_settings(
                stored[workspace_id][0], configuration.part_of(MetricsPart, stored[workspace_id][1])
            )
            if workspace_id in stored
            else WorkspaceSettings()
            for workspace_id in workspaces
        }

    async def settings(self, workspace_id: str) -> WorkspaceSettings:
        """The settings that hold in one workspace."""
        loaded = await self._database.transact(lambda tx: self.load(tx, [workspace_id]), workspaces=[workspace_id])
        return loaded[workspace_id]

    async def read(self, workspace_id: str) -> Stored[MetricsPart]:
        """The part that holds; built-in defaults at version 0."""
        return await self._database.transact(lambda tx: self._read(tx, workspace_id), workspaces=[workspace_id])

    async def check(self, _workspace_id: str, part: MetricsPart) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        to_settings(0, part)
        return []

    async def apply(self, workspace_id: str, part: MetricsPart, *, seen: IfMatch, by: str) -> Stored[MetricsPart]:
        """Stores the part as the next version. Raises PreconditionFailed."""

        async def unit(tx: Tx) -> Stored[MetricsPart]:
            await configuration.lock(tx, workspace_id)
            stored = await self._read(tx, workspace_id)
            seen.check(stored.version)
            version = stored.version + 1
            # Whoever takes the shard finds it by its workspaces, this one's first event may be yet to come.
            await self._seen.remember(tx, [workspace_id])
            await configuration.save(tx, workspace_id, version, part.model_dump(mode="json"), by)
            settings = to_settings(version, part)
            tx.after_commit(lambda: self._applied(workspace_id, settings))
            return Stored(version, part)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _read(self, tx: Tx, workspace_id: str) -> Stored[MetricsPart]:
        found = (await configuration.load(tx, [workspace_id])).get(workspace_id)
        if found is None:
            return Stored(0, MetricsPart())
        return Stored(found[0], configuration.part_of(MetricsPart, found[1]))
