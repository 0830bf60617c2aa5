"""Whom one unit of work tells: as many as fit in it, so that a storm is told in several and not in none."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.escalation.adapters.telling import rows
from services.escalation.adapters.telling.delivery import Attempted, Delivery
from services.escalation.adapters.telling.gathering import MOST_TOGETHER, gather
from services.escalation.adapters.telling.leaving_alone import Addressee
from services.escalation.adapters.telling.messages import settle
from services.escalation.domain.digest import Digest
from services.escalation.domain.message import Answer, Message, Outcome
from services.escalation.domain.recipient import Way
from services.escalation.domain.sla_policy import PolicyHistory
from shared.db.unit_of_work import Tx
from shared.ids import SystemIds

_SEEN = "SELECT set_config('app.workspaces', 'acme', true)"
_WAITING = (
    "INSERT INTO notification (workspace_id, notification_id, shard, escalation_id, way, name, address, payload,"
    " state, send_at, created_at) SELECT 'acme', gen_random_uuid(), 0, gen_random_uuid(), 'webhook', :address,"
    " :address, '{}', 'pending', now(), now() FROM generate_series(1, CAST(:number AS integer))"
)
_TOLD = "SELECT address, count(*) AS number FROM notification WHERE send_at IS NULL GROUP BY 1 ORDER BY 1"


async def test_of_many_whole_addressees_are_told_at_once_and_the_others_the_next_time(
    young: AsyncConnection,
) -> None:
    tx = Tx(connection=young, clock_shift=timedelta())
    await tx.execute(text(_SEEN))
    crowds = {"a": MOST_TOGETHER // 2, "b": MOST_TOGETHER // 2 + 1, "c": MOST_TOGETHER + 1}
    for address, number in crowds.items():
        await tx.execute(text(_WAITING), {"address": address, "number": number})
    told = []
    for asked in ("abc", "bc", "c", "c"):
        await gather(tx, await tx.now(), [Addressee("acme", Way.WEBHOOK, address) for address in asked])
        told.append({row.address: row.number for row in await tx.execute(text(_TOLD))})
    first, second = {"a": crowds["a"]}, {"a": crowds["a"], "b": crowds["b"]}
    assert told == [first, second, {**second, "c": MOST_TOGETHER}, {**second, "c": MOST_TOGETHER + 1}]


async def test_an_attempt_that_fails_after_another_was_asked_to_wait_waits_as_long(young: AsyncConnection) -> None:
    tx = Tx(connection=young, clock_shift=timedelta())
    await tx.execute(text(_SEEN))
    for _ in range(2):
        await tx.execute(text(_WAITING), {"address": "a", "number": 1})
    await gather(tx, await tx.now(), [Addressee("acme", Way.WEBHOOK, "a")])
    under_way = [rows.to_message(row) for row in (await tx.execute(text("SELECT * FROM message"))).mappings()]
    for message, wish in zip(under_way, (timedelta(minutes=10), None), strict=True):
        outcome = Outcome(answer=Answer.DEFERRED, wish=wish)
        await settle(tx, [Attempted(delivery(message), outcome, timedelta())], shards=1, ids=SystemIds())
    first, second = (await tx.execute(text("SELECT next_attempt_at FROM message"))).scalars()
    assert first == second > await tx.now() + timedelta(minutes=9)


def delivery(message: Message) -> Delivery:
    digest = Digest(total=1, shown=(), counts=())
    return Delivery(
        message=message, digest=digest, policies=PolicyHistory().latest, is_gone=False, has_another_way=False
    )
