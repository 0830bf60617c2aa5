"""Escalation chains: what a breach or a person sets off, step by step, until somebody acts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json, short, target
from tests.scribe import uid

S = TicketStatus

STEPS: list[Json] = [
    {"raise_priority": {"by": 2}},
    {"requeue": {"queue": "urgent", "agent": "grace", "widen": True}},
    {"wait": "1h"},
    {"requeue": {"tier": 3}},
    {"notify": {"agents": ["nobody"]}},
    {"wait": "1h"},
    {"raise_priority": {"by": 1}},
]


async def breached(desk: Desk, *steps: Json, metric: str = "first_reply") -> Json:
    """A ticket `t` whose promise was broken a moment ago, and its escalation."""
    await desk.promise(
        target(metric, "15s", escalation="chain"), escalation_policies=[{"id": "chain", "steps": list(steps)}]
    )
    desk.opened("t", -20)
    await desk.tell()
    (escalation,) = await eventually(desk.escalations)
    return dict(escalation)


async def raised(desk: Desk, count: int) -> list[Json]:
    """What was told of the steps of `t`, once there are so many."""

    async def probe() -> list[Json]:
        found = [event["data"] for event in await desk.heard("t") if short(event) == "escalation.raised"]
        assert len(found) == count
        return found

    return list(await eventually(probe))


async def escalation(desk: Desk, escalation_id: str, **fields: object) -> Json:
    async def probe() -> Json:
        answer = await desk.http.get(f"/v1/escalations/{escalation_id}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        assert {name: found[name] for name in fields} == fields
        return found

    return dict(await eventually(probe))


async def test_a_breach_takes_the_steps_up_to_the_first_wait_and_goes_on_after_it(desk: Desk) -> None:
    begun = await breached(desk, *STEPS)
    assert (begun["trigger"], begun["metric"], begun["generation"]) == ("sla.breached", "first_reply", 1)
    first = await raised(desk, 2)
    assert [(data["step"], data["level"], data["action"]) for data in first] == [
        (1, 1, {"kind": "raise_priority", "by": 2}),
        (
            2,
            2,
            {"kind": "requeue", "queue": "urgent", "support_tier": None, "agent_id": "grace", "widen": True},
        ),
    ]
    await desk.system.travel(timedelta(hours=1))
    # Nobody is found: the next step is taken at once, its wait is not waited.
    second = (await raised(desk, 5))[2:]
    assert [(data["step"], data["level"], data["action"]) for data in second] == [
        (4, 3, {"kind": "requeue", "queue": None, "support_tier": 3, "agent_id": None, "widen": False}),
        (5, 4, {"kind": "notify", "recipients": 0}),
        (7, 5, {"kind": "raise_priority", "by": 1}),
    ]
    (unreached,) = await desk.notifications()
    assert (unreached["state"], unreached["name"], unreached["address"]) == ("no_recipient", "nobody", None)
    done = await escalation(desk, begun["escalation_id"], level=5)
    assert (done["state"], done["next_step_at"]) == ("raised", None)


async def test_acknowledging_stops_further_steps_and_doing_it_twice_changes_nothing(desk: Desk) -> None:
    begun = await breached(desk, *STEPS)
    path = f"/v1/escalations/{begun['escalation_id']}"
    tool = await desk.system.http("escalation", desk.workspace_id, "escalation:write", subject="ann")
    for _ in range(2):
        answer = await tool.post(f"{path}/acknowledge")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["state"], answer.json()["acknowledged_by"]) == ("acknowledged", "ann")
    await desk.system.travel(timedelta(hours=3))
    await desk.promise(target("first_reply", "15s"))
    kinds = ["sla.clock_started", "sla.breached", *["escalation.raised"] * 2, "escalation.acknowledged"]
    *_, acknowledged = await desk.hears("t", *kinds)
    assert acknowledged["data"]["actor_id"] == "ann"
    assert (await tool.post(f"{path}/resolve")).json()["state"] == "resolved"
    assert (await tool.post(f"{path}/resolve")).status_code == 200
    assert (await tool.post(f"{path}/acknowledge")).status_code == 409
    await desk.hears("t", *kinds, "escalation.resolved")


@pytest.mark.parametrize("ending", ["reply", "solved"])
async def test_an_answer_or_a_solution_resolves_it(desk: Desk, ending: str) -> None:
    begun = await breached(desk, *STEPS, metric="first_reply" if ending == "reply" else "total_resolution")
    if ending == "reply":
        desk.scribe.replied(desk.named("t"), desk.now())
    else:
        desk.scribe.went(desk.named("t"), desk.now(), S.NEW, S.SOLVED)
    await desk.tell()
    over = await escalation(desk, begun["escalation_id"], state="resolved")
    assert over["resolved_cause"] == ("clock_late" if ending == "reply" else "ticket_solved")
    assert over["resolved_by"] is None
    kinds = ["sla.clock_started", "sla.breached", *["escalation.raised"] * 2]
    *_, stopped, _ = await desk.hears("t", *kinds, "sla.clock_stopped", "escalation.resolved")
    assert stopped["data"]["outcome"] == "late"
    assert stopped["data"]["overdue_s"] > 0


async def test_waits_stand_still_while_the_clock_does(desk: Desk) -> None:
    steps: list[Json] = [{"wait": "1h"}, {"raise_priority": {"by": 1}}]
    begun = await breached(desk, *steps, metric="requester_wait")
    desk.scribe.went(desk.named("t"), desk.now(), S.NEW, S.PENDING)
    await desk.tell()
    await escalation(desk, begun["escalation_id"], next_step_at=None)
    await desk.system.travel(timedelta(hours=5))
    desk.scribe.went(desk.named("t"), desk.now(), S.PENDING, S.OPEN)
    await desk.tell()

    async def runs_again() -> bool:
        found = await escalation(desk, begun["escalation_id"])
        assert found["next_step_at"] is not None
        left = datetime.fromisoformat(found["next_step_at"]) - desk.now()
        assert timedelta(minutes=55) < left < timedelta(hours=1)
        return True

    await eventually(runs_again)
    assert "escalation.raised" not in map(short, await desk.heard("t"))
    await desk.system.travel(timedelta(hours=1))
    await raised(desk, 1)


async def test_the_steps_are_those_of_the_version_that_it_began_with(desk: Desk) -> None:
    await breached(desk, {"wait": "1h"}, {"raise_priority": {"by": 1}})
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"wait": "1h"}, {"raise_priority": {"by": 3}}]}],
    )
    (data,) = await raised(desk, 1)
    assert (data["action"], data["policy_version"]) == ({"kind": "raise_priority", "by": 1}, 1)


async def by_hand(desk: Desk, **body: object) -> Any:
    path = f"/v1/tickets/{uid(desk.named('t'))}/escalations"
    headers = {"Idempotency-Key": "once"} if body.pop("once", False) else {}
    return await desk.http.post(path, json=body, headers=headers)


async def test_a_person_escalates_with_a_reason(desk: Desk) -> None:
    await desk.configure(escalation_policies=[{"id": "manager", "steps": STEPS}])
    desk.opened("t", -5)
    await desk.tell()
    await eventually(lambda: desk.is_known("t"))
    answer = await by_hand(desk, reason="They called the director.", once=True)
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    assert (begun["trigger"], begun["policy"], begun["metric"]) == ("manual", "manager", None)
    assert (begun["reason"], begun["raised_by"], begun["level"]) == ("They called the director.", "tests", 2)
    assert (await by_hand(desk, reason="They called the director.", once=True)).json() == begun
    assert (await by_hand(desk, reason="Again")).status_code == 409
    assert (await by_hand(desk, reason="Again", policy="other")).status_code == 422
    first, _ = await desk.hears("t", "escalation.raised", "escalation.raised")
    # What a person writes may name people: it stays in the service's own database.
    assert "director" not in str(await desk.heard())
    assert first["data"]["trigger"] == "manual"
    assert await desk.escalations(state="raised") == [begun]
    assert await desk.escalations(state="resolved") == []
    assert await desk.escalations(ticket_id=str(uid(desk.named("t")))) == [begun]
    assert await desk.escalations(ticket_id=begun["escalation_id"]) == []
    desk.scribe.went(desk.named("t"), desk.now(), S.NEW, S.SOLVED)
    await desk.tell()
    await escalation(desk, begun["escalation_id"], state="resolved", resolved_cause="ticket_solved")
    assert (await by_hand(desk, reason="Too late")).status_code == 409


async def test_what_is_not_there_is_404_and_what_is_not_allowed_is_403(desk: Desk) -> None:
    await desk.configure(escalation_policies=[{"id": "manager", "steps": STEPS}])
    unknown = "01900000-0000-7000-8000-000000000000"
    assert (await by_hand(desk, reason="Why")).status_code == 404
    for path in (f"/v1/escalations/{unknown}/acknowledge", f"/v1/escalations/{unknown}/resolve"):
        assert (await desk.http.post(path)).status_code == 404
    assert (await desk.http.get(f"/v1/escalations/{unknown}")).status_code == 404
    reader = await desk.system.http("escalation", desk.workspace_id, "escalation:read")
    assert (await reader.get("/v1/escalations")).status_code == 200
    assert (await reader.post(f"/v1/escalations/{unknown}/resolve")).status_code == 403
    assert (await reader.get("/v1/escalations", params={"cursor": "WyJ4Il0"})).status_code == 422


async def test_lists_come_in_pages_the_newest_first(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"agents": ["a", "b"]}}]}],
    )
    for number in range(5):
        desk.opened(f"t{number}", -20)
    await desk.tell()

    async def all_there() -> list[Json]:
        found = await desk.escalations()
        assert len(found) == 5
        assert len(await desk.notifications()) == 10
        return found

    everything = await eventually(all_there)
    shown: list[Json] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        body = (await desk.http.get("/v1/escalations", params=params)).json()
        shown.extend(body["items"])
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert shown == everything
    ids = [item["escalation_id"] for item in shown]
    assert ids == sorted(ids, reverse=True)


async def test_work_is_handed_to_the_manager_of_whoever_has_it(desk: Desk) -> None:
    contacts = [
        {"agent": "ada", "email": "ada@example.org", "manager": "lena"},
        {"agent": "lena", "email": "lena@example.org"},
    ]
    steps: list[Json] = [{"requeue": {"manager": True}}, {"wait": "1h"}, {"requeue": {"manager": True}}]
    chain: Json = {"id": "chain", "steps": steps}
    await desk.promise(
        target("first_reply", "15s", escalation="chain"), escalation_policies=[chain], contacts=contacts
    )
    desk.opened("t", -20)
    desk.scribe.assigned(desk.named("t"), desk.now(-19))
    await desk.tell()
    (first,) = await raised(desk, 1)
    assert (first["action"]["kind"], first["action"]["agent_id"]) == ("requeue", "lena")
    desk.scribe.assigned(desk.named("t"), desk.now(), agent="lena")
    await desk.tell()
    await eventually(lambda: has_work(desk, "lena"))
    await desk.system.travel(timedelta(hours=1))
    _, nobody = await raised(desk, 2)
    assert nobody["action"] == {"kind": "notify", "recipients": 0}
    assert [(one["name"], one["state"]) for one in await desk.notifications()] == [("manager", "no_recipient")]


async def has_work(desk: Desk, agent: str) -> bool:
    (row,) = await desk.rows("SELECT state FROM tracked_ticket WHERE workspace_id = :name", name=desk.workspace_id)
    assert row.state["agent_id"] == agent
    return True


async def test_what_is_snoozed_goes_on_where_it_was(desk: Desk) -> None:
    begun = await breached(desk, {"wait": "1h"}, {"raise_priority": {"by": 1}}, metric="total_resolution")
    path = f"/v1/escalations/{begun['escalation_id']}"
    answer = await desk.http.post(f"{path}/snooze", json={"duration": "4h"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["snoozed_by"]) == ("raised", "tests")
    assert answer.json()["next_step_at"] is None
    for body in ({}, {"duration": "31d"}, {"until": "2001-01-01T00:00:00Z"}):
        assert (await desk.http.post(f"{path}/snooze", json=body)).status_code == 422
    await desk.system.travel(timedelta(hours=4))
    awake = await escalation(desk, begun["escalation_id"], resumes_at=None)
    left = datetime.fromisoformat(awake["next_step_at"]) - desk.now()
    assert timedelta(minutes=55) < left < timedelta(hours=1)
    await desk.system.travel(timedelta(hours=1))
    await raised(desk, 1)
    await desk.hears("t", "sla.clock_started", "sla.breached", "escalation.snoozed", "escalation.raised")
    assert (await desk.http.post(f"{path}/resolve")).status_code == 200
    assert (await desk.http.post(f"{path}/snooze", json={"duration": "4h"})).status_code == 409


async def test_an_acknowledgement_that_leads_to_nothing_goes_on_at_the_next_step(desk: Desk) -> None:
    steps: list[Json] = [{"wait": "8h"}, {"raise_priority": {"by": 1}}, {"wait": "8h"}, {"repeat": {"times": 1}}]
    chain: Json = {"id": "chain", "steps": steps, "ack_timeout": "30m"}
    await desk.promise(target("first_reply", "15s", escalation="chain"), escalation_policies=[chain])
    desk.opened("t", -20)
    await desk.tell()
    (begun,) = await eventually(desk.escalations)
    acknowledged = (await desk.http.post(f"/v1/escalations/{begun['escalation_id']}/acknowledge")).json()
    assert acknowledged["resumes_at"] is not None
    await desk.system.travel(timedelta(minutes=30))
    await raised(desk, 1)
    assert (await escalation(desk, begun["escalation_id"], state="raised"))["resumes_at"] is None
    await desk.system.travel(timedelta(hours=8))
    await escalation(desk, begun["escalation_id"], rounds=1, step=1)
    await desk.system.travel(timedelta(hours=8))
    assert [data["step"] for data in await raised(desk, 2)] == [2, 2]


async def test_a_gate_counts_how_often_the_policy_was_set_off(desk: Desk) -> None:
    often: Json = {"raise_priority": {"by": 1}, "only_if": {"more_than": {"count": 2, "per": "1h"}}}
    await desk.promise(
        target("first_reply", "15s", escalation="chain"), escalation_policies=[{"id": "chain", "steps": [often]}]
    )
    for number in range(3):
        desk.opened(f"t{number}", -20)
    await desk.tell()

    async def one_was_one_too_many() -> bool:
        found = await desk.escalations()
        assert sorted(item["level"] for item in found) == [0, 0, 1]
        return True

    await eventually(one_was_one_too_many)
