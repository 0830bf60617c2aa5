"""`waypost apply`, against all four services."""

import re
from pathlib import Path

import httpx
import pytest

from deploy.cli.api import Service, services
from deploy.cli.errors import CliError
from deploy.cli.parts import ORDER
from deploy.cli.place import Place
from deploy.cli.plan import carry_out, make_plan, read_workspace
from tests.clients import client
from tests.eventually import eventually
from tests.integration.cli.commands import Cli
from tests.integration.cli.workspace import own_demo

NOWHERE = "http://127.0.0.1:1"


def versions(plan: dict[str, list[dict[str, object]]]) -> dict[object, tuple[object, object]]:
    return {one["service"]: (one["version"], one["is_needed"]) for one in plan["services"]}


async def test_a_file_is_planned_then_applied_and_the_second_time_changes_nothing(
    cli: Cli, tmp_path: Path
) -> None:
    file = own_demo(tmp_path, cli.workspace_id)
    dry = (await cli.ok("apply", file, "--dry-run", "--json")).data
    assert versions(dry) == dict.fromkeys(ORDER, (0, True))
    added = {change["path"] for part in dry["services"] for change in part["changes"] if change["kind"] == "added"}
    assert {"agents/ben", "queues/technical", "sla_policies/gold", "channels/support"} <= added

    told = (await cli.ok("apply", file)).out
    assert told.count("version 0 → 1") == 4  # the dry run has changed nothing
    assert "router, escalation, metrics, intake changed." in told
    told = (await cli.ok("apply", file)).out
    assert told.count("unchanged, version 1") == 4
    assert "Nothing to do: everything is as the file says." in told

    days = "closed: [2026-12-24, 2026-12-31]"
    fed = {days: f'{days}\n    feeds: [{{url: "http://127.0.0.1:9/days.ics"}}]'}
    changed = own_demo(tmp_path, cli.workspace_id, **{"capacity: 60": "capacity: 40"}, **fed)
    plan = (await cli.ok("apply", changed, "--json")).data
    assert [change for part in plan["services"] for change in part["changes"]] == [
        {"path": "agents/grace/capacity", "kind": "changed"},
        {"path": "calendars/office/feeds", "kind": "changed"},
        {"path": "calendars/office/feeds", "kind": "changed"},
    ]
    assert versions(plan) == {**dict.fromkeys(ORDER, (1, False)), "router": (1, True), "escalation": (1, True)}
    escalation = await cli.system.http("escalation", cli.workspace_id)
    assert (await escalation.get("/v1/calendars/office")).json()["feeds"][0]["host"] == "127.0.0.1"


async def test_what_a_service_refuses_is_told_by_its_line_in_the_file_and_nothing_is_changed(
    cli: Cli, tmp_path: Path
) -> None:
    broken = {
        'message.subject.startsWith("[drill]")': "message.sbject == 1",
        'customer.tier == "gold" && has(ticket.labels.severity)': 'customer.teir == "gold"',
        "country: DE": "country: QQ",
    }
    file = own_demo(tmp_path, cli.workspace_id, **broken)
    ended = await cli.run("apply", file)
    assert (ended.code, ended.out) == (1, "")
    assert "Traceback" not in ended.err
    lines = {line.split()[1]: line for line in ended.err.splitlines()[1:]}
    text = file.read_text().splitlines()
    for said, name in (("sbject", "intake_rules"), ("teir", "gold-outage"), ("- id: office", "calendars/office")):
        (number,) = (number for number, line in enumerate(text, 1) if said in line)
        assert name in lines[str(number)]
    for service in ORDER:
        configuration = await (await cli.system.http(service, cli.workspace_id)).get("/v1/configuration")
        assert configuration.json()["version"] == 0


async def test_a_missing_secret_is_named_before_anything_is_sent(cli: Cli, tmp_path: Path) -> None:
    del cli.env["WAYPOST_DEMO_WEBHOOK_SECRET"]
    ended = await cli.run("apply", own_demo(tmp_path, cli.workspace_id), env={"WAYPOST_ROUTER_URL": NOWHERE})
    assert ended.code == 1
    assert "${WAYPOST_DEMO_WEBHOOK_SECRET}" in ended.err


async def test_after_a_partial_failure_applying_again_goes_on(cli: Cli, tmp_path: Path) -> None:
    path = own_demo(tmp_path, cli.workspace_id)
    file, content = read_workspace(path, cli.env)
    async with (
        services(Place(tmp_path, cli.env), workspace_id=cli.workspace_id) as reached,
        client() as http,
    ):
        plan = await make_plan(file, content, reached)
        lost = {**reached, "metrics": Service("metrics", NOWHERE, http)}
        with pytest.raises(CliError, match=r"router, escalation are changed; apply again to go on"):
            await carry_out(plan, lost)
        with pytest.raises(CliError, match="somebody else has changed the configuration meanwhile"):
            await carry_out(plan, reached)
    assert "metrics, intake changed." in (await cli.ok("apply", path)).out


async def test_a_token_for_another_workspace_is_refused(cli: Cli, tmp_path: Path) -> None:
    ended = await cli.run("apply", own_demo(tmp_path, "somebody-elses"))
    assert ended.code == 1
    assert ended.err == (f"waypost: WAYPOST_TOKEN is for workspace {cli.workspace_id}, not for somebody-elses.\n")


async def test_a_policy_is_tried_on_the_tickets_that_there_are_before_it_is_applied(
    desk: Cli, tmp_path: Path
) -> None:
    intake = await desk.system.http("intake", desk.workspace_id)
    router = await desk.system.http("router", desk.workspace_id)
    message = {
        "channel": "api",
        "from": {"email": "jo@harbour.example"},
        "subject": "Login error",
        "text": "I cannot log in since this morning.",
    }
    made = await intake.post("/v1/messages", json=message)
    ticket_id = made.json()["ticket_id"]
    await eventually(lambda: _is_routed(router, ticket_id))
    escalation = await desk.system.http("escalation", desk.workspace_id)
    await eventually(lambda: _is_promised(escalation, ticket_id))
    change = {
        "preferred_agent: {label: owner, wait: 30s}": "priority: high",
        "{metric: requester_wait, within: 3d, warn_at_percent: [75]}": "{metric: requester_wait, within: 2d}",
    }
    tried = own_demo(tmp_path, desk.workspace_id, **change)
    told = (await desk.ok("preview", tried)).out
    assert "1 of 1 tickets would go another way; 0 nobody could take." in told
    way = f"{ticket_id}: technical, tier 1, english 3, technical 3"
    assert f"{way}, normal (rule technical) -> technical, tier 1, english 3, technical 3, high" in told
    assert "1 of 2 clocks of 1 open tickets would change." in told
    assert "1 would be due earlier" in told
    assert re.search(r"#1 requester wait: standard 3d0h, running, due .+ -> standard 2d0h, running, due", told)
    shown = (await desk.ok("preview", tried, "--rule", "technical", "--json")).data
    assert shown["routing"]["rules"] == [{"name": "technical", "before": 1, "after": 1}]
    assert shown["sla"]["effects"]["earlier"] == 1
    broken = own_demo(tmp_path, desk.workspace_id, **{"label: owner, wait: 30s": "label: owner, wait: 3d"})
    refused = await desk.run("preview", broken)
    assert refused.code == 1
    assert "preferred_agent" in refused.err
    assert (await router.get("/v1/configuration")).headers["etag"] == '"1"'


async def _is_routed(router: httpx.AsyncClient, ticket_id: str) -> bool:
    return (await router.get(f"/v1/work/{ticket_id}")).status_code == 200


async def _is_promised(escalation: httpx.AsyncClient, ticket_id: str) -> bool:
    return (await escalation.get(f"/v1/tickets/{ticket_id}/clocks")).status_code == 200
