"""Shifts, leave and opening hours over HTTP, with real time passing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor, words

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def another_day() -> dict[str, list[str]]:
    """Weekly hours on a day that is neither today nor tomorrow, wherever today begins."""
    return {DAYS[(datetime.now(UTC).weekday() + 3) % 7]: ["09:00-17:00"]}


def absence(start_s: float, end_s: float) -> dict[str, str]:
    """Time off between so many seconds from now and so many."""
    now = datetime.now(UTC)
    return {
        name: (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        for name, seconds in (("start", start_s), ("end", end_s))
    }


async def configure(floor: Floor, *, queue: dict[str, Any] | None = None, **hours: dict[str, Any]) -> None:
    """The floor's configuration with hours of its agents and another queue `general`."""
    agents = [{**agent, **hours.get(agent["id"], {})} for agent in CONFIGURATION["agents"]]
    general = {"id": "general", "offer_timeout": "60s", **(queue or {})}
    changed = {**CONFIGURATION, "agents": agents, "queues": [general, CONFIGURATION["queues"][1]]}
    answer = await floor.http.put("/v1/configuration", json=changed, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def general(floor: Floor) -> dict[str, Any]:
    return dict((await floor.http.get("/v1/queues/general")).json())


async def test_who_is_on_leave_or_off_shift_is_asked_when_they_are_back(floor: Floor) -> None:
    await configure(floor, ann={"time_off": [absence(-60, 4)]}, bob={"shifts": another_day()})
    await floor.set_state("ann")
    await floor.set_state("bob")
    await floor.open_ticket("t")

    async def waits() -> bool:
        return bool((await general(floor))["waiting"] == 1)

    await eventually(waits)
    shown = {agent["agent_id"]: agent for agent in (await floor.http.get("/v1/agents")).json()["items"]}
    assert [shown[name]["is_on_duty"] for name in ("ann", "bob", "eve")] == [False, False, True]
    assert datetime.fromisoformat(shown["bob"]["duty_turns_at"]).hour == 9
    assert shown["eve"]["duty_turns_at"] is None
    assert await floor.offers("bob") == []
    offer = await floor.offered("ann", "t")
    back_at = datetime.fromisoformat(shown["ann"]["duty_turns_at"])
    assert datetime.fromisoformat(offer["offered_at"]) >= back_at
    assert "1 off shift" in words(await floor.decisions("t"))[-1]


async def test_what_absent_people_have_comes_back_when_their_leave_begins(floor: Floor) -> None:
    queue = {"offer_mode": "auto", "return_after": "1s"}
    await configure(floor, queue=queue, ann={"time_off": [absence(3, 60)]})
    await floor.set_state("ann")
    ticket_id = await floor.open_ticket("t")

    async def has_it(agent_id: str) -> bool:
        return [item["ticket_id"] for item in await floor.work(agent_id)] == [str(ticket_id)]

    await eventually(lambda: has_it("ann"))
    await floor.set_state("bob")
    await floor.set_state("ann", "away")
    await eventually(lambda: has_it("bob"))
    assert (await floor.http.get("/v1/agents/ann")).json()["is_on_duty"] is False


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


async def test_new_work_goes_to_the_queue_that_stands_in(floor: Floor) -> None:
    await configure(floor, queue={"hours": {"weekly": another_day()}, "closed_to": "billing"})
    await floor.set_state("bob")
    await floor.open_ticket("t")
    assert (await floor.offered("bob", "t"))["queue"] == "billing"
