"""Messages of channels whose providers know conversations, or that have none at all."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.replies import ChatReplies
from services.intake.adapters.store import PostgresConversations
from services.intake.adapters.watching import TicketWatch
from services.intake.adapters.workspaces import PostgresWorkspaces
from services.intake.app.ports import Receipt
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.domain.message import Identity, IdentityKind, InboundMessage, Media, Sender
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.ids import SystemIds
from shared.vault import AesVault
from tests.integration.intake.office import Office

IDS = SystemIds()
CHANNELS = [{"id": "api", "kind": "api"}, {"id": "texts", "kind": "sms"}, {"id": "chat", "kind": "chat"}]


def a_message(office: Office, sender: str | None = "+4930123456", **fields: Any) -> InboundMessage:
    """As a provider's adapter hands it on."""
    identity = Identity(kind=IdentityKind.PHONE, value=sender) if sender else None
    named = {"channel": "texts", "subject": "", "text": "Help", "text_new": "Help", **fields}
    return InboundMessage(
        workspace_id=office.workspace_id, message_id=IDS.new(), sender=Sender(identity=identity), **named
    )


async def receive(office: Office, *messages: InboundMessage) -> list[Receipt]:
    """What becomes of messages that share a commit."""
    runtime = office.system.services["intake"].runtime
    bells = Bells("delivery", 12)
    conversations = PostgresConversations(
        12, TicketWatch(runtime.relaying, 12), bells, ChatReplies(12, bells), Bells("notice", 12)
    )
    workspaces = PostgresWorkspaces(runtime.database, AesVault(b"a key that is of no use in these tests"))

    async def unit(tx: Tx) -> Sequence[object]:
        await runtime.seen.remember(tx, {office.workspace_id})
        return await receive_messages(
            [Arrival(message, Cause()) for message in messages],
            tx=tx,
            conversations=conversations,
            workspaces=workspaces,
            ids=IDS,
        )

    results = await runtime.database.transact(unit, workspaces=[office.workspace_id])
    return [result for result in results if isinstance(result, Receipt)]


async def at_once(office: Office, *messages: InboundMessage) -> list[Receipt]:
    """What becomes of messages of which each has a commit of its own."""
    return [receipt for (receipt,) in await asyncio.gather(*(receive(office, message) for message in messages))]


def outcomes(receipts: Sequence[Receipt]) -> list[str]:
    return [receipt.disposition.value for receipt in receipts]


async def close(office: Office, ticket_id: UUID | None) -> None:
    for status in ("solved", "closed"):
        await office.change(str(ticket_id), status=status)


async def test_first_messages_of_one_sender_end_in_one_ticket_however_they_come(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    together = await receive(office, *(a_message(office, continues=True) for _ in range(3)))
    assert outcomes(together) == ["opened", "appended", "appended"]
    apart = await at_once(office, *(a_message(office, "+4930777", continues=True) for _ in range(6)))
    assert Counter(outcomes(apart)) == {"opened": 1, "appended": 5}
    assert len({receipt.ticket_id for receipt in apart}) == 1
    assert {receipt.ticket_id for receipt in apart} != {receipt.ticket_id for receipt in together}


async def test_first_messages_of_one_thread_end_in_one_ticket_whoever_writes(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    written = [
        a_message(office, sender, channel="chat", thread_key="C1:169.1")
        for sender in (None, "+4930123456", None, "+4930777", None)
    ]
    apart = await at_once(office, *written)
    assert Counter(outcomes(apart)) == {"opened": 1, "appended": 4}
    (opened,) = {receipt.ticket_id for receipt in apart}
    together = await receive(
        office,
        a_message(office, None, channel="chat", thread_key="C1:169.1"),
        a_message(office, None, channel="chat", thread_key="C1:169.2"),
        a_message(office, None, channel="chat", thread_key="C1:169.2"),
    )
    assert [receipt.ticket_id == opened for receipt in together] == [True, False, False]
    assert outcomes(together) == ["appended", "opened", "appended"]
    shown = await office.timeline(str(opened))
    assert all(entry["message"]["is_public"] for entry in shown if entry["message"])


async def test_a_thread_means_nothing_in_another_channel(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    receipts = await receive(
        office, a_message(office, thread_key="1"), a_message(office, channel="chat", thread_key="1")
    )
    assert outcomes(receipts) == ["opened", "opened"]


async def test_a_follow_up_takes_the_thread_over(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    (first,) = await receive(office, a_message(office, None, thread_key="1"))
    await close(office, first.ticket_id)
    apart = await at_once(office, *(a_message(office, None, thread_key="1") for _ in range(4)))
    assert Counter(outcomes(apart)) == {"opened": 1, "appended": 3}
    (follow_up,) = {receipt.ticket_id for receipt in apart}
    assert (await office.ticket(str(follow_up)))["follow_up_of"] == str(first.ticket_id)
    await close(office, follow_up)
    together = await receive(office, *(a_message(office, None, thread_key="1") for _ in range(2)))
    assert outcomes(together) == ["opened", "appended"]
    assert (await office.ticket(str(together[0].ticket_id)))["follow_up_of"] == str(follow_up)


async def test_threads_and_texts_follow_a_merged_ticket(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    (source,) = await receive(office, a_message(office, thread_key="1"))
    (target,) = await receive(office, a_message(office, "+4930777"))
    answer = await office.http.post(f"/v1/tickets/{source.ticket_id}/merge", json={"into": str(target.ticket_id)})
    assert answer.status_code == 200
    receipts = await receive(office, a_message(office, thread_key="1"), a_message(office, continues=True))
    assert {receipt.ticket_id for receipt in receipts} == {target.ticket_id}
    await close(office, target.ticket_id)
    receipts = await receive(office, a_message(office, continues=True), a_message(office, thread_key="1"))
    assert outcomes(receipts) == ["opened", "opened"]
    followed = [(await office.ticket(str(receipt.ticket_id)))["follow_up_of"] for receipt in receipts]
    assert followed == [None, str(target.ticket_id)]


async def test_a_text_goes_on_with_the_newest_ticket_of_its_channel_that_is_not_closed(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    tickets = [(await receive(office, a_message(office)))[0].ticket_id for _ in range(3)]
    await receive(office, a_message(office, channel="chat"))
    await close(office, tickets[2])
    await office.change(str(tickets[1]), status="solved")
    (receipt,) = await receive(office, a_message(office, continues=True))
    assert (receipt.disposition, receipt.ticket_id) == ("reopened", tickets[1])
    for ticket_id in tickets[:2]:
        await close(office, ticket_id)
    (receipt,) = await receive(office, a_message(office, continues=True))
    assert receipt.disposition == "opened"


async def test_a_text_after_the_time_for_reopening_follows_the_solved_ticket(office: Office) -> None:
    await office.configure(channels=[{"id": "texts", "kind": "sms", "follow_up": "new_linked"}])
    (first,) = await receive(office, a_message(office, continues=True))
    await office.change(str(first.ticket_id), status="solved")
    receipts = await receive(office, a_message(office, continues=True), a_message(office, continues=True))
    assert outcomes(receipts) == ["opened", "appended"]
    assert (await office.ticket(str(receipts[0].ticket_id)))["follow_up_of"] == str(first.ticket_id)


async def test_what_names_a_closed_ticket_goes_on_in_the_one_that_follows_it(office: Office) -> None:
    first = await office.open_ticket()
    await close(office, UUID(first))
    bodies = [office.message(ticket_id=first) for _ in range(4)]
    answers = await asyncio.gather(*(office.http.post("/v1/messages", json=body) for body in bodies))
    assert Counter(answer.json()["disposition"] for answer in answers) == {"opened": 1, "appended": 3}
    (second,) = {answer.json()["ticket_id"] for answer in answers}
    await close(office, second)
    third = (await office.send(ticket_id=first))["ticket_id"]
    assert (await office.ticket(third))["follow_up_of"] == second
    # A closed ticket can still be merged, and whoever asks for it is led on.
    target = await office.open_ticket()
    merged = await office.http.post(f"/v1/tickets/{second}/merge", json={"into": target})
    assert merged.status_code == 200
    assert (await office.send(ticket_id=second))["ticket_id"] == target


async def test_media_wait_to_be_fetched(office: Office) -> None:
    await office.configure(channels=CHANNELS)
    files = (Media(url="https://media.example/1", media_type="image/png", filename="a.png"), Media(url="2"))
    (receipt,) = await receive(office, a_message(office, media=files))

    async def unit(tx: Tx) -> list[tuple[object, ...]]:
        columns = "message_id, channel, url, media_type, filename, state, attempts"
        rows = await tx.execute(text(f"SELECT {columns} FROM media_fetch ORDER BY attachment_id"))
        return [tuple(row) for row in rows]

    database = office.system.services["intake"].runtime.database
    waiting = await database.transact(unit, workspaces=[office.workspace_id])
    assert waiting == [
        (receipt.message_id, "texts", "https://media.example/1", "image/png", "a.png", "waiting", 0),
        (receipt.message_id, "texts", "2", "application/octet-stream", None, "waiting", 0),
    ]
