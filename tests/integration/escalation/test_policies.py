"""What a change of service levels would do, told before it is saved, and then done."""

from datetime import datetime, timedelta
from typing import Any

from shared.vocabulary import TicketStatus as S
from tests.integration.escalation.desk import Desk, Json, target
from tests.scribe import uid

PREVIEW = "/v1/policies/sla/preview"


def policy(*targets: Json, **fields: Any) -> Json:
    return {"id": "standard", "targets": list(targets), **fields}


async def previewed(desk: Desk, **request: Any) -> Json:
    answer = await desk.http.post(PREVIEW, json=request)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def standing(desk: Desk, *tickets: str) -> dict[tuple[str, str], tuple[str, str | None, int]]:
    """Each ticket's last clock of each metric: its state, when it is due, and its generation."""
    return {
        (str(uid(desk.named(ticket))), clock["metric"]): (clock["state"], clock["due_at"], clock["generation"])
        for ticket in tickets
        for clock in await desk.clocks(ticket)
    }


async def test_what_a_preview_tells_is_what_comes_of_saving_it(desk: Desk) -> None:
    """Everything it tells, of every clock; deadlines that depend on when exactly it is saved but for seconds."""
    await desk.promise(
        target("first_reply", "10h", warn_at_percent=[50]),
        target("requester_wait", "20h"),
        target("agent_work", "9d"),
    )
    names = ("new", "half", "late", "answered", "paused")
    for name, hours in zip(names, (1, 4, 8, 6, 3.5), strict=True):
        desk.opened(name, -hours * 3600)
    desk.scribe.replied(desk.named("answered"), desk.now(-3600))
    desk.scribe.went(desk.named("paused"), desk.now(-3600), S.NEW, S.PENDING)
    await desk.tell()
    await desk.clock("paused", "requester_wait", state="paused")
    await desk.clock("answered", "first_reply", state="met")
    targets = [
        target("first_reply", "6h", warn_at_percent=[50]),
        target("requester_wait", "40h", on_change="restart"),
        target("total_resolution", "9d", on_change="recompute"),
    ]
    before = await standing(desk, *names)
    told = await previewed(desk, sla_policies=[policy(*targets)])
    assert await standing(desk, *names) == before, "nothing is changed"
    assert (told["tickets"], told["clocks"], told["changed"]) == (5, 4 + 5 + 5, 4 + 5 + 5 + 5)
    assert {name: count for name, count in told["effects"].items() if count} == {
        "breaches": 1,
        "warns": 2,
        "earlier": 4,
        "restarts": 5,
        "starts": 5,
        "cancels": 5,
    }
    assert told["items"][0]["effects"] == ["breaches", "earlier"]
    assert told["items"][0]["ticket_id"] == str(uid(desk.named("late")))
    saved = await desk.http.put(
        "/v1/configuration",
        json={"sla_policies": [policy(*targets)]},
        headers={"If-Match": f'"{told["version"]}"', "Waypost-Preview": told["preview"]},
    )
    assert saved.status_code == 200, saved.text
    for name in names:
        await desk.clock(name, "total_resolution", state="running")
    after = await standing(desk, *names)
    assert {key for key in after if after[key] != before.get(key)} == {
        (item["ticket_id"], item["metric"]) for item in told["items"]
    }
    for item in told["items"]:
        state, due_at, generation = after[item["ticket_id"], item["metric"]]
        assert (state, generation) == (item["after"]["state"], item["after"]["generation"])
        if due_at is not None:
            moved = datetime.fromisoformat(due_at) - datetime.fromisoformat(item["after"]["due_at"])
            assert abs(moved) < timedelta(minutes=1)


async def test_only_what_was_previewed_is_saved(desk: Desk) -> None:
    await desk.promise(target("first_reply", "10h"))
    wanted = [policy(target("first_reply", "6h"))]
    told = await previewed(desk, sla_policies=wanted, limit=0)
    headers = {"If-Match": "*", "Waypost-Preview": told["preview"]}
    other = {"sla_policies": [policy(target("first_reply", "5h"))]}
    assert (await desk.http.put("/v1/configuration", json=other, headers=headers)).status_code == 412
    await desk.configure(**other)
    stale = await desk.http.put("/v1/configuration", json={"sla_policies": wanted}, headers=headers)
    assert stale.status_code == 412
    assert "Preview it again" in stale.json()["detail"]


async def test_policies_that_cannot_be_saved_cannot_be_tried(desk: Desk) -> None:
    for body, pointer in (
        ({"sla_policies": [policy(target("first_reply", "1s"))]}, "/sla_policies/0/targets/0/within"),
        ({"configuration": {"sla_policies": [policy(when="1 +")]}}, "/configuration/sla_policies/0/when"),
        ({}, ""),
        ({"sla_policies": [], "configuration": {}}, ""),
    ):
        answer = await desk.http.post(PREVIEW, json=body)
        assert answer.status_code == 422, answer.text
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_workspace_without_tickets_has_nothing_to_change(desk: Desk) -> None:
    told = await previewed(desk, sla_policies=[policy(target("first_reply", "1h"))])
    assert (told["tickets"], told["changed"], told["items"]) == (0, 0, [])
