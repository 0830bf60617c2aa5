"""Reading that has to end."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from shared.events.catalog import TICKETS
from shared.kafka import inbox
from shared.kafka.client import Reader
from shared.kafka.inbox import Inboxes
from shared.telemetry.metrics import Metrics
from tests.integration.shared.node import Ground

pytestmark = pytest.mark.usefixtures("topic")


class Deaf(Reader):
    """A reader that loses one cancellation, as libraries do when an answer comes at the same moment."""

    asked = asyncio.Event()

    async def end_offsets(self, places: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        self.asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return await super().end_offsets(places)
        raise AssertionError("nobody stopped it")


async def test_reading_ends_although_a_cancellation_is_lost(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_CHECK_S", 0.05)

    def deaf() -> Reader:
        return Deaf(ground.bootstrap, topics=[TICKETS], topic_prefix=ground.prefix, group="kernel")

    stopping = asyncio.Event()
    reading = asyncio.create_task(Inboxes(deaf, [TICKETS], Metrics("kernel")).run(stopping))
    async with asyncio.timeout(20):
        await Deaf.asked.wait()
    stopping.set()
    await asyncio.wait([reading], timeout=10)
    assert reading.done()
    await reading
