"""Sends what waits to leave by mail, for every shard that this process holds.

At least once: a crash between the mail server's yes and our commit sends the mail again, with the same
Message-ID, by which receivers tell a repeat. A failure is tried again with growing pauses for three days.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.composing import compose, message_id, return_address
from services.intake.adapters.email.deliveries import Attempt, DeliveryKey, Outgoing, PostgresDeliveries
from services.intake.app.ports import Workspaces
from services.intake.domain.message import DeliveryState
from services.intake.domain.workspace import Workspace
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.mail import MailRefused, MailSender
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.vocabulary import AuthorKind

log = structlog.get_logger()

PAUSES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
"""After each failure; the last one again and again."""

GIVE_UP_AFTER = timedelta(days=3)

_AT_ONCE = 10
_IDLE_S = 60.0


class Outbound:
    """Sends mail. Without a sender everything waits, visibly, until it is given up."""

    def __init__(
        self,
        database: Database,
        deliveries: PostgresDeliveries,
        workspaces: Workspaces,
        sender: MailSender | None,
        *,
        bells: Bells,
        secret: bytes,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._workspaces = workspaces
        self._sender = sender
        self._bells = bells
        self._secret = secret
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._attempts = metrics.counter("mail_attempts", "Attempts to send a mail.", "state")

    async def run(self, shard: Shard) -> None:
        """Sends until the shard is drained. Raises StaleEpoch and TransientError."""
        with self._bells.hung(shard) as bell:
            while not shard.draining.is_set():
                if keys := await self._take(shard):
                    await self._send_all(shard, keys)
                else:
                    await bell.wait(await self._pause(shard))

    async def _take(self, shard: Shard) -> list[DeliveryKey]:
        return await self._database.transact(
            lambda tx: self._deliveries.take(tx, shard.n, _AT_ONCE), claims=[shard.n], fence=shard.fence
        )

    async def _pause(self, shard: Shard) -> float:
        until = await self._database.transact(
            lambda tx: self._deliveries.until_next(tx, shard.n), claims=[shard.n]
        )
        return _IDLE_S if until is None else min(_IDLE_S, max(0.01, until.total_seconds()))

    async def _send_all(self, shard: Shard, keys: list[DeliveryKey]) -> None:
        names = {workspace_id for workspace_id, _ in keys}

        async def unit(tx: Tx) -> tuple[Mapping[str, Workspace], list[Outgoing], datetime]:
            configured = await self._workspaces.load(tx, names)
            return configured, await self._deliveries.load(tx, keys), await tx.now()

        configured, loaded, now = await self._database.transact(unit, workspaces=names)
        async with asyncio.TaskGroup() as group:
            for outgoing in loaded:
                group.create_task(self._send(shard, outgoing, configured[outgoing.workspace_id], now))

    async def _send(self, shard: Shard, outgoing: Outgoing, workspace: Workspace, at: datetime) -> None:
        async with self._turns:
            error, is_final, provider_id = await self._try(outgoing, workspace, at)

        async def unit(tx: Tx) -> Attempt:
            now = await tx.now()
            if provider_id is not None:
                attempt = Attempt(state=DeliveryState.SENT, provider_id=provider_id, next_attempt_at=now)
            elif is_final or now - outgoing.queued_at > GIVE_UP_AFTER:
                attempt = Attempt(state=DeliveryState.FAILED, error=error, next_attempt_at=now)
            else:
                pause = PAUSES[min(outgoing.attempts, len(PAUSES)) - 1]
                attempt = Attempt(state=DeliveryState.QUEUED, error=error, next_attempt_at=now + pause)
            await self._deliveries.settle(tx, outgoing, attempt)
            return attempt

        attempt = await self._database.transact(unit, workspaces=[outgoing.workspace_id], fence=shard.fence)
        self._attempts.labels(attempt.state.value).inc()
        log.info(_NAMES[attempt.state], attempt=outgoing.attempts, error=attempt.error)

    async def _try(
        self, outgoing: Outgoing, workspace: Workspace, at: datetime
    ) -> tuple[str | None, bool, str | None]:
        """Why it did not go, whether it never will, and the Message-ID under which it went."""
        channel = workspace.channels.get(outgoing.channel)
        if channel is None or channel.address is None:
            return "the channel has no address any more", True, None
        if outgoing.recipient is None:
            return "nobody knows the customer's address", True, None
        if self._sender is None:
            return "no mail server is configured", False, None
        try:
            mail = compose(outgoing, channel, secret=self._secret, now=at)
            is_automatic = outgoing.author_kind is not AuthorKind.AGENT
            # A null sender keeps automatic mail from being answered, and bounces from bouncing.
            sender = "" if is_automatic else return_address(outgoing, channel, secret=self._secret)
            await self._sender.send(mail, sender=sender, recipients=[outgoing.recipient])
        except MailRefused as error:
            return f"the mail server refuses it: {error}", True, None
        except TransientError as error:
            return str(error), False, None
        except Exception as error:  # noqa: BLE001 - the library raises all sorts of things; it is this mail's fault
            return f"it cannot be written as a mail: {type(error).__name__}", True, None
        return None, True, message_id(outgoing, channel, secret=self._secret)


_NAMES = {
    DeliveryState.SENT: Log.MAIL_SENT,
    DeliveryState.QUEUED: Log.MAIL_DELAYED,
    DeliveryState.FAILED: Log.MAIL_FAILED,
}
