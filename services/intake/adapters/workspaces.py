"""The workspaces' configuration, from the rows that hold it. Read anew when a version has moved."""

import asyncio
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import structlog
from pydantic import ValidationError
from sqlalchemy import text

from services.intake.adapters import addresses
from services.intake.adapters.email.imap import rows as mailboxes
from services.intake.adapters.languages import Languages
from services.intake.app.configuration import IntakePart, to_workspace
from services.intake.domain.workspace import UNREADABLE, Workspace
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.configuration import Stored
from shared.http.etags import IfMatch
from shared.secrets import Vault, sealed
from shared.telemetry.names import Log

log = structlog.get_logger()

_VERSIONS = text("SELECT workspace_id, version FROM configuration WHERE workspace_id = ANY (CAST(:ids AS text[]))")
_DEFAULT = to_workspace(0, IntakePart())
_NOTHING = IntakePart(channels=())


class PostgresWorkspaces:
    """Implements the port `Workspaces`, and what `/v1/configuration` needs."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._languages = Languages()
        self._compiled: dict[str, Workspace] = {}

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Mapping[str, Workspace]:
        """The configuration that holds in each workspace, as of this transaction."""
        rows = await tx.execute(_VERSIONS, {"ids": list(workspaces)})
        versions = {row.workspace_id: row.version for row in rows}
        stale = [
            workspace_id
            for workspace_id, version in versions.items()
            if workspace_id not in self._compiled or self._compiled[workspace_id].version != version
        ]
        if stale:
            for workspace_id, (version, body) in (await configuration.load(tx, stale)).items():
                # Hundreds of long rules take seconds.
                workspace = await asyncio.to_thread(self._compile, workspace_id, version, body)
                self._compiled[workspace_id] = await self._with_languages(workspace)
        return {
            workspace_id: self._compiled[workspace_id] if workspace_id in versions else _DEFAULT
            for workspace_id in workspaces
        }

    def _compile(self, workspace_id: str, version: int, body: object) -> Workspace:
        """What decides. What was stored by other rules than today's is nobody's failure but its workspace's."""
        try:
            part = configuration.part_of(IntakePart, body)
            return to_workspace(version, part, partial(self._vault.open, workspace_id))
        except (ValidationError, InvalidInput) as error:
            log.warning(Log.CONFIGURATION_UNREADABLE, workspace_id=workspace_id, error=type(error).__name__)
            return Workspace(version=version, channels={}, is_readable=False)

    async def _with_languages(self, workspace: Workspace) -> Workspace:
        await self._languages.prepare(workspace.languages)
        return dataclasses.replace(
            workspace, language_of=lambda text: self._languages.detect(text, workspace.languages)
        )

    async def read(self, workspace_id: str) -> Stored[IntakePart]:
        """The part that holds; built-in defaults at version 0."""
        return await self._database.transact(lambda tx: self._read(tx, workspace_id), workspaces=[workspace_id])

    def sealed(self, workspace_id: str, part: IntakePart) -> IntakePart:
        """The part as it is kept and shown. Raises InvalidInput for a secret that was sealed elsewhere."""
        return sealed(self._vault, workspace_id, part)

    async def check(self, workspace_id: str, part: IntakePart) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        await asyncio.to_thread(partial(to_workspace, 0, part, written=True))
        await self._database.transact(
            lambda tx: addresses.check(tx, workspace_id, part), workspaces=[workspace_id]
        )
        return []

    async def apply(self, workspace_id: str, part: IntakePart, *, seen: IfMatch, by: str) -> Stored[IntakePart]:
        """Stores the part as the next version. Raises PreconditionFailed."""

        async def unit(tx: Tx) -> Stored[IntakePart]:
            await configuration.lock(tx, workspace_id)
            stored = await self._read(tx, workspace_id)
            seen.check(stored.version)
            version = stored.version + 1
            await addresses.replace(tx, workspace_id, part)
            await mailboxes.replace(tx, workspace_id, part, self._database.shards)
            await configuration.save(tx, workspace_id, version, part.model_dump(mode="json"), by)
            return Stored(version, part)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _read(self, tx: Tx, workspace_id: str) -> Stored[IntakePart]:
        found = (await configuration.load(tx, [workspace_id])).get(workspace_id)
        if found is None:
            return Stored(0, IntakePart())
        try:
            return Stored(found[0], configuration.part_of(IntakePart, found[1]))
        except ValidationError:
            # Another one has to be put in its place, which is compared with this.
            return Stored(found[0], _NOTHING, unreadable=UNREADABLE)
