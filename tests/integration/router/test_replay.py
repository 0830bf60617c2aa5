"""A run that was recorded by a real router is decided again as it was, by `waypost replay`."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from services.router.adapters.checkpoints import Checkpoints
from services.router.adapters.history import ForgetHistory
from services.router.adapters.recorded import Place, Recording
from shared.errors import Unavailable
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.cli.commands import Cli
from tests.integration.router.floor import CONFIGURATION, Floor
from tests.system import System

TICKETS = 120
AGENTS = ("ann", "bob")
DONE = TicketStatus.SOLVED


@pytest.fixture
def cli(router: System, floor: Floor, tmp_path: Path) -> Cli:
    env = {"WAYPOST_DATABASE_URL": router.databases["router"].url}
    return Cli(router, floor.workspace_id, tmp_path, env=env)


@pytest.fixture
async def rows(router: System, floor: Floor) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(router.databases["router"].url)
    await connection.execute("SELECT set_config('app.workspaces', $1, false)", floor.workspace_id)
    yield connection
    await connection.close()


async def a_day(floor: Floor, at_noon: Callable[[], Awaitable[object]]) -> None:
    """Tickets of all kinds, taken, refused, solved, opened again, escalated and merged."""
    dice = Random(7)
    for agent in (*AGENTS, "eve"):
        await floor.set_state(agent)
    working = [asyncio.create_task(_work(floor, agent)) for agent in AGENTS]
    for number in range(TICKETS):
        name = f"t{number}"
        product = {"product": "bill"} if number % 3 == 0 else {}
        await floor.open_ticket(name, language=dice.choice(["de", "en"]), labels=product)
        if number % 5 == 4:
            await floor.set_status(f"t{number - 4}", TicketStatus.NEW, DONE)
        if number % 7 == 6:
            await floor.set_status(f"t{number - 6}", DONE, TicketStatus.OPEN)
        if number % 11 == 10:
            await floor.escalate(f"t{number - 1}", tier=2)
        if number % 13 == 12:
            await floor.merge(f"t{number - 2}", f"t{number - 3}")
        if number % 40 == 20:
            await floor.set_state("bob", "offline" if number % 80 == 20 else "available")
        if number == TICKETS // 2:
            await at_noon()
    for number in range(TICKETS):
        await floor.set_status(f"t{number}", TicketStatus.OPEN, DONE)

    async def is_over() -> bool:
        last = await floor.decisions(f"t{TICKETS - 1}")
        return bool(last) and last[-1]["kind"] in ("WorkCompleted", "WorkCancelled")

    await eventually(is_over, within_s=60, what="everything solved")
    for task in working:
        task.cancel()


async def _work(floor: Floor, agent: str) -> None:
    """Takes what is offered, but refuses every sixth."""
    answered = 0
    while True:
        for offer in await floor.offers(agent):
            answered += 1
            verb, content = ("decline", {"reason": "no"}) if answered % 6 == 0 else ("accept", None)
            await floor.http.post(f"/v1/offers/{offer['offer_id']}/{verb}", json=content)
        await asyncio.sleep(0.02)


async def test_a_recorded_run_is_decided_again_as_it_was(
    router: System, floor: Floor, cli: Cli, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    database = router.services["router"].runtime.database
    checkpoints = Checkpoints(database)

    async def take() -> Place:
        taken = await checkpoints.take(floor.workspace_id)
        assert taken is not None
        return taken

    assert await checkpoints.due([floor.workspace_id]) == [floor.workspace_id]
    with pytest.raises(Unavailable):
        await checkpoints.take(floor.workspace_id, is_over=lambda: True)
    assert await checkpoints.start(floor.workspace_id) == Place(0, 0)
    await a_day(floor, take)
    assert await checkpoints.due([floor.workspace_id]) == []
    record = Recording(database, floor.workspace_id)
    short = [page async for page in record.pages(0, 200, most_bytes=1)]
    assert {len(page) for page in short} == {1}
    assert short == [[row] async for page in record.pages(0, 200) for row in page]
    ended = await cli.run("replay", "--json", "-")
    assert ended.code == 0, ended.out + ended.err
    assert ended.data["tickets"] == TICKETS
    assert ended.data["decisions"] > 3 * TICKETS
    assert ended.data["differing"] == 0

    shown = await cli.run("replay")
    assert f"{TICKETS} tickets, {ended.data['decisions']} decisions, all alike" in shown.out

    await why_not_agrees_with_the_counts(floor)
    later = await cli.run("replay", "--json", "-", "--from", "2100-01-01")
    assert later.code == 0, later.out + later.err
    assert 0 < later.data["decisions"] < ended.data["decisions"]
    assert later.data["differing"] == 0

    tried = await cli.run("replay", "--without-agents", "bob, eve", "--check", "--json", "-", "--show", "3")
    assert tried.code == 0, tried.out + tried.err
    what_if = tried.data["what_if"]
    assert tried.data["recorded"]["agents"].keys() >= {"ann", "bob"}
    assert "bob" not in what_if["agents"]
    assert what_if["queues"]["billing"]["unassigned"] == what_if["queues"]["billing"]["items"] > 0
    assert tried.data["differing"] > 0
    assert len(tried.data["first"]) == 3
    assert tried.data["left_out"]["SetAgentState"] > 0
    assert tried.data["model"] < TICKETS / 4

    part = cli.folder / "part.json"
    fewer = {**CONFIGURATION, "agents": [agent for agent in CONFIGURATION["agents"] if agent["id"] != "bob"]}
    part.write_text(json.dumps(fewer))
    with_file = await cli.run("replay", "--with", part, "--within", "5m")
    assert with_file.code == 0, with_file.out + with_file.err
    assert "within 5m00s" in with_file.out
    part.write_text(json.dumps({**fewer, "agents": [{"id": "ann", "queues": ["nowhere"]}]}))
    refused = await cli.run("replay", "--with", part)
    assert refused.code == 1
    assert "there is no queue nowhere" in refused.err

    changed = await rows.fetchval(
        "UPDATE decision SET record = jsonb_set(record, '{agent_id}', '\"mallory\"') WHERE id ="
        " (SELECT min(id) FROM decision WHERE workspace_id = $1 AND kind = 'WorkAssigned') RETURNING record::text",
        floor.workspace_id,
    )
    assert json.loads(changed)["agent_id"] == "mallory"
    other = await cli.run("replay")
    assert other.code == 1
    assert "1 differ" in other.out
    assert "mallory" in other.out

    async def forget(kept: timedelta) -> None:
        await database.transact(ForgetHistory(kept), workspaces=[floor.workspace_id])

    async def oldest() -> int:
        return int(
            await rows.fetchval("SELECT min(id) FROM input_log WHERE workspace_id = $1", floor.workspace_id)
        )

    first = await oldest()
    await forget(timedelta(days=1))
    assert await oldest() == first
    place = await checkpoints.start(floor.workspace_id, datetime.now(UTC))
    await forget(timedelta())
    assert await oldest() > place.input_id
    rest = await cli.run("replay", "--json", "-")
    assert rest.code == 0
    assert rest.data["decisions"] == later.data["decisions"]

    early = await cli.run("replay", "--to", datetime(2020, 1, 1, tzinfo=UTC).strftime("%Y-%m-%d"))
    assert (early.code, early.out) == (1, "")
    assert "there is nothing to compare" in early.err


async def why_not_agrees_with_the_counts(floor: Floor) -> None:
    """Each agent is told what the choice counted them by; before and after the checkpoint."""
    checked = 0
    for number in (0, 3, 50, 100, TICKETS - 30, TICKETS - 1):
        told: dict[int, Counter[str]] = {}
        choices: dict[int, dict[str, Any]] = {}
        for agent in (*AGENTS, "eve"):
            answer = await floor.http.get(
                f"/v1/tickets/{floor.ticket_id(f't{number}')}/decisions", params={"agent": agent}
            )
            assert answer.status_code == 200, answer.text
            for decision in answer.json()["items"]:
                if decision["why_not"] is not None:
                    choices[decision["decision_id"]] = decision["record"]["reasons"]["choice"]
                    reasons = told.setdefault(decision["decision_id"], Counter())
                    reasons[decision["why_not"]["reason"]] += 1
        for decision_id, reasons in told.items():
            checked += 1
            could = sum(reasons.pop(reason, 0) for reason in ("chosen", "ranked", "preferred"))
            assert could == choices[decision_id]["eligible"]
            assert dict(reasons) == choices[decision_id]["others"]
    assert checked > 3


async def test_a_change_of_one_agent_among_many_logs_that_agent_and_is_replayed(
    floor: Floor, cli: Cli, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    crowd = [{"id": f"agent-{number}", "name": f"Agent {number}", "queues": ["billing"]} for number in range(2000)]
    large = {**CONFIGURATION, "agents": [*CONFIGURATION["agents"], *crowd]}
    await configure(floor, large)
    await floor.set_state("ann")
    await floor.open_ticket("early", language="de")
    await floor.accept("ann", "early")
    any_version = {"If-Match": "*"}
    before = int(await rows.fetchval("SELECT max(id) FROM input_log WHERE workspace_id = $1", floor.workspace_id))

    assert (
        await floor.http.patch("/v1/agents/eve", json={"skills": {"german": 5}}, headers=any_version)
    ).status_code == 200
    cid = {"id": "cid", "queues": ["general"], "skills": {"german": 3}, "shifts": {"mon": ["00:00-24:00"]}}
    assert (await floor.http.put("/v1/agents/cid", json=cid)).status_code == 201
    await floor.set_state("ann", "busy")
    await floor.set_state("bob")
    assert (
        await floor.http.patch("/v1/agents/bob", json={"skills": {"german": 4}}, headers=any_version)
    ).status_code == 200
    await floor.open_ticket("late", language="de")
    await floor.offered("bob", "late")
    large["agents"] = [agent for agent in large["agents"] if agent["id"] != "bob"]
    await configure(floor, large)

    logged = await rows.fetch(
        "SELECT kind, payload, pg_column_size(payload) AS size FROM input_log"
        " WHERE workspace_id = $1 AND id > $2 AND kind LIKE 'Configure%' ORDER BY id",
        floor.workspace_id,
        before,
    )
    assert [row["kind"] for row in logged] == ["ConfigureAgents"] * 4
    assert max(row["size"] for row in logged) < 1000
    payloads = [json.loads(row["payload"]) for row in logged]
    changed = [[agent["id"] for agent in payload["changed"]] for payload in payloads]
    assert changed == [["eve"], ["cid"], ["bob"], ["eve"]]
    assert payloads[-1]["removed"] == ["bob", "cid"]

    async def is_back() -> bool:
        return [each["kind"] for each in await floor.decisions("late")][-1:] == ["WorkRequeued"]

    await eventually(is_back, what="what bob was asked waits again")
    ended = await cli.run("replay", "--json", "-")
    assert ended.code == 0, ended.out + ended.err
    assert (ended.data["tickets"], ended.data["differing"]) == (2, 0)
    why = await floor.http.get(f"/v1/tickets/{floor.ticket_id('late')}/decisions", params={"agent": "cid"})
    told = [each["why_not"]["reason"] for each in why.json()["items"] if each["why_not"]]
    assert told == ["state:offline"]
    tried = await cli.run("replay", "--without-agents", "bob", "--json", "-")
    assert tried.code == 0, tried.out + tried.err
    assert "bob" not in tried.data["what_if"]["agents"]


async def configure(floor: Floor, configuration: dict[str, Any]) -> None:
    answer = await floor.http.put("/v1/configuration", json=configuration, headers={"If-Match": "*"}, timeout=60)
    assert answer.status_code == 200, answer.text


async def test_there_is_nothing_to_replay_in_an_unknown_workspace(cli: Cli) -> None:
    ended = await cli.run("replay", "--workspace", "nobody")
    assert ended.code == 1
    assert ended.err.strip() == "waypost: The router has no record of a workspace nobody."
