"""The present state, published for readers that have lost their history."""

import httpx

from tests.integration.router.crowd import employ
from tests.integration.router.floor import Floor
from tests.loop import turns


async def test_a_snapshot_tells_live_work_and_agents(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    await floor.accept("ann", "t")
    answer: httpx.Response = await floor.http.post("/v1/snapshots")
    assert answer.status_code == 202
    assert answer.json() == {"published": 4}


async def test_a_snapshot_of_many_agents_lets_others_be_served(floor: Floor) -> None:
    week = {day: ["08:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    absences = [{"start": f"2026-{month:02}-01", "end": f"2026-{month:02}-07"} for month in range(1, 4)]
    await employ(
        floor,
        [f"agent-{number:04}" for number in range(5000)],
        of_agents={"shifts": week, "time_off": absences},
    )
    async with turns() as seen:
        answer: httpx.Response = await floor.http.post("/v1/snapshots")
    assert answer.json() == {"published": 5003}
    assert seen.longest_s < 0.15
