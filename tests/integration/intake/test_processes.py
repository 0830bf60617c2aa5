"""Two processes of intake on one database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from deploy.local.stack import Stack
from tests.eventually import eventually
from tests.integration.intake.office import Json
from tests.shards import SHARDS
from tests.system import System, Templates, start

BODY = {"channel": "api", "from": {"email": "ada@example.org"}, "text": "Help"}


@dataclass
class Pair:
    """Both processes."""

    one: System
    other: System

    async def tools(self, workspace_id: str) -> list[httpx.AsyncClient]:
        return [await system.http("intake", workspace_id) for system in (self.one, self.other)]


@pytest.fixture(scope="module")
async def pair(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("pair")
    setting = {"prefix": "pair", "templates": templates, "folder": folder}
    async with start(stack, ("intake",), **setting) as one:  # type: ignore[arg-type] # as start takes them
        joined = {**setting, "databases": one.databases, "process": 2}
        async with start(stack, ("intake",), **joined) as other:  # type: ignore[arg-type] # as above
            yield Pair(one, other)


async def test_the_work_is_shared(pair: Pair) -> None:
    def shares() -> bool:
        held = [len(system.services["intake"].runtime.leases.held()) for system in (pair.one, pair.other)]
        return sum(held) == SHARDS and min(held) == SHARDS // 2

    await eventually(shares, within_s=20)


async def test_one_message_sent_to_both_at_once_is_received_once(pair: Pair, workspace_id: str) -> None:
    tools = await pair.tools(workspace_id)
    for number in range(10):
        body = {**BODY, "external_id": f"m-{number}"}
        answers = await asyncio.gather(*(http.post("/v1/messages", json=body) for http in tools * 2))
        receipts = [answer.json() for answer in answers]
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert len({receipt["message_id"] for receipt in receipts}) == 1
        assert {receipt["ticket_number"] for receipt in receipts} == {receipts[0]["ticket_number"]}


async def test_one_key_at_both_at_once_is_done_once(pair: Pair, workspace_id: str) -> None:
    tools = await pair.tools(workspace_id)
    for number in range(10):
        headers = {"Idempotency-Key": f"key-{number}"}
        answers = await asyncio.gather(
            *(http.post("/v1/messages", json=BODY, headers=headers) for http in tools * 3)
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1


async def test_a_new_sender_who_writes_to_both_at_once_is_one_customer(pair: Pair, workspace_id: str) -> None:
    tools = await pair.tools(workspace_id)
    answers = await asyncio.gather(*(http.post("/v1/messages", json=BODY) for http in tools * 10))
    assert {answer.status_code for answer in answers} == {201}
    customers = (await tools[0].get("/v1/customers")).json()["items"]
    assert len(customers) == 1
    numbers = [answer.json()["ticket_number"] for answer in answers]
    assert len(set(numbers)) == 20


async def test_two_who_merge_two_tickets_into_each_other_leave_one(pair: Pair, workspace_id: str) -> None:
    tools = await pair.tools(workspace_id)
    for _ in range(5):
        one, other = [(await http.post("/v1/messages", json=BODY)).json()["ticket_id"] for http in tools]
        answers = await asyncio.gather(
            tools[0].post(f"/v1/tickets/{one}/merge", json={"into": other}),
            tools[1].post(f"/v1/tickets/{other}/merge", json={"into": one}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_stream_of_one_process_is_woken_by_a_commit_of_the_other(pair: Pair, workspace_id: str) -> None:
    tools = await pair.tools(workspace_id)
    ticket_id = (await tools[0].post("/v1/messages", json=BODY)).json()["ticket_id"]
    async with aconnect_sse(tools[1], "GET", f"/v1/tickets/{ticket_id}/stream") as source:
        assert source.response.status_code == 200
        entries = source.aiter_sse()
        # Looking every two seconds alone would take longer.
        async with asyncio.timeout(6):
            for number in range(5):
                await tools[0].post(f"/v1/tickets/{ticket_id}/notes", json={"text": f"Look {number}"})
                entry: Json = (await anext(entries)).json()
                assert (entry["kind"], entry["message"]["text"]) == ("note", f"Look {number}")
