"""Topic `kpis` as an independent client reads it."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.metrics.domain.definitions import VARIANTS
from shared.events.catalog import KPIS
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.kpis import KpiUpdatedV1
from tests.eventually import eventually
from tests.integration.metrics.listening import board
from tests.integration.metrics.running import Ground
from tests.scribe import Scribe
from tests.shards import shard_of

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class _Reader:
    """Everything on one partition of the topic."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.consumer = consumer
        self.events: list[Event] = []

    async def read(self) -> dict[Key, float | None]:
        """The last value of each key."""
        for records in (await self.consumer.getmany(timeout_ms=100)).values():
            self.events += [decode(record.value, KPIS) for record in records]
        latest: dict[Key, float | None] = {}
        for event in self.events:
            assert isinstance(event.data, KpiUpdatedV1)
            latest[event.data.kpi, event.data.window, tuple(event.data.scope.items())] = event.data.value
        return latest


@asynccontextmanager
async def reading(ground: Ground, workspace_id: str) -> AsyncIterator[_Reader]:
    async with AIOKafkaConsumer(
        bootstrap_servers=ground.stack.kafka.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([TopicPartition(f"{ground.prefix}.kpis", shard_of(workspace_id))])
        yield _Reader(consumer)


async def test_values_of_workspace_and_queues_are_published_as_they_change(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    http = await ground.http(process, "acme", "metrics:read")
    s = Scribe("acme")

    async def settle(reader: _Reader) -> None:
        """Waits until what was published last is what a request shows."""

        async def probe() -> bool:
            latest = await reader.read()
            answer = await http.get("/v1/kpis", params={"window": ["15m", "today", "now"]})
            for key, (value, _) in board(answer.json()["values"]).items():
                if key[0] != "oldest_waiting":
                    assert latest.get(key) == value, key
            return True

        await eventually(probe, within_s=15)

    async with reading(ground, "acme") as reader:
        for number in range(30):
            queue = ("billing", "sales")[number % 2]
            s.opened(f"t{number}", now - timedelta(seconds=90))
            s.queued(f"t{number}", now - timedelta(seconds=80), queue=queue)
            s.assigned(f"t{number}", now - timedelta(seconds=70 - number), queue=queue)
            s.replied(f"t{number}", now)
            await ground.publish(s.events[-5:])
        await settle(reader)
        # Time alone takes values back: they are published too.
        ground.shift[0] += timedelta(minutes=16)
        await ground.now(process)
        s.opened("late", now + timedelta(minutes=16))
        await ground.publish(s.events[-2:])
        await settle(reader)
        assert (await reader.read())["volume", "15m", ()] == 1
        published = reader.events
    check_contract(published)


def check_contract(events: list[Event]) -> None:
    """Sequences rise by subject, time never goes back, and no key comes more than once a second."""
    sequences: dict[str, list[int]] = defaultdict(list)
    times: dict[str, list[datetime]] = defaultdict(list)
    by_key: dict[Key, list[datetime]] = defaultdict(list)
    for event in events:
        data = event.data
        assert isinstance(data, KpiUpdatedV1)
        assert event.subject == f"kpi/{data.kpi}"
        kpi = VARIANTS[data.kpi].kpi
        assert (data.unit, data.definition_version) == (kpi.unit, kpi.version)
        assert set(data.scope) <= {"queue"}
        sequences[event.subject].append(event.sequence)
        times[event.subject].append(event.time)
        by_key[data.kpi, data.window, tuple(data.scope.items())].append(event.time)
    assert len(by_key) > 20
    assert all(found == sorted(set(found)) for found in sequences.values())
    assert all(found == sorted(found) for found in times.values())
    for found in by_key.values():
        gaps = [later - earlier for earlier, later in pairwise(found)]
        assert all(gap > timedelta(seconds=0.9) for gap in gaps)


async def test_sequences_go_on_rising_after_a_restart(ground: Ground) -> None:
    s = Scribe("acme")
    async with reading(ground, "acme") as reader:
        for number in range(2):
            process = await ground.start()
            now = await ground.now(process)
            s.opened(f"t{number}", now)
            await ground.publish(s.events[-2:])

            async def is_out(volume: int = number + 1) -> bool:
                return (await reader.read()).get(("volume", "15m", ())) == volume

            await eventually(is_out, within_s=15)
            await process.stop()
        await reader.read()
    numbers = [event.sequence for event in reader.events if event.subject == "kpi/volume"]
    assert numbers == sorted(set(numbers))
