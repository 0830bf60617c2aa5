"""What a chain would do, before it is saved."""

from datetime import timedelta

from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json
from tests.scribe import uid

PATH = "/v1/policies/escalation/preview"
STEPS: list[Json] = [
    {"notify": {"agents": ["ada", "nobody"]}},
    {"wait": "10m"},
    {"requeue": {"tier": 2}, "only_if": {"unassigned": True}},
    {"notify": {"agents": ["nobody"]}},
]


async def test_a_policy_tells_when_it_would_do_what_and_whom_it_would_find(desk: Desk) -> None:
    await desk.configure(
        contacts=[{"agent": "ada", "email": "ada@example.org"}],
        escalation_policies=[{"id": "chain", "steps": [{"wait": "1h"}, {"raise_priority": {"by": 2}}]}],
    )
    desk.opened("t", -5)
    desk.scribe.queued(desk.named("t"), desk.now(-4))
    desk.scribe.assigned(desk.named("t"), desk.now(-3))
    await desk.tell()
    await eventually(lambda: desk.is_known("t"))
    by_hand = f"/v1/tickets/{uid(desk.named('t'))}/escalations"
    assert (await desk.http.post(by_hand, json={"reason": "Why not"})).status_code == 201
    saved = (await desk.http.post(PATH, json={"policy_id": "chain"})).json()
    assert (saved["live"], saved["warnings"]) == (1, [])
    (step,) = saved["steps"]
    assert (step["step"], step["after_s"], step["action"], step["raise_by"]) == (2, 3600.0, "raise_priority", 2)
    tried: Json = {"policy": {"id": "chain", "steps": STEPS}, "at": (desk.now() + timedelta(days=3)).isoformat()}
    free = (await desk.http.post(PATH, json=tried)).json()
    assert [(one["step"], one["after_s"], one["is_taken"]) for one in free["steps"]] == [
        (1, 0.0, True),
        (3, 600.0, True),
        (4, 600.0, True),
    ]
    assert free["steps"][0]["recipients"] == [
        {"name": "ada", "way": "mail", "is_found": True},
        {"name": "nobody", "way": "mail", "is_found": False},
    ]
    (warning,) = free["warnings"]
    assert warning.startswith("step 4 would find nobody")
    busy = (await desk.http.post(PATH, json={**tried, "ticket_id": str(uid(desk.named("t")))})).json()
    assert [one["is_taken"] for one in busy["steps"]] == [True, False, True]


async def test_what_cannot_be_tried_is_refused_where_it_stands(desk: Desk) -> None:
    unknown = "01900000-0000-7000-8000-000000000000"
    chain = {"id": "c", "steps": [{"wait": "1h", "calendar": "office"}, {"raise_priority": {}}]}
    refused = await desk.http.post(PATH, json={"policy": chain})
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/policy/steps/0/calendar"]
    for body in ({}, {"policy_id": "x"}, {"policy_id": "x", "policy": chain}):
        assert (await desk.http.post(PATH, json=body)).status_code == 422
    fine = {"id": "c", "steps": [{"raise_priority": {}}]}
    assert (await desk.http.post(PATH, json={"policy": fine, "ticket_id": unknown})).status_code == 404
    reader = await desk.system.http("escalation", desk.workspace_id, "escalation:read")
    assert (await reader.post(PATH, json={"policy": fine})).status_code == 403
