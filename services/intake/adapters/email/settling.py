"""Receives what was read, many in one commit; what makes a commit fail is found and fails alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from uuid import UUID

import structlog

from services.intake.adapters.email.reading import Read, set_aside
from services.intake.adapters.email.waiting import Waiters
from services.intake.app.hook_ports import HookDesk, ReadHook
from services.intake.app.mail_ports import Outcome, RawState, ReadMail, Staged
from services.intake.app.receive_hooks import receipts_in, receive_hooks
from services.intake.app.receive_mail import MailDesk, receive_mails
from services.intake.app.record_bounces import record_bounces
from services.intake.app.record_receipts import record_receipts
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.mail import Mail
from services.intake.domain.screening import may_report
from shared.db.engine import Collision, LockTimeout
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import StaleEpoch, TransientError
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_PARTS = 200
"""Mails, messages, receipts and events of calls that share a commit; one call of a provider may bring more."""
_RECEIPTS = 250
"""Receipts that share a commit: for each the database locks a name, and it has room for some thousand in all."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What was read, and what is left to store of its bytes."""

    item: Read
    stored: Staged | None = None

    @property
    def parts(self) -> int:
        """How much a commit has to do for it."""
        return self.item.parts if isinstance(self.item, ReadHook) else 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the database fails at, though it answers.

    is_suspect: it may be at fault; not where somebody else held a lock
    """

    item: Read
    is_suspect: bool


@dataclass(slots=True)
class Settled:
    """What has become of those that were ready.

    untried: those that it was given up before
    """

    has_worked: bool = False
    refused: list[Refusal] = field(default_factory=list)
    untried: set[UUID] = field(default_factory=set)
    _in_a_row: int = 0

    def work(self) -> None:
        """A commit has succeeded."""
        self.has_worked = True
        self._in_a_row = 0

    def refuse(self, item: Read, error: TransientError) -> None:
        """The database fails at this one alone."""
        self.refused.append(Refusal(item, is_suspect=not isinstance(error, LockTimeout | Collision)))
        self._in_a_row += 1

    @property
    def is_given_up(self) -> bool:
        """Two in a row: so it goes on, and each may take seconds that nothing else of the shard has."""
        return self._in_a_row >= 2


class Settling:
    """Receives what was read for the shards of this process."""

    def __init__(
        self,
        database: Database,
        desk: MailDesk,
        hook_desk: HookDesk,
        waiters: Waiters,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._desk = desk
        self._hook_desk = hook_desk
        self._waiters = waiters
        self._settled = metrics.counter("mails_settled", "Mails that something has become of.", "disposition")

    async def settle(self, shard: Shard, ready: Sequence[Ready]) -> Settled:
        """Receives these, but for those that the database fails at, though it answers.

        Whatever else a mail brings about ends in quarantine. Raises StaleEpoch and TransientError.
        """
        settled = Settled()
        for group in commits(ready):
            await self._settle(shard, group, settled)
        return settled

    async def set_aside(self, shard: Shard, item: Read, reason: str) -> None:
        """Quarantines what nobody can store. Raises StaleEpoch and TransientError."""
        self._tell(await self._receive(shard, [Ready(set_aside(item, reason))]))

    async def _settle(self, shard: Shard, group: Sequence[Ready], settled: Settled) -> None:
        if settled.is_given_up:
            settled.untried |= {one.item.raw.raw_id for one in group}
            return
        try:
            outcomes = await self._receive(shard, group)
        except StaleEpoch:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one of them brings about is its own loss
            if isinstance(error, TransientError):
                # Where it does not answer it is none of these.
                await self._database.ping()
            if len(group) > 1:
                for one in group:
                    await self._settle(shard, [one], settled)
                return
            (item,) = (one.item for one in group)
            if isinstance(error, TransientError):
                settled.refuse(item, error)
            else:
                await self.set_aside(shard, item, f"it cannot be stored: {type(error).__name__}")
            return
        settled.work()
        self._tell(outcomes)

    async def _receive(self, shard: Shard, group: Sequence[Ready]) -> list[Outcome]:
        workspaces = {one.item.raw.workspace_id for one in group}
        mails = [one.item for one in group if isinstance(one.item, ReadMail)]
        hooks = [one.item for one in group if isinstance(one.item, ReadHook)]
        stored = [one.stored for one in group if one.stored]
        if telling := [item for item in hooks if item.has_receipts]:
            await self._record_receipts(shard, telling)
        if reporting := [item for item in mails if isinstance(item.mail, Mail) and may_report(item.mail)]:
            await self._record_bounces(shard, reporting)

        async def unit(tx: Tx) -> list[Outcome]:
            if hooks:
                return await receive_hooks(hooks, tx=tx, desk=self._hook_desk)
            outcomes = await receive_mails(mails, tx=tx, desk=self._desk)
            if stored:
                await reduce(or_, stored)(tx)
            return outcomes

        return await self._database.transact(unit, workspaces=workspaces, fence=shard.fence)

    async def _record_bounces(self, shard: Shard, items: Sequence[ReadMail]) -> None:
        await self._database.transact(
            lambda tx: record_bounces(items, tx=tx, desk=self._desk),
            workspaces={item.raw.workspace_id for item in items},
            fence=shard.fence,
        )

    async def _record_receipts(self, shard: Shard, items: Sequence[ReadHook]) -> None:
        workspaces = {item.raw.workspace_id for item in items}
        receipts = await self._database.transact(
            lambda tx: receipts_in(items, tx=tx, desk=self._hook_desk), workspaces=workspaces
        )
        for start in range(0, len(receipts), _RECEIPTS):
            some = receipts[start : start + _RECEIPTS]

            async def record(tx: Tx, some: Sequence[DeliveryReceipt] = some) -> None:
                await record_receipts(some, tx=tx, deliveries=self._hook_desk.deliveries)

            await self._database.transact(record, workspaces=workspaces, fence=shard.fence)

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._settled.labels(outcome.disposition.value).inc()
            if outcome.state is RawState.QUARANTINED:
                log.warning(Log.MAIL_QUARANTINED, reason=outcome.reason, raw_id=str(outcome.raw.raw_id))
        self._waiters.settle(outcomes)


def commits(ready: Sequence[Ready]) -> Iterator[list[Ready]]:
    """What shares a commit, none with too much to do."""
    for alike in _apart(ready):
        group: list[Ready] = []
        for one in alike:
            if group and sum(other.parts for other in group) + one.parts > _PARTS:
                yield group
                group = []
            group.append(one)
        if group:
            yield group


def _apart(ready: Sequence[Ready]) -> tuple[Sequence[Ready], ...]:
    """Mails, what tells of telephone calls, and all else.

    They are received in commits of their own, as each locks in its order: calls lock tickets, and messages
    behind them would lock whoever writes.
    """
    hooks = [one for one in ready if isinstance(one.item, ReadHook)]
    return (
        [one for one in ready if isinstance(one.item, ReadMail)],
        [one for one in hooks if isinstance(one.item, ReadHook) and one.item.has_calls],
        [one for one in hooks if isinstance(one.item, ReadHook) and not one.item.has_calls],
    )
