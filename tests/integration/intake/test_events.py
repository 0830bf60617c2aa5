"""What the router and escalation tell, beside a ticket and in its timeline."""

from datetime import UTC, datetime, timedelta

from shared.events.tickets import TicketStatusChangedV1
from shared.vocabulary import SlaMetric, WorkState
from tests.eventually import eventually
from tests.integration.intake.office import Office, shown

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def test_the_router_marks_the_ticket_and_assigning_opens_it(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell_about(ticket_id, scribe.queued("t", at(0), queue="billing", tier=1))
    queued = await office.until(ticket_id, queue="billing", support_tier=1, assignee_id=None, status="new")
    await office.tell_about(ticket_id, scribe.assigned("t", at(1), agent="ada", queue="billing", tier=1))
    assigned = await office.until(ticket_id, assignee_id="ada", status="open")
    assert assigned["version"] > queued["version"]
    *_, event = await office.told(ticket_id, "ticket.opened", "ticket.message_received", "ticket.status_changed")
    assert isinstance(event.data, TicketStatusChangedV1)
    assert (event.data.cause, event.data.actor_kind) == ("assigned", "system")
    assert event.cause.causation_id is not None
    assert [
        item["number"]
        for item in (await office.http.get("/v1/tickets", params={"assignee": "ada"})).json()["items"]
    ] == [1]
    assert [
        item["number"]
        for item in (await office.http.get("/v1/tickets", params={"queue": "billing"})).json()["items"]
    ] == [1]
    await office.tell_about(ticket_id, scribe.requeued("t", at(2), queue="experts", tier=2))
    await office.until(ticket_id, queue="experts", support_tier=2, assignee_id=None, status="open")


async def test_who_had_it_last_stays_its_assignee_until_it_waits_again(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell_about(
        ticket_id, scribe.queued("t", at(0)), scribe.assigned("t", at(1)), scribe.completed("t", at(2))
    )
    await eventually(lambda: _has(office, ticket_id, "work.queued", "work.assigned", "work.completed"))
    assert (await office.ticket(ticket_id))["assignee_id"] == "ada"
    await office.tell_about(ticket_id, scribe.queued("t", at(3), work="again"))
    await office.until(ticket_id, assignee_id=None)


async def test_work_that_is_cancelled_leaves_its_mark(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell_about(ticket_id, scribe.queued("t", at(0)), scribe.cancelled("t", at(1)))
    await eventually(lambda: _has(office, ticket_id, "work.queued", "work.cancelled"))
    assert (await office.ticket(ticket_id))["queue"] == "billing"


async def test_an_older_word_that_comes_late_marks_nothing_but_is_in_the_timeline(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell_about(ticket_id, scribe.queued("t", at(5), work="new", queue="experts"))
    await office.tell_about(ticket_id, scribe.queued("t", at(0), work="old", queue="billing"))
    await eventually(lambda: _has(office, ticket_id, "work.queued", "work.queued"))
    assert (await office.ticket(ticket_id))["queue"] == "experts"


async def test_the_timeline_has_every_services_events_in_the_order_of_time(office: Office) -> None:
    ticket_id = await office.open_ticket(text="Where is it?")
    scribe = office.scribe
    late = datetime.now(UTC) + timedelta(minutes=1)
    await office.tell_about(
        ticket_id, scribe.breached("t", late), scribe.met("t", late, metric=SlaMetric.TIME_IN_QUEUE)
    )
    await office.tell_about(ticket_id, scribe.queued("t", late - timedelta(seconds=30)))
    await office.reply(ticket_id, "Here")
    expected = [
        *("ticket.opened", "Where is it?", "Here", "ticket.status_changed"),
        *("work.queued", "sla.met", "sla.breached"),
    ]

    async def probe() -> bool:
        assert shown(await office.timeline(ticket_id)) == expected
        return True

    await eventually(probe)
    entries = await office.timeline(ticket_id)
    breach = entries[-1]["event"]
    assert (breach["service"], breach["sequence"]) == ("escalation", 1)
    assert (breach["data"]["metric"], breach["data"]["ticket_id"]) == ("first_reply", ticket_id)
    assert sorted(entry["entry"] for entry in entries) == list(range(1, 8))


async def test_pages_of_a_timeline_join_without_gap_or_repeat(office: Office) -> None:
    ticket_id = await office.open_ticket()
    for number in range(6):
        await office.reply(ticket_id, f"Answer {number}")
    whole = await office.timeline(ticket_id)
    parts, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await office.http.get(f"/v1/tickets/{ticket_id}/timeline", params=params)).json()
        parts += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert parts == whole
    assert len(whole) == 9


async def test_what_is_told_twice_stands_once(office: Office) -> None:
    ticket_id = await office.open_ticket()
    event = office.scribe.queued("t", at(0))
    await office.tell_about(ticket_id, event, event)
    await office.tell_about(ticket_id, event, office.scribe.requeued("t", at(1), previous=WorkState.QUEUED))
    await eventually(lambda: _has(office, ticket_id, "work.queued", "work.requeued"))


async def test_what_is_told_of_an_unknown_ticket_hinders_nothing(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell(scribe.queued("nobody knows it", at(0)), scribe.breached("nor this", at(0)))
    await office.tell_about(ticket_id, scribe.queued("t", at(0)))
    await office.until(ticket_id, queue="billing")
    assert (await office.http.get("/v1/parked")).json()["items"] == []


async def test_what_agents_do_is_of_no_ticket(office: Office) -> None:
    ticket_id = await office.open_ticket()
    scribe = office.scribe
    await office.tell(scribe.agent("ada", at(0)), scribe.state("ada", at(0)))
    await office.tell_about(ticket_id, scribe.queued("t", at(0)))
    await office.until(ticket_id, queue="billing")


async def _has(office: Office, ticket_id: str, *types: str) -> bool:
    timeline = await office.timeline(ticket_id)
    told = [entry["event"]["type"] for entry in timeline if entry["event"]]
    assert [name for name in told if name.startswith(("work.", "sla."))] == list(types)
    return True
