"""The mailboxes of the shards that this process holds: each has a session, for as long as it is configured."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.imap import rows
from services.intake.adapters.email.imap.ledger import Ledger
from services.intake.adapters.email.imap.reading import Taking
from services.intake.adapters.email.imap.rows import MailboxKey
from services.intake.adapters.email.imap.session import Session, Visiting
from services.intake.app.ports import Workspaces
from services.intake.domain.mailbox import RemoteMailbox
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.telemetry.metrics import Metrics

_LOOK_S = 60.0
_LOST = timedelta(minutes=5)


class Mailboxes:
    """Starts and ends sessions. bells: rung where the mailboxes of a shard have changed"""

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        visiting: Visiting,
        taking: Taking,
        *,
        bells: Bells,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._visiting = visiting
        self._taking = taking
        self.bells = bells
        self._marks: dict[int, str] = {}
        self._count = metrics.gauge("mailboxes", "Mailboxes that this process looks into.", "state")
        self._waiting = metrics.gauge("mailbox_mails_waiting", "Mails that are known and not fetched.")

    async def run(self, shard: Shard) -> None:
        """Keeps the shard's mailboxes read until it is drained. Raises StaleEpoch and DatabaseUnavailable."""
        running: dict[MailboxKey, asyncio.Task[None]] = {}
        with self.bells.hung(shard) as bell:
            async with asyncio.TaskGroup() as group:
                while not shard.draining.is_set():
                    wanted = await self._database.transact(
                        lambda tx: rows.of_shard(tx, shard.n), claims=[shard.n], fence=shard.fence
                    )
                    await _end([running.pop(key) for key in list(running) if key not in wanted])
                    for key in sorted(wanted):
                        if key not in running or running[key].done():
                            running[key] = group.create_task(self._keep_read(shard, key))
                    await bell.wait(_LOOK_S)
                await _end(list(running.values()))

    async def look(self, tx: Tx, shards: Collection[int]) -> list[int]:
        """Those of these shards whose mailboxes have changed since the last look. The unit of work claims them."""
        found = await rows.marks(tx, shards)
        marks = {shard: mark.mark for shard, mark in found.items()}
        changed = [shard for shard in shards if self._marks.get(shard, "") != marks.get(shard, "")]
        # A look that is tried again tells the same once more.
        tx.after_commit(lambda: self._marks.update({shard: marks.get(shard, "") for shard in shards}))
        self._count.labels("failed").set(sum(mark.failed for mark in found.values()))
        self._count.labels("well").set(sum(mark.well for mark in found.values()))
        self._waiting.set(sum(mark.waiting for mark in found.values()))
        return changed

    async def _keep_read(self, shard: Shard, key: MailboxKey) -> None:
        ledger = Ledger(self._database, shard, key)
        # Configured otherwise by now: the next look starts what it is then.
        with suppress(NotFound):
            while (mailbox := await self._configured(key)) is None:
                await ledger.failed("its secrets cannot be opened: they were sealed with another key", _LOST)
                await asyncio.sleep(_LOST.total_seconds())
            await Session(ledger, mailbox, self._visiting, self._taking).run()

    async def _configured(self, key: MailboxKey) -> RemoteMailbox | None:
        """The mailbox with its secrets; None where they cannot be opened. Raises NotFound."""
        found = await self._database.transact(
            lambda tx: self._workspaces.load(tx, [key.workspace_id]), workspaces=[key.workspace_id]
        )
        channel = found[key.workspace_id].channels.get(key.channel)
        if channel is None:
            raise NotFound
        return next((item for item in channel.mailboxes if item.mailbox_id == key.mailbox_id), None)


async def _end(tasks: Collection["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
