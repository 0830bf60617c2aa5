"""What customers are told without anybody writing it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from services.intake.adapters.answering.quotas import forget_quotas
from shared.db.engine import open_engine
from shared.events.escalations import EscalationRaisedV2, Notify
from shared.events.tickets import ReplySentV1
from tests.eventually import eventually
from tests.integration.intake.notices import ALL, TEMPLATES, Json, outcomes
from tests.integration.intake.office import Office
from tests.scribe import uid
from tests.system import System

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def configure(office: Office, **notices: object) -> None:
    channel = {"id": "api", "kind": "api", "language": "en", "notices": notices or ALL}
    await office.configure(channels=[channel], templates=TEMPLATES, staff=[{"agent": "ada", "name": "Ada"}])


async def sent(office: Office, ticket_id: str, *purposes: str) -> list[Json]:
    """What the customer was sent, once it is this."""

    async def probe() -> list[Json]:
        entries = await office.timeline(ticket_id)
        found = [entry["message"] for entry in entries if (entry["message"] or {}).get("kind") == "outbound"]
        assert [message["purpose"] for message in found] == list(purposes)
        return found

    return list(await eventually(probe))


async def settled(office: Office, count: int) -> list[tuple[str, str, str | None]]:
    """What has become of the notices, once something has become of so many."""

    async def probe() -> list[tuple[str, str, str | None]]:
        found = await outcomes(office.system, office.workspace_id)
        assert sum(state != "due" for _, state, _ in found) == count, found
        return found

    return list(await eventually(probe, within_s=30))


def escalated(office: Office, step: int = 1, trigger: str = "sla.breached") -> EscalationRaisedV2:
    return EscalationRaisedV2(
        escalation_id=uid(f"{office.workspace_id}/escalation"),
        ticket_id=uid("t"),
        policy="late",
        policy_version=1,
        level=1,
        step=step,
        trigger=trigger,
        metric=None,
        action=Notify(recipients=1),
    )


async def test_a_request_is_acknowledged_and_nothing_else_happens_to_it(office: Office) -> None:
    await configure(office, received="received")
    ticket_id = await office.open_ticket(subject="Printer", sender={"email": "ada@example.org", "name": "Ada"})
    (ack,) = await sent(office, ticket_id, "ack")
    assert (ack["author_kind"], ack["author_id"]) == ("system", "template:received")
    number = (await office.ticket(ticket_id))["number"]
    assert ack["subject"] == f"We have your request #{number}"
    # Nobody vouches for who wrote this: what they wrote is not repeated.
    assert ack["text"] == "Dear customer, about your request: we are on it."
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["first_replied_at"]) == ("new", None)
    *_, told = await office.told(ticket_id, "ticket.opened", "ticket.message_received", "ticket.reply_sent")
    assert isinstance(told.data, ReplySentV1)
    assert (told.data.author_kind, told.data.author_id, told.data.purpose) == ("system", None, "ack")


async def test_a_second_message_of_the_ticket_is_not_acknowledged(office: Office) -> None:
    await configure(office, received="received")
    ticket_id = await office.open_ticket()
    await sent(office, ticket_id, "ack")
    await office.send(ticket_id=ticket_id)
    assert await settled(office, 1) == [("received", "sent", None)]
    await sent(office, ticket_id, "ack")


async def test_assignment_and_escalation_are_told_once(office: Office) -> None:
    await configure(office, assigned="news", escalated="news")
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    warned = scribe.tell(escalated(office, trigger="sla.warned"), NOW)
    # Nobody is late yet: a warning is the staff's affair.
    await office.tell_about(ticket_id, warned, scribe.queued("t", NOW), scribe.assigned("t", NOW, agent="ada"))
    (told,) = await sent(office, ticket_id, "status")
    assert told["text"] == "Ada works on it."
    again = [scribe.requeued("t", NOW), scribe.assigned("t", NOW, agent="grace")]
    raised = [scribe.tell(escalated(office, step), NOW) for step in (2, 3)]
    await office.tell_about(ticket_id, *again, *raised)
    # A crash publishes events again: a notice is not sent again for it.
    await office.tell_about(ticket_id, *again, *raised)
    await sent(office, ticket_id, "status", "status")
    assert await settled(office, 3) == [
        ("assigned", "sent", None),
        ("escalated", "sent", None),
        ("received", "withheld", "not_configured"),
    ]


async def test_a_solved_ticket_is_told_once_however_often_it_is_solved(office: Office) -> None:
    await configure(office, solved="done")
    ticket_id = await office.open_ticket()
    await office.reply(ticket_id, status="solved")
    await sent(office, ticket_id, "reply", "status")
    await office.send(ticket_id=ticket_id)
    await office.change(ticket_id, status="solved")
    assert await settled(office, 2)
    await sent(office, ticket_id, "reply", "status")


async def test_somebody_who_has_been_answered_is_called_by_name(office: Office) -> None:
    template = {
        "id": "done",
        "purpose": "status",
        "texts": {"en": {"text": "{{customer.name}}: {{ticket.subject}}"}},
    }
    channel = {"id": "api", "kind": "api", "notices": {"solved": "done"}}
    await office.configure(channels=[channel], templates=[template])
    ticket_id = await office.open_ticket(subject="Printer", sender={"email": "ada@example.org", "name": "Ada"})
    await office.reply(ticket_id, status="solved")
    assert (await sent(office, ticket_id, "reply", "status"))[1]["text"] == "Ada: Printer"


@pytest.mark.parametrize(
    ("sender", "why"),
    [
        ({"email": "no-reply@shop.example"}, "machine_address"),
        ({"email": "mailer-daemon@shop.example"}, "machine_address"),
        ({"name": "Somebody"}, "no_address"),
    ],
)
async def test_who_reads_nothing_gets_nothing(office: Office, sender: Json, why: str) -> None:
    await configure(office, received="received")
    await office.open_ticket(sender=sender)
    assert await settled(office, 1) == [("received", "withheld", why)]


async def test_a_notice_is_checked_for_whom_it_goes_to(office: Office) -> None:
    channels = [{"id": "api", "kind": "api", "notices": {"solved": "done"}}, {"id": "shop", "kind": "api"}]
    await office.configure(channels=channels, templates=TEMPLATES)
    ticket_id = await office.open_ticket()
    # The notice leaves by `api`: who wrote last by another channel does not get it.
    await office.send(channel="shop", ticket_id=ticket_id, sender={"email": "no-reply@shop.example"})
    await office.reply(ticket_id, status="solved")
    await sent(office, ticket_id, "reply", "status")


async def test_who_wants_nothing_but_answers_gets_nothing_else(office: Office) -> None:
    await configure(office, received="received")
    customer = {"identities": [{"kind": "email", "value": "ada@example.org"}], "do_not_contact": True}
    assert (await office.http.post("/v1/customers", json=customer)).status_code == 201
    await office.open_ticket()
    assert await settled(office, 1) == [("received", "withheld", "do_not_contact")]


async def test_a_flood_of_one_sender_gets_three_acknowledgements(office: Office) -> None:
    await configure(office, received="received")
    sender = {"email": f"flood+{office.workspace_id}@example.org"}
    messages = [office.message(sender=sender, external_id=str(n)) for n in range(1000)]
    answer = await office.http.post("/v1/messages/batch", json=messages)
    assert {item["disposition"] for item in answer.json()["items"]} == {"opened"}
    found = await settled(office, 1000)
    assert sum(state == "sent" for _, state, _ in found) == 3
    assert {why for _, state, why in found if state == "withheld"} == {"too_many", "too_many_unanswered"}


async def test_three_an_hour_are_counted_over_all_workspaces(office: Office, intake: System) -> None:
    others = [
        await Office.open(intake, office.producer, office.tape, f"{office.workspace_id}-{n}") for n in range(4)
    ]
    for n, one in enumerate(others):
        await configure(one, received="received")
        # Whatever stands behind a plus reaches the same person.
        await one.open_ticket(sender={"email": f"victim+{n}@example.org"})
    found = [(await settled(one, 1))[0] for one in others]
    assert [state for _, state, _ in found].count("sent") == 3
    assert [why for _, _, why in found].count("too_many") == 1


async def test_a_customer_with_five_unanswered_tickets_gets_no_more_notices(office: Office) -> None:
    await configure(office, solved="done")
    tickets = [await office.open_ticket() for _ in range(6)]
    await office.change(tickets[5], status="solved")
    found = await settled(office, 7)
    assert ("solved", "withheld", "too_many_unanswered") in found
    await office.reply(tickets[0])
    await office.change(tickets[4], status="solved")
    await sent(office, tickets[4], "status")


async def test_shards_that_forget_quotas_at_once_wait_for_nobody(office: Office) -> None:
    database = office.system.services["intake"].runtime.database
    names = {"mine": office.workspace_id.encode(), "others": office.workspace_id.encode() + b"-others"}
    left = text("SELECT recipient FROM recipient_turn WHERE recipient IN (:mine, :others)")
    engine = open_engine(office.system.databases["intake"].owner_url, name="tests", pool_size=1)

    async def forget() -> set[bytes]:
        await database.transact(forget_quotas, workspaces=[office.workspace_id])
        rows = await database.transact(lambda tx: tx.execute(left, names), workspaces=[office.workspace_id])
        return {row.recipient for row in rows}

    add = text(
        "INSERT INTO recipient_turn SELECT r, 'received', '{}', now() - interval '2 hours'"
        " FROM unnest(CAST(ARRAY[:mine, :others] AS bytea[])) AS each (r)"
    )
    async with engine.begin() as connection:
        await connection.execute(add, names)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT 1 FROM recipient_turn WHERE recipient = :others FOR UPDATE"), names)
        assert await forget() == {names["others"]}
    await engine.dispose()
    assert await forget() == set()
