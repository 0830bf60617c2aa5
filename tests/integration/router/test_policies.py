"""The dry run of policies, over recorded tickets."""

import asyncio
from typing import Any

from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor

PREVIEW = "/v1/policies/routing/preview"


async def test_a_preview_tells_what_another_policy_would_change_and_changes_nothing(floor: Floor) -> None:
    names = [f"t{number}" for number in range(210)]
    for name in names:
        await floor.open_ticket(name, language="de" if name == "t7" else "en", labels={"product": "phone"})

    async def known() -> bool:
        answer = await floor.http.post(PREVIEW, json={"policy": CONFIGURATION["policy"]})
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["looked_at"] == len(names))

    await eventually(known, what="every ticket known")
    phones = {"id": "phones", "when": 'ticket.labels.product == "phone"', "queue": "billing", "priority": "high"}
    policy: dict[str, Any] = {**CONFIGURATION["policy"], "rules": [*CONFIGURATION["policy"]["rules"], phones]}
    answer = await floor.http.post(PREVIEW, json={"policy": policy, "limit": 3})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["looked_at"], found["changed"], found["is_complete"]) == (210, 209, True)
    assert {"name": "phones", "before": 0, "after": 209} in found["rules"]
    assert {"name": "general", "before": 210, "after": 1} in found["queues"]
    item = found["items"][0]
    assert len(found["items"]) == 3
    assert (item["before"]["rule"], item["before"]["queue"]) == ("default", "general")
    assert (item["after"]["rule"], item["after"]["queue"], item["after"]["priority"]) == (
        "phones",
        "billing",
        "high",
    )
    assert item["is_servable"]
    assert item["queued_at"] is not None
    few = await floor.http.post(PREVIEW, json={"configuration": {**CONFIGURATION, "policy": policy}, "last": 5})
    assert few.json()["looked_at"] == 5
    stored = await floor.http.get("/v1/configuration")
    assert [rule["id"] for rule in stored.json()["configuration"]["policy"]["rules"]] == ["bills", "german"]


async def test_a_workspace_tries_one_policy_at_a_time(floor: Floor) -> None:
    hard = " && ".join(f'ticket.channel != "c{number}"' for number in range(60))
    rules = [{"id": f"rule-{number}", "when": f'{hard} && ticket.labels.a == "{number}"'} for number in range(300)]
    policy = {"rules": [{**rule, "queue": "general"} for rule in rules], "default": {"queue": "general"}}
    answers = await asyncio.gather(*(floor.http.post(PREVIEW, json={"policy": policy}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "20"
    assert (await floor.http.post(PREVIEW, json={"policy": policy})).status_code == 200


async def test_a_policy_that_cannot_be_tried_is_told_everything_that_is_wrong(floor: Floor) -> None:
    rules = [
        {"id": "a", "when": "ticket.colour == 1", "queue": "general"},
        {"id": "b", "when": "false", "queue": "bilning"},
    ]
    part = {**CONFIGURATION, "policy": {"rules": rules, "default": {"queue": "general"}}}
    for body, inside in (({"policy": part["policy"]}, ""), ({"configuration": part}, "/configuration")):
        answer = await floor.http.post(PREVIEW, json=body)
        assert answer.status_code == 422
        errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
        assert set(errors) == {
            f"{inside}/policy/rules/0/when",
            f"{inside}/policy/rules/1/queue",
            f"{inside}/policy/rules/1/when",
        }
        assert errors[f"{inside}/policy/rules/1/queue"] == "there is no queue bilning; did you mean billing?"
    for wrong in ({}, {"policy": part["policy"], "configuration": part}, {"policy": {}, "last": 10_001}):
        assert (await floor.http.post(PREVIEW, json=wrong)).status_code == 422
    agent = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    assert (await agent.post(PREVIEW, json={"policy": {}})).status_code == 403
