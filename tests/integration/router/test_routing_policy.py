"""What a policy says, from its configuration over what is stored to what it does and explains."""

from typing import Any

import asyncpg

from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor, words
from tests.system import System

ALWAYS = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
CALENDARS = [
    {"id": "always", "time_zone": "Europe/Berlin", "weekly": ALWAYS},
    {"id": "never-open", "time_zone": "UTC"},
]


async def configure(floor: Floor, policy: dict[str, Any], **more: Any) -> None:
    part = {**CONFIGURATION, "calendars": CALENDARS, "time_zone": "Asia/Tokyo", "policy": policy, **more}
    answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text


async def test_a_policy_that_refers_to_nothing_is_refused_with_every_place(floor: Floor) -> None:
    rule = {"id": "r", "when": "calendar.night", "queue": "general", "preferred_agent": {"agent": "zoe"}}
    policy = {
        "rules": [rule],
        "default": {"queue": "general", "split": [{"weight": 1}, {"weight": 1, "queue": "x"}]},
    }
    part = {**CONFIGURATION, "calendars": CALENDARS, "policy": policy}
    answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert sorted(problem["pointer"] for problem in answer.json()["errors"]) == [
        "/policy/default/split/1/queue",
        "/policy/rules/0/preferred_agent/agent",
        "/policy/rules/0/when",
    ]


async def test_work_goes_by_calendars_and_time_and_a_failing_condition_is_counted(floor: Floor) -> None:
    open_now = 'calendar.always && !calendar["never-open"] && time.hour >= 0 && channel.kind == "email"'
    rules = [
        {"id": "vip", "when": 'ticket.labels.vip == "yes"', "queue": "general"},
        {"id": "any", "when": 'ticket.labels.map(label, label)[0] == "vip"', "queue": "general"},
        {"id": "open", "when": open_now, "queue": "billing", "skip_if": "nobody_ready"}
        | {"steps": [{"after": "1h", "queue": "general", "raise_by": 1}]},
    ]
    await configure(floor, {"rules": rules, "default": {"queue": "general"}})
    await floor.set_state("ann")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    assert offer["queue"] == "general"
    said = words(await floor.decisions("t"))
    assert said[0].startswith(
        "Rule open holds after vip (reads a field that is not there), any (reads an element that a list has not):"
        " it waits in queue billing"
    )
    assert said[1].startswith("Nobody could be asked, so step 1 opens early: now in queue general")
    assert said[2] == "Its priority is high now because it has waited for so long."
    metrics = (await floor.http.get("/metrics")).text
    counted = 'waypost_policy_condition_failures_total{reason="reads a field that is not there"}'
    assert any(line.startswith(counted) for line in metrics.splitlines())


async def test_work_is_held_for_its_agent_and_the_rows_say_so(router: System, floor: Floor) -> None:
    preferred = {"label": "owner", "wait": "1h", "ignore_capacity": False}
    limits = {"email": {"cost": 100, "most": 1}}
    await configure(
        floor, {"default": {"queue": "general", "tier_mode": "exact", "preferred_agent": preferred}}, limits=limits
    )
    await floor.set_state("bob")
    await floor.open_ticket("first")
    await floor.accept("bob", "first")
    await floor.set_state("ann")
    await floor.open_ticket("held", labels={"owner": "bob"})
    await _is_known(floor, "held")
    await floor.open_ticket("free")
    await floor.offered("ann", "free")
    connection = await asyncpg.connect(router.databases["router"].url)
    await connection.execute("SELECT set_config('app.workspaces', $1, false)", floor.workspace_id)
    row = await connection.fetchrow(
        "SELECT state, preferred_agent_id, held_until - queued_at AS held FROM work_item"
        " WHERE workspace_id = $1 AND ticket_id = $2",
        floor.workspace_id,
        floor.ticket_id("held"),
    )
    await connection.close()
    assert row is not None
    assert (row["state"], row["preferred_agent_id"], row["held"].total_seconds()) == ("queued", "bob", 3600)
    await floor.set_state("bob", "offline")
    answer = await floor.http.post(f"/v1/offers/{(await floor.offers('ann'))[0]['offer_id']}/accept")
    assert answer.status_code == 200
    said = words(await floor.decisions("held"))
    assert "; bob is asked first, and alone until" in said[0]
    assert said[1] == "It was held for bob: they cannot have it now. Whoever fits may be asked now."


async def test_tickets_are_divided_and_the_record_names_the_share(floor: Floor) -> None:
    split = [{"weight": 1}, {"weight": 1, "queue": "billing"}]
    await configure(floor, {"default": {"queue": "general", "split": split}})
    names = [f"t{number}" for number in range(12)]
    for name in names:
        await floor.open_ticket(name)
    said = [words(await floor.decisions(name))[0] for name in names if await _is_known(floor, name)]
    assert {"share 1 of 2: it waits in queue general", "share 2 of 2: it waits in queue billing"} == {
        text.split(" holds, ")[1].split(" for tier")[0] for text in said
    }


async def test_work_that_no_step_loosens_any_more_is_shown_and_counted(floor: Floor) -> None:
    steps = [{"after": "1s", "lower": {"german": 4}}]
    await configure(floor, {"default": {"queue": "general", "skills": {"german": 5}, "steps": steps}})
    before = await _stuck(floor)
    assert before[0] == 0
    await floor.open_ticket("t")

    async def is_stuck() -> bool:
        shown, counted = await _stuck(floor)
        return (shown, counted - before[1]) == (1, 1)

    await eventually(is_stuck)
    await floor.set_state("ann")
    await floor.accept("ann", "t")
    assert await _stuck(floor) == (0, before[1] + 1)


async def _stuck(floor: Floor) -> tuple[int, float]:
    """How much is stuck in queue general, and how often anything ever was."""
    shown = (await floor.http.get("/v1/queues/general")).json()["stuck"]
    lines = (await floor.http.get("/metrics")).text.splitlines()
    (counted,) = [line for line in lines if line.startswith("waypost_work_stuck_total ")]
    return shown, float(counted.split()[1])


async def _is_known(floor: Floor, name: str) -> bool:
    async def probe() -> bool:
        answer = await floor.http.get(f"/v1/tickets/{floor.ticket_id(name)}/decisions")
        return answer.status_code == 200 and bool(answer.json()["items"])

    return bool(await eventually(probe, what=f"{name} is decided"))
