"""Opening hours over HTTP."""

from tests.integration.router.floor import Floor, words
from tests.integration.router.hours import another_day, configure, general


async def test_a_closed_queue_keeps_its_work_until_it_opens(floor: Floor) -> None:
    await configure(floor, queue={"hours": {"weekly": another_day()}})
    await floor.set_state("bob")
    await floor.open_ticket("t")
    await floor.open_ticket("bill", labels={"product": "bill"})
    await floor.accept("bob", "bill")
    closed = await general(floor)
    assert (closed["is_open"], closed["waiting"]) == (False, 1)
    path = f"/v1/work/{floor.ticket_id('bill')}/transfer"
    moved = await floor.http.post(path, json={"queue": "general", "reason": "not a bill"})
    assert (moved.json()["queue"], moved.json()["opens_at"]) == ("general", closed["turns_at"])
    assert "is closed until" in words(await floor.decisions("t"))[0]
    assert await floor.offers("bob") == []
    await configure(floor)
    await floor.offered("bob", "t")
    assert (await general(floor))["is_open"] is True


async def test_a_document_that_closes_too_often_or_cannot_be_read_is_refused(floor: Floor) -> None:
    hours = ",".join(map(str, range(24)))
    often = f"DTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR={hours}"
    year = floor.system.services["router"].runtime.clock.now().year - 1
    for lines, problem in (
        ("DTSTART;VALUE=TEXT:20260101", "ical 1: event 1: its DTSTART is not a date or a time"),
        (often, f"ical 1: closes more than 5000 times in {year}"),
    ):
        text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR"
        part = {"calendars": [{"id": "office", "time_zone": "UTC", "ical": [{"text": text}]}]}
        answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"] == [{"pointer": "/calendars/0", "detail": problem}]


async def test_new_work_goes_to_the_queue_that_stands_in(floor: Floor) -> None:
    await configure(floor, queue={"hours": {"weekly": another_day()}, "closed_to": "billing"})
    await floor.set_state("bob")
    await floor.open_ticket("t")
    assert (await floor.offered("bob", "t"))["queue"] == "billing"


async def test_an_escalation_into_a_closed_queue_goes_to_the_one_that_stands_in(floor: Floor) -> None:
    await configure(
        floor,
        queue={"hours": {"weekly": another_day()}, "closed_to": "billing"},
        bob={"support_tier": 2},
    )
    await floor.set_state("bob")
    await floor.open_ticket("t")
    await floor.escalate("t", queue="general", support_tier=2)
    assert (await floor.offered("bob", "t"))["queue"] == "billing"
    said = words(await floor.decisions("t"))
    assert any("it was escalated" in line and "billing stands in for it" in line for line in said), said
