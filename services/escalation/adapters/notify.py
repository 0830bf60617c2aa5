"""Sends notifications, for each shard a loop: at least once each, with growing pauses after failures."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from services.escalation.adapters import rows
from services.escalation.adapters.mail import mail_of
from services.escalation.adapters.webhooks import body_of
from services.escalation.app.ports import ServiceLevels
from services.escalation.domain.escalation_policy import Webhook
from services.escalation.domain.notification import Notification, NotificationState, retry_at
from services.escalation.domain.recipient import Way
from shared.attempts import attempted
from shared.clock import Clock
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.egress import Egress
from shared.mail import MailRefused, MailSender
from shared.secrets import Vault
from shared.standard_webhooks import hmac_key, signed
from shared.telemetry.names import Log

log = structlog.get_logger()

_MOST_AT_ONCE = 20
_POLL_S = 5.0
_NAP_S = 1.0
_CLAIM = timedelta(minutes=2)
"""An attempt whose end was never noted is made again after so long: longer than any attempt takes."""
_GONE = 410

_NEXT = text("SELECT min(next_attempt_at) FROM notification WHERE shard = :shard AND next_attempt_at IS NOT NULL")
_TAKE = text(
    "UPDATE notification n SET attempts = n.attempts + 1, next_attempt_at = CAST(:again AS timestamptz)"
    " FROM (SELECT workspace_id, notification_id FROM notification WHERE shard = :shard"
    " AND next_attempt_at <= CAST(:now AS timestamptz) ORDER BY next_attempt_at LIMIT :most FOR UPDATE) AS due"
    " WHERE n.workspace_id = due.workspace_id AND n.notification_id = due.notification_id RETURNING n.*"
)
_SETTLE = text(
    "UPDATE notification SET state = :state, next_attempt_at = :next_attempt_at, detail = :detail,"
    " finished_at = :finished_at WHERE workspace_id = :workspace_id AND notification_id = :notification_id"
)
_SETTLED = ("workspace_id", "notification_id", "state", "next_attempt_at", "detail", "finished_at")
_GONE_WEBHOOKS = text(
    "SELECT webhook_id, url FROM webhook_gone WHERE workspace_id = ANY (CAST(:workspaces AS text[]))"
)
_ADD_GONE = text(
    "INSERT INTO webhook_gone (workspace_id, webhook_id, url, gone_at)"
    " VALUES (:workspace_id, :webhook_id, :url, :gone_at) ON CONFLICT DO NOTHING"
)

Gone = tuple[str, str]
"""A webhook's id and the address at which it wants nothing more."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of an attempt. gone: the webhook that wants nothing more."""

    notification: Notification
    gone: Webhook | None = None


class Notifier:
    """Tells people by mail and systems by webhook.

    mail: none where no mail server is configured; mail_from: the From of mails
    """

    def __init__(
        self,
        database: Database,
        levels: ServiceLevels,
        egress: Egress,
        vault: Vault,
        bells: ShardBells,
        *,
        clock: Clock,
        mail: MailSender | None,
        mail_from: str,
    ) -> None:
        self._database = database
        self._levels = levels
        self._egress = egress
        self._vault = vault
        self._bells = bells
        self._clock = clock
        self._mail = mail
        self._mail_from = mail_from

    async def run(self, shard: Shard) -> None:
        """Sends until the shard is drained. Raises StaleEpoch and TransientError."""
        under_way = 0

        async def deliver(notification: Notification) -> None:
            nonlocal under_way
            try:
                await self._deliver(shard, notification)
            finally:
                under_way -= 1
                bell.ring()

        with self._bells.hung(shard) as bell:
            # Each by itself: somebody who is slow to answer delays nobody else.
            async with asyncio.TaskGroup() as group:
                while not shard.draining.is_set():
                    taken, next_at = await self._take(shard, _MOST_AT_ONCE - under_way)
                    for notification in taken:
                        under_way += 1
                        group.create_task(deliver(notification))
                    if not taken:
                        await bell.wait(self._pause_s(next_at) if under_way < _MOST_AT_ONCE else _POLL_S)

    def _pause_s(self, next_at: datetime | None) -> float:
        if next_at is None:
            return _POLL_S
        left_s = (next_at - self._clock.now()).total_seconds()
        return min(max(left_s, 0.005), _NAP_S)

    async def _take(self, shard: Shard, most: int) -> tuple[Sequence[Notification], datetime | None]:
        """Notifications whose attempt begins now; or when the next one does."""

        async def unit(tx: Tx) -> tuple[Sequence[Notification], datetime | None]:
            now = await tx.now()
            next_at: datetime | None = (await tx.execute(_NEXT, {"shard": shard.n})).scalar_one()
            if next_at is None or next_at > now or most <= 0:
                return [], next_at
            taking = {"shard": shard.n, "now": now, "again": now + _CLAIM, "most": most}
            return [rows.to_notification(row) for row in (await tx.execute(_TAKE, taking)).mappings()], None

        return await self._database.transact(unit, claims=[shard.n], fence=shard.fence)

    async def _deliver(self, shard: Shard, notification: Notification) -> None:
        workspaces = [notification.workspace_id]

        async def known(tx: Tx) -> tuple[Mapping[str, Webhook], set[Gone]]:
            gone = await tx.execute(_GONE_WEBHOOKS, {"workspaces": workspaces})
            histories = await self._levels.load(tx, workspaces)
            latest = histories[notification.workspace_id].latest
            return latest.webhooks, {(row.webhook_id, row.url) for row in gone}

        webhooks, gone = await self._database.transact(known, workspaces=workspaces)
        outcome = await attempted(
            self._send(notification, webhooks, gone),
            lambda reason: _Outcome(self._again(notification, reason)),
            way=notification.way,
        )

        async def settle(tx: Tx) -> None:
            settled = {name: getattr(outcome.notification, name) for name in _SETTLED}
            await tx.execute(_SETTLE, settled)
            if outcome.gone:
                await tx.execute(_ADD_GONE, _gone_row(outcome.notification, outcome.gone))

        await self._database.transact(settle, workspaces=workspaces, fence=shard.fence)

    async def _send(
        self, notification: Notification, webhooks: Mapping[str, Webhook], gone: set[Gone]
    ) -> _Outcome:
        """Raises ProviderUnavailable and EgressRefused."""
        if notification.way is Way.MAIL:
            return _Outcome(await self._send_mail(notification))
        return await self._post(notification, webhooks, gone)

    async def _send_mail(self, notification: Notification) -> Notification:
        """Raises ProviderUnavailable."""
        if self._mail is None:
            return self._over(notification, NotificationState.FAILED, "no mail server is configured")
        assert notification.address is not None
        try:
            # An empty envelope sender: nothing answers an automatic mail.
            await self._mail.send(
                mail_of(notification, self._mail_from), sender="", recipients=[notification.address]
            )
        except MailRefused as error:
            return self._over(notification, NotificationState.FAILED, f"refused: {error}")
        return self._over(notification, NotificationState.SENT, None)

    async def _post(
        self, notification: Notification, webhooks: Mapping[str, Webhook], gone: set[Gone]
    ) -> _Outcome:
        """Raises ProviderUnavailable and EgressRefused."""
        webhook = webhooks.get(notification.name)
        if webhook is None:
            return _Outcome(self._over(notification, NotificationState.FAILED, "is not configured any more"))
        if (webhook.webhook_id, webhook.url) in gone:
            return _Outcome(self._over(notification, NotificationState.DISABLED, "answered 410 before"))
        body, key = body_of(notification), self._key(notification.workspace_id, webhook)
        if key is None:
            return _Outcome(self._again(notification, "the webhook's secret cannot sign"))
        headers = signed(key, str(notification.notification_id), body, self._clock.now())
        status = (await self._egress.post(webhook.url, body, headers)).status
        if 200 <= status < 300:
            return _Outcome(self._over(notification, NotificationState.SENT, None))
        if status == _GONE:
            return _Outcome(self._over(notification, NotificationState.DISABLED, "answered 410"), webhook)
        return _Outcome(self._again(notification, f"answered {status}"))

    def _key(self, workspace_id: str, webhook: Webhook) -> bytes | None:
        """What posts are signed with; none where another key has sealed it."""
        try:
            return hmac_key(self._vault.open(workspace_id, webhook.secret))
        except ValueError:
            return None

    def _over(self, notification: Notification, state: NotificationState, detail: str | None) -> Notification:
        is_sent = state is NotificationState.SENT
        event = Log.NOTIFICATION_SENT if is_sent else Log.NOTIFICATION_FAILED
        (log.debug if is_sent else log.warning)(
            event, way=notification.way, notification=str(notification.notification_id), detail=detail
        )
        now = self._clock.now()
        return replace(notification, state=state, next_attempt_at=None, detail=detail, finished_at=now)

    def _again(self, notification: Notification, detail: str) -> Notification:
        next_at = retry_at(notification.attempts, self._clock.now())
        if next_at is None:
            return self._over(notification, NotificationState.FAILED, detail)
        log.info(
            Log.NOTIFICATION_DELAYED,
            way=notification.way,
            notification=str(notification.notification_id),
            detail=detail,
            attempts=notification.attempts,
        )
        return replace(notification, next_attempt_at=next_at, detail=detail)


def _gone_row(notification: Notification, webhook: Webhook) -> dict[str, object]:
    return {
        "workspace_id": notification.workspace_id,
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "gone_at": notification.finished_at,
    }
