"""Posts messages to partners, for each shard a loop: at least once each, with growing pauses after failures.

The partner is looked up where the engine has it: loop and engine of a shard run in the same process.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.router.adapters import order_rows
from services.router.adapters.order_rows import Attempt, MessageState, Outcome, PartnerKey
from services.router.app.partner_webhooks import OrderLinks, body_of
from services.router.app.work_orders import OrderEvent, OrderMessage
from services.router.domain.partner import Partner
from shared.attempts import attempted
from shared.clock import Clock
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.egress import Egress
from shared.retries import pause, retry_after
from shared.secrets import Vault
from shared.standard_webhooks import hmac_key, signed
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_MOST_AT_ONCE = 50
_MOST_OF_ONE = 4
"""Posts under way to one partner from which on it gets no more: one that is slow holds up no other."""
_LONGEST_PAUSE = timedelta(minutes=5)
_POLL_S = 5.0
_NAP_S = 1.0
_GONE = 410
_LEAVING_S = 0.5
"""How long a shard that is given up waits for answers: its engine has stopped, and work waits for the next one."""

PartnerOf = Callable[[str, str], Awaitable[Partner | None]]
"""From workspace and queue to the partner as configured now. Raises Unavailable where the shard has moved."""
Decline = Callable[[str, str, UUID, str], Awaitable[None]]
"""Has a partner decline: workspace, queue, offer, reason. One that is over by now is no error."""


class WorkOrders:
    """Tells partners of their work orders.

    links: none where it was not said where the world reaches this service: then nobody is told anything
    """

    def __init__(
        self,
        database: Database,
        egress: Egress,
        vault: Vault,
        links: OrderLinks | None,
        *,
        bells: ShardBells,
        clock: Clock,
        partner_of: PartnerOf,
        decline: Decline,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._egress = egress
        self._vault = vault
        self._links = links
        self._bells = bells
        self._clock = clock
        self._partner_of = partner_of
        self._decline = decline
        self._attempts = metrics.counter(
            "partner_posts", "Attempts to tell a partner of a work order, by what came of them.", "event", "state"
        )

    async def run(self, shard: Shard) -> None:
        """Posts until the shard is drained. Raises StaleEpoch and TransientError."""
        under_way: Counter[PartnerKey] = Counter()

        async def deliver(attempt: Attempt, key: PartnerKey) -> None:
            try:
                await self._deliver(shard, attempt)
            finally:
                under_way[key] -= 1
                bell.ring()

        with self._bells.hung(shard) as bell:
            # Each by itself: somebody who is slow to answer delays nobody else.
            async with asyncio.TaskGroup() as group:
                posts: set[asyncio.Task[None]] = set()
                while not shard.draining.is_set():
                    begun, next_at = await self._take(shard, +under_way)
                    for attempt in begun:
                        key = attempt.message.workspace_id, attempt.message.queue
                        under_way[key] += 1
                        post = group.create_task(deliver(attempt, key))
                        posts.add(post)
                        post.add_done_callback(posts.discard)
                    if not begun:
                        is_full = under_way.total() >= _MOST_AT_ONCE
                        await bell.wait(_POLL_S if is_full else self._pause_s(next_at))
                if posts:
                    # What is cut off is posted again by whoever has the shard then, under the same id.
                    _, late = await asyncio.wait(posts, timeout=_LEAVING_S)
                    for post in late:
                        post.cancel()

    def _pause_s(self, next_at: datetime | None) -> float:
        if next_at is None:
            return _POLL_S
        left_s = (next_at - self._clock.now()).total_seconds()
        return min(max(left_s, 0.005), _NAP_S)

    async def _take(
        self, shard: Shard, under_way: Counter[PartnerKey]
    ) -> tuple[Sequence[Attempt], datetime | None]:
        busy = sorted(key for key, count in under_way.items() if count >= _MOST_OF_ONE)
        most = min(_MOST_OF_ONE, _MOST_AT_ONCE - under_way.total())
        return await self._database.transact(
            lambda tx: order_rows.take(tx, shard.n, most=most, busy=busy), claims=[shard.n], fence=shard.fence
        )

    async def _deliver(self, shard: Shard, attempt: Attempt) -> None:
        message = attempt.message
        outcome = await attempted(
            self._attempt(attempt), lambda reason: self._again(attempt, reason), way="partner"
        )
        self._note(attempt, outcome)

        async def settle(tx: Tx) -> None:
            await order_rows.settle(tx, message, outcome)

        await self._database.transact(settle, workspaces=[message.workspace_id], fence=shard.fence)

    async def _attempt(self, attempt: Attempt) -> Outcome:
        """What came of one attempt. Raises Unavailable, EgressRefused and ProviderUnavailable."""
        message, now = attempt.message, self._clock.now()
        if now >= message.give_up_at:
            return self._failed("too late")
        if self._links is None:
            return self._again(attempt, "WAYPOST_PUBLIC_URL of the router is not set")
        partner = await self._partner_of(message.workspace_id, message.queue)
        to = _addressee(message, partner)
        if to is None:
            return self._failed("the partner is not configured any more")
        url, secret = to
        try:
            key = hmac_key(self._vault.open(message.workspace_id, secret))
        except ValueError:
            key = None
        if key is None:
            return self._again(attempt, "the partner's secret cannot sign")
        body = body_of(message, self._links)
        answer = await self._egress.post(url, body, signed(key, message.webhook_id, body, now))
        if 200 <= answer.status < 300:
            return Outcome(state=MessageState.SENT, finished_at=self._clock.now())
        if answer.status == _GONE:
            await self._give_up(message)
            return self._failed("answered 410")
        wish = retry_after(answer.retry_after, self._clock.now())
        return self._again(attempt, f"answered {answer.status}", wish)

    async def _give_up(self, message: OrderMessage) -> None:
        """The partner takes nothing more at its address: what it was offered there need not wait for an answer."""
        if message.event is OrderEvent.OFFERED:
            await self._decline(message.workspace_id, message.queue, message.offer_id, "its address answered 410")

    def _failed(self, detail: str) -> Outcome:
        return Outcome(state=MessageState.FAILED, detail=detail, finished_at=self._clock.now())

    def _again(self, attempt: Attempt, detail: str, wish: timedelta | None = None) -> Outcome:
        message = attempt.message
        waited = pause(message.offer_id, attempt.attempts, wish, longest=_LONGEST_PAUSE)
        at = self._clock.now() + waited
        if at >= message.give_up_at:
            return self._failed(detail)
        return Outcome(state=MessageState.PENDING, detail=detail, next_attempt_at=at)

    def _note(self, attempt: Attempt, outcome: Outcome) -> None:
        event, level = _LOGGED[outcome.state]
        message = attempt.message
        self._attempts.labels(message.event, outcome.state).inc()
        log.log(
            level, event, way="partner", queue=message.queue, message=message.webhook_id, detail=outcome.detail
        )


def _addressee(message: OrderMessage, partner: Partner | None) -> tuple[str, str] | None:
    """Address and sealed secret of whom a message is for; none where there is nobody.

    Whoever was offered an order is told of it as long as it lasts, with their new secret where they have one. But
    nothing is offered any more to whom the queue does not stand for.
    """
    if partner is not None and message.url in (None, partner.url):
        return partner.url, partner.secret
    if message.event is OrderEvent.OFFERED or message.url is None or message.secret is None:
        return None
    return message.url, message.secret


_DEBUG, _INFO, _WARNING = 10, 20, 30
_LOGGED = {
    MessageState.SENT: (Log.NOTIFICATION_SENT, _DEBUG),
    MessageState.PENDING: (Log.NOTIFICATION_DELAYED, _INFO),
    MessageState.FAILED: (Log.NOTIFICATION_FAILED, _WARNING),
}
