"""What customers, agents and operations staff do with `waypost`."""

import asyncio
import json
from pathlib import Path

import httpx

from deploy.cli.place import ROOT
from tests.eventually import eventually
from tests.integration.cli.commands import Cli
from tests.keys import token

INPUTS = ROOT / "deploy" / "demo" / "inputs"


def mail(folder: Path, name: str, workspace_id: str) -> Path:
    """A sample mail for a workspace of its own."""
    content = (INPUTS / name).read_bytes().replace(b"@meridian.example", f"@{workspace_id}.example".encode())
    file = folder / name
    file.write_bytes(content)
    return file


async def until_queued(http: httpx.AsyncClient, count: int) -> None:
    """The router has told where so many tickets wait."""

    async def all_queued() -> bool:
        items = (await http.get("/v1/tickets")).json()["items"]
        return [bool(item["queue"]) for item in items] == [True] * count

    await eventually(all_queued)


async def test_mails_come_in_and_each_is_told_what_became_of_it(desk: Cli, tmp_path: Path) -> None:
    files = [
        mail(tmp_path, name, desk.workspace_id) for name in ("1-login.eml", "6-abwesend.eml", "7-too-deep.eml")
    ]
    sent = (await desk.ok("send", *files, files[0])).out.splitlines()
    assert sent == [
        "1-login.eml: opened ticket #1",
        "6-abwesend.eml: dropped (auto_reply)",
        "7-too-deep.eml: quarantined (its parts are nested too deeply)",
        "1-login.eml: was received before, as a part of ticket #1",
    ]
    astray = await desk.run("send", files[0], "--to", "nobody@elsewhere.example")
    assert astray.code == 1
    assert astray.err.startswith("waypost: nobody@elsewhere.example is no address of this workspace. There are:")
    assert astray.err.count("\n") == 1

    await until_queued(await desk.system.http("intake", desk.workspace_id), 1)
    found, one, clocks, csv = await asyncio.gather(
        desk.ok("tickets", "--label", "topic:technical", "--json"),
        desk.ok("tickets", "1"),
        desk.ok("clocks", "1"),
        desk.ok("clocks", "1", "--csv"),
    )
    (ticket,) = found.data
    assert (ticket["number"], ticket["queue"], ticket["support_tier"]) == (1, "technical", 1)
    path = one.out
    assert "#1 Login keeps looping after yesterday's update" in path
    assert "writes (Ada Palmer)" in path
    assert "Rule technical holds" in path
    assert "first reply is promised within 1h00m (gold" in path
    assert "first reply (sla gold, version 1) running" in clocks.out
    assert "target 1:00:00, counted 0:00:0" in clocks.out
    assert csv.out.splitlines()[0].startswith("clock_id,agreement,metric,state,standing,")


async def test_an_agent_at_a_terminal_takes_answers_and_solves_what_is_offered(desk: Cli, tmp_path: Path) -> None:
    await desk.ok("send", mail(tmp_path, "1-login.eml", desk.workspace_id))
    intake = await desk.system.http("intake", desk.workspace_id)
    env = {"WAYPOST_TOKEN": token(desk.workspace_id, subject="ben")}
    async with desk.at_a_terminal("agent", "ben", env=env) as screen:
        await screen.shows(r"Ben Carter, tier 1")
        screen.type("available\r")
        await screen.shows(r"You are available\.")
        await screen.shows(r"Offer #1 Login keeps looping")
        await screen.shows(r"offered #1 1m5\ds > ")  # it counts down
        screen.type("accept\r")
        await screen.shows(r"#1 is yours")
        screen.type("read\r")
        await screen.shows(r"Ada Palmer\s+Hello,")
        screen.type("reply Good mornnn\x7f\x7fing, Ada\r")
        await screen.shows(r"Your answer to #1 is on its way")
        screen.type("dance\r")
        await screen.shows(r"dance\? There is: available")
        screen.type("solve\r")
        await screen.shows(r"#1 is solved")
        screen.type("\x04")  # the end of the input
        await screen.shows(r"You are offline")
    (ticket,) = (await intake.get("/v1/tickets")).json()["items"]
    assert (ticket["status"], ticket["assignee_id"]) == ("solved", "ben")
    timeline = (await intake.get(f"/v1/tickets/{ticket['ticket_id']}/timeline")).json()["items"]
    said = [entry["message"]["text"] for entry in timeline if entry["message"]]
    assert said[-1] == "Good morning, Ada"
    router = await desk.system.http("router", desk.workspace_id)
    assert (await router.get("/v1/agents/ben")).json()["state"] == "offline"


async def test_an_agent_is_played_over_a_pipe_too(desk: Cli) -> None:
    agent = await desk.run("agent", "ines", typed="available\nlist\naccept\nbusy for lunch\nquit\n")
    assert agent.code == 0
    told = agent.out.splitlines()
    assert told[0].startswith("Inés Molina, tier 2, queues general, technical")
    for line in ("You are available.", "Nothing.", "Nothing is offered to you.", "You are busy (for lunch)."):
        assert line in told
    assert told[-1] == "You are offline."
    nobody = await desk.run("agent", "nobody")
    assert (nobody.code, nobody.out) == (1, "")
    assert nobody.err.startswith("waypost: There is no agent nobody. There are: anna, ben, carlos")


async def test_the_floor_is_shown_once_where_nobody_looks(desk: Cli, tmp_path: Path) -> None:
    await desk.ok("send", mail(tmp_path, "1-login.eml", desk.workspace_id))
    metrics = await desk.system.http("metrics", desk.workspace_id)

    async def is_counted() -> bool:
        found = (await metrics.get("/v1/kpis", params={"kpi": "waiting", "by": "workspace"})).json()["values"]
        return [one["value"] for one in found] == [1]

    await eventually(is_counted)
    board, shown = await asyncio.gather(desk.ok("watch", "--json"), desk.ok("watch"))
    values = {(one["kpi"], one["window"], json.dumps(one["scope"])): one["value"] for one in board.data["values"]}
    assert values["volume", "today", "{}"] == 1
    assert values["waiting", "now", '{"queue": "technical"}'] == 1
    assert "No open escalations." in shown.out
    assert any(line.split()[:2] == ["technical", "1"] for line in shown.out.splitlines())


async def test_who_is_on_call_is_shown_and_who_comes_next(desk: Cli) -> None:
    shown, shifts = await asyncio.gather(desk.ok("on-call"), desk.ok("on-call", "experts", "--json"))
    members = {"jonas", "ines", "kim"}
    assert "experts" in shown.out
    assert sum(name in shown.out for name in members) == 2
    assert {shift["agent"] for shift in shifts.data["items"]} == members


async def test_what_is_escalated_is_shown_put_off_taken_on_and_ended(desk: Cli, tmp_path: Path) -> None:
    await desk.ok("send", mail(tmp_path, "1-login.eml", desk.workspace_id))
    intake = await desk.system.http("intake", desk.workspace_id)
    http = await desk.system.http("escalation", desk.workspace_id)
    (ticket,) = (await intake.get("/v1/tickets")).json()["items"]

    async def escalate() -> str:
        answer = await http.post(f"/v1/tickets/{ticket['ticket_id']}/escalations", json={"reason": "They called."})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["escalation_id"])

    escalation_id = await eventually(escalate)
    (shown,) = (await desk.ok("escalations", "list", "--json")).data
    assert (shown["escalation_id"], shown["state"], shown["trigger"]) == (escalation_id, "raised", "manual")
    assert "put off until" in (await desk.ok("escalations", "snooze", escalation_id, "2h")).out
    assert "acknowledged" in (await desk.ok("escalations", "acknowledge", escalation_id)).out
    assert (await desk.ok("escalations", "resolve", escalation_id)).out == f"{escalation_id} is resolved.\n"
    assert (await desk.ok("escalations", "list")).out == "Nothing is escalated.\n"
    assert escalation_id in (await desk.ok("escalations", "list", "--all")).out
