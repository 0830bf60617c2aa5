"""Clients of the stream: they keep what it says, as a board in a browser would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

from tests.eventually import eventually

Key = tuple[str, str, tuple[tuple[str, str], ...]]


def key_of(value: dict[str, Any]) -> Key:
    """What a value is known by."""
    return value["kpi"], value["window"], tuple(sorted(value["scope"].items()))


def board(values: list[dict[str, Any]]) -> dict[Key, tuple[float | None, int | None]]:
    """Values by what they are known by."""
    return {key_of(value): (value["value"], value["samples"]) for value in values}


@dataclass
class Listening:
    """What one client has heard."""

    state: dict[Key, tuple[float | None, int | None]] = field(default_factory=dict)
    events: list[ServerSentEvent] = field(default_factory=list)
    is_over: bool = False

    def take(self, event: ServerSentEvent) -> None:
        data = event.json()
        if event.event == "snapshot":
            self.state = {}
        self.state |= board(data["values"])
        self.events.append(event)

    def of(self, kpi: str, window: str) -> float:
        """A value of the workspace; 0 where there is none."""
        return self.state.get((kpi, window, ()), (None, None))[0] or 0.0

    @property
    def last_id(self) -> str:
        return self.events[-1].id

    def kinds(self) -> list[str]:
        return [event.event for event in self.events]

    def numbers(self) -> list[int]:
        return [int(event.id.partition("-")[2]) for event in self.events]


@asynccontextmanager
async def listening(http: httpx.AsyncClient, *, last: str | None = None, **query: Any) -> AsyncIterator[Listening]:
    """A client that has got its first event and goes on listening."""
    heard = Listening()
    headers = {"Last-Event-ID": last} if last is not None else {}

    async def listen() -> None:
        async with aconnect_sse(http, "GET", "/v1/kpis/stream", params=query, headers=headers) as source:
            assert source.response.status_code == 200, await source.response.aread()
            async for event in source.aiter_sse():
                heard.take(event)
        heard.is_over = True

    task = asyncio.create_task(listen())
    try:
        await eventually(lambda: heard.events or task.done(), what="first event")
        if task.done():
            task.result()
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])
