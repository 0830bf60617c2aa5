"""`/v1/configuration` of escalation: refused as a whole, planned, versioned."""

from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, target
from tests.scribe import uid


async def test_nothing_is_promised_until_something_is_configured(desk: Desk) -> None:
    answer = await desk.http.get("/v1/configuration")
    assert (answer.status_code, answer.json()["version"]) == (200, 0)
    desk.opened("t", -5)
    await desk.tell()
    assert await eventually(lambda: desk.is_known("t"))
    assert await desk.clocks("t") == []


async def test_a_part_that_breaks_rules_is_refused_with_every_place(desk: Desk) -> None:
    part = {
        "calendars": [{"id": "never", "time_zone": "Europe/Berlin"}],
        "sla_policies": [
            {"id": "p", "when": "ticket.mood == 'angry'", "targets": [target("first_reply", "1s", escalation="x")]}
        ],
    }
    answer = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [
        "/calendars/0",
        "/sla_policies/0/when",
        "/sla_policies/0/targets/0/within",
        "/sla_policies/0/targets/0/escalation",
    ]
    assert (await desk.http.get("/v1/configuration")).json()["version"] == 0


async def test_a_dry_run_answers_the_plan_and_changes_nothing(desk: Desk) -> None:
    part = {"sla_policies": [{"id": "p", "targets": [target("first_reply", "1h")]}]}
    planned = await desk.http.put("/v1/configuration", params={"dry_run": True}, json=part)
    assert [change["path"] for change in planned.json()["changes"]] == ["/sla_policies/p"]
    assert (await desk.http.put("/v1/configuration", json=part)).status_code == 428
    applied = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": '"0"'})
    assert (applied.status_code, applied.json()["version"]) == (200, 1)
    assert (await desk.http.put("/v1/configuration", json=part, headers={"If-Match": '"0"'})).status_code == 412
    again = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": '"1"'})
    assert (again.json()["version"], again.json()["changes"]) == (1, [])


async def test_a_ticket_is_measured_by_the_first_policy_that_holds(desk: Desk) -> None:
    await desk.configure(
        sla_policies=[
            {
                "id": "pressing",
                "when": "ticket.priority in ['urgent', 'high'] && customer.tier == 'standard'",
                "targets": [target("first_reply", "30m")],
            },
            {"id": "rest", "targets": [target("first_reply", "8h")]},
        ]
    )
    desk.opened("urgent", -5, priority="urgent")
    desk.opened("normal", -5)
    await desk.tell()
    assert (await desk.clock("urgent", "first_reply"))["policy"] == "pressing"
    assert (await desk.clock("normal", "first_reply"))["policy"] == "rest"


async def test_a_ticket_that_cannot_be_carried_over_for_whatever_reason_holds_up_nobody(desk: Desk) -> None:
    await desk.promise(target("first_reply", "30d"))
    for name in ("first", "broken", "last"):
        desk.opened(name, -3)
    await desk.tell()
    for name in ("first", "broken", "last"):
        await desk.clock(name, "first_reply", state="running")
    # A promise that its version never made: nobody foresaw that.
    await desk.rows(
        "UPDATE sla_clock SET policy = 'nobodys' WHERE workspace_id = :ws AND ticket_id = :ticket RETURNING 1",
        ws=desk.workspace_id,
        ticket=uid(desk.named("broken")),
    )
    for days in (40, 50):
        await desk.promise(target("first_reply", f"{days}d"))
        for name in ("first", "last"):
            await desk.clock(name, "first_reply", target_s=days * 86_400)
    behind = await desk.rows(
        "SELECT ticket_id FROM tracked_ticket WHERE workspace_id = :ws AND policy_version = 1",
        ws=desk.workspace_id,
    )
    assert [row.ticket_id for row in behind] == [uid(desk.named("broken"))]


async def test_what_is_read_late_is_measured_by_what_holds_today(desk: Desk) -> None:
    await desk.promise(target("first_reply", "30d"))
    await desk.promise(target("first_reply", "40d"))
    # Told only now: it was opened between the two, and the second has been carried to everybody since.
    desk.opened("late", -30 * 3600)
    await desk.tell()
    clock = await desk.clock("late", "first_reply", policy_version=2, target_s=40 * 86_400)
    assert [(entry["turn"], entry["policy_version"]) for entry in clock["history"]] == [
        ("started", 1),
        ("retargeted", 2),
    ]
