"""What vendors tell about messages that they took."""

import asyncio
from datetime import timedelta
from itertools import permutations

import httpx
from sqlalchemy import text

from services.intake.adapters.outbound import receipts
from services.intake.adapters.outbound.deliveries import forget_unknown
from services.intake.domain.message import DeliveryState
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.outbound.desk import Desk
from tests.integration.intake.scan import tables_with
from tests.integration.intake.vendors import Scripted

S = DeliveryState
_KEPT = text("SELECT count(*) FROM delivery_receipt")
_WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    " WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted"
)


async def kept(desk: Desk) -> int:
    async def unit(tx: Tx) -> int:
        return int((await tx.execute(_KEPT)).scalar_one())

    return await desk.database.transact(unit, workspaces=[desk.workspace_id])


async def test_receipts_in_any_order_show_how_far_a_message_has_got(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    for order in permutations((S.SENT, S.DELIVERED, S.READ)):
        receipt = await desk.reply(ticket_id)
        await desk.until(receipt, "sent")
        await desk.tell("texts", await desk.provider_id(receipt), *order, *order)
        delivery = await desk.until(receipt, "read")
        assert delivery["sent_at"]
        assert delivery["delivered_at"]
        assert delivery["read_at"]
    (shown, *_) = [
        entry["message"]["delivery"]
        for entry in (await desk.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
        if entry["message"] and entry["message"]["kind"] == "outbound"
    ]
    assert (shown["state"], shown["failed_at"]) == ("read", None)


async def test_a_receipt_that_says_lost_is_listed_told_and_final(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    receipt = await desk.reply(ticket_id)
    await desk.until(receipt, "sent")
    provider_id = await desk.provider_id(receipt)
    for _ in range(2):
        await desk.tell("texts", provider_id, S.FAILED, reason="the phone is switched off (Twilio: 30003)")
    await desk.tell("texts", provider_id, S.SENT)
    delivery = await desk.until(receipt, "failed")
    assert delivery["last_error"] == "the phone is switched off (Twilio: 30003)"
    (listed,) = await desk.listed(state="failed")
    assert listed["message_id"] == receipt["message"]["message_id"]
    entries = (await desk.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
    losses = [entry for entry in entries if entry["event"] and entry["event"]["type"] == "message.delivery_failed"]
    assert len(losses) == 1
    await desk.tell("texts", provider_id, S.DELIVERED)
    assert (await desk.until(receipt, "delivered"))["last_error"] is None


async def test_why_a_message_was_lost_goes_with_whom_it_was_for(desk: Desk) -> None:
    canary = "zyzzyva"
    ticket_id = await desk.ticket("texts")
    receipt = await desk.reply(ticket_id)
    await desk.until(receipt, "sent")
    await desk.tell("texts", await desk.provider_id(receipt), S.FAILED, reason=f"{canary} is unknown")
    customer_id = (await desk.http.get(f"/v1/tickets/{ticket_id}")).json()["customer_id"]
    assert await tables_with(desk.system, desk.workspace_id, canary) == ["delivery"]
    assert (await desk.http.delete(f"/v1/customers/{customer_id}")).status_code == 204
    assert await tables_with(desk.system, desk.workspace_id, canary) == []


async def test_a_receipt_that_is_faster_than_our_commit_is_not_lost(desk: Desk) -> None:
    """The vendor tells while it still answers us."""
    sid = f"SM-early-{desk.workspace_id}"

    async def tell() -> None:
        await desk.tell("texts", sid, S.DELIVERED)

    desk.vendors.script(desk.words, Scripted(201, {"sid": sid}, before=tell))
    receipt = await desk.reply(await desk.ticket("texts"))
    delivery = await desk.until(receipt, "delivered")
    assert delivery["sent_at"]
    assert await kept(desk) == 0


async def test_receipts_and_our_commit_race_and_none_is_lost(desk: Desk) -> None:
    """Told from beside, at about the moment at which we commit."""
    ticket_id = await desk.ticket("texts")
    telling: list[asyncio.Task[None]] = []
    sent = []
    for number in range(20):
        sid = f"SM-{desk.workspace_id}-{number}"

        async def begin(sid: str = sid, pause_s: float = number / 4000) -> None:
            async def tell() -> None:
                await asyncio.sleep(pause_s)
                await desk.tell("texts", sid, S.READ)

            telling.append(asyncio.create_task(tell()))

        desk.vendors.script(f"{desk.words}{number}.", Scripted(201, {"sid": sid}, before=begin))
        sent.append(await desk.reply(ticket_id, f"{desk.words}{number}."))
    for receipt in sent:
        await desk.until(receipt, "read")
    await asyncio.gather(*telling)
    assert await kept(desk) == 0


async def test_another_channel_s_receipt_says_nothing(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("texts"))
    await desk.until(receipt, "sent")
    await desk.tell("whatsapp", await desk.provider_id(receipt), S.READ)
    assert (await desk.delivery(receipt["message"]["message_id"]))["state"] == "sent"
    assert await kept(desk) == 1


async def test_receipts_of_messages_that_are_not_ours_are_forgotten(desk: Desk) -> None:
    await desk.tell("texts", "SM-somebody-else", S.SENT, S.DELIVERED, S.SENT)
    assert await kept(desk) == 1

    async def later(tx: Tx) -> None:
        tx.clock_shift += timedelta(days=8)
        await forget_unknown(tx)

    await desk.database.transact(forget_unknown, workspaces=[desk.workspace_id])
    assert await kept(desk) == 1
    await desk.database.transact(later, workspaces=[desk.workspace_id])
    assert await kept(desk) == 0


async def test_who_has_it_sent_again_waits_for_what_is_being_told(desk: Desk) -> None:
    """Both lock the provider's id before the delivery: neither waits for the other in turn."""
    receipt = await desk.reply(await desk.ticket("texts"))
    await desk.until(receipt, "sent")
    key = desk.workspace_id, "texts", await desk.provider_id(receipt)
    await desk.tell("texts", key[2], S.FAILED, reason="blocked")

    async def waiting(tx: Tx) -> int:
        return int((await tx.execute(_WAITING)).scalar_one())

    async def waits() -> bool:
        assert await desk.database.transact(waiting) == 1
        return True

    async def telling(tx: Tx) -> asyncio.Task[httpx.Response]:
        await receipts.lock_names(tx, [key])
        retrying = asyncio.create_task(desk.retry(receipt["message"]["message_id"]))
        await eventually(waits)
        assert (await receipts.lock_known(tx, [key]))[key].state is S.FAILED
        return retrying

    retrying = await desk.database.transact(telling, workspaces=[desk.workspace_id])
    assert (await retrying).status_code == 200
    await desk.until(receipt, "sent")


async def test_what_is_tried_again_is_told_of_anew(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("texts"))
    await desk.until(receipt, "sent")
    first = await desk.provider_id(receipt)
    await desk.tell("texts", first, S.FAILED, reason="blocked")
    await desk.until(receipt, "failed")
    assert (await desk.retry(receipt["message"]["message_id"])).status_code == 200
    await desk.until(receipt, "sent")

    async def renamed() -> bool:
        return await desk.provider_id(receipt) != first

    await eventually(renamed)
    await desk.tell("texts", first, S.FAILED, reason="blocked")
    assert (await desk.delivery(receipt["message"]["message_id"]))["state"] == "sent"
