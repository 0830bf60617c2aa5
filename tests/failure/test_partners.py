"""SIGKILL of the router while it tells a partner of a work order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, Fleet
from tests.serving import serving

WORKSPACE = "outsourced"
SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"


@dataclass
class Vendor:
    """A partner that does not answer the first call until it may."""

    port: int = 0
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Vendor"]:
        vendor = cls()
        async with serving(vendor._serve) as vendor.port:
            yield vendor

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self.calls.append((headers, await reader.readexactly(int(headers["content-length"]))))
        await self.may_answer.wait()
        writer.write(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n")


async def test_a_router_killed_while_it_tells_a_partner_tells_it_again_under_the_same_id(fleet: Fleet) -> None:
    async with (
        Vendor.open() as vendor,
        fleet.http("router", WORKSPACE) as router,
        httpx.AsyncClient() as partner,
    ):
        terms = {"url": f"http://127.0.0.1:{vendor.port}/", "secret": SECRET, "fallback": "general"}
        routing: dict[str, Any] = {
            "queues": [{"id": "general"}, {"id": "field", "partner": terms}],
            "policy": {"default": {"queue": "field"}},
        }
        answer = await router.put("/v1/configuration", json=routing, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        async with fleet.http("intake", WORKSPACE) as intake:
            message = {"channel": "api", "from": {"name": "Ann"}, "text": "It leaks."}
            assert (await intake.post("/v1/messages", json=message)).status_code == 201
        await eventually(lambda: len(vendor.calls) == 1, within_s=30, what="first call")
        await fleet.kill("router")
        vendor.may_answer.set()
        await eventually(lambda: len(vendor.calls) == 2, within_s=90, what="second call")
        (first, one), (second, other) = vendor.calls
        assert (first["webhook-id"], one) == (second["webhook-id"], other)
        order = json.loads(other)["data"]
        Webhook(SECRET).verify(other, second)
        await fleet.ready()
        accepted = await partner.post(order["accept_url"])
        assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
        await eventually(partial(_has_told_all, fleet), within_s=30, every_s=LOOK_S)
        assert [json.loads(call)["type"] for _, call in vendor.calls[2:]] == ["work_order.accepted"]


async def _has_told_all(fleet: Fleet) -> bool:
    return await fleet.rows("router", "SELECT 1 FROM work_order_message WHERE next_attempt_at IS NOT NULL") == []
