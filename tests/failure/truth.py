"""What really happened: the topics, read by a client of the tests' own."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.events.catalog import SHARDS
from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, Fleet

TOPICS = ("tickets", "routing", "escalations")

Subject = tuple[str, str]


@dataclass
class Truth:
    """Every event of a fleet's topics, each once, by workspace and subject, in order of sequence."""

    fleet: Fleet
    events: dict[Subject, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    records: list[ConsumerRecord[bytes, bytes]] = field(default_factory=list)
    repeats: int = 0
    unreadable: set[Subject] = field(default_factory=set)
    """Subjects of which a record says nothing, by its key and headers."""
    _read_to: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def places(self) -> list[TopicPartition]:
        return [TopicPartition(f"{self.fleet.prefix}.{topic}", n) for topic in TOPICS for n in range(SHARDS)]

    async def read(self) -> None:
        """Reads on to the topics' present ends."""
        consumer = self._consumer()
        await consumer.start()
        try:
            consumer.assign(self.places)
            ends = await consumer.end_offsets(self.places)
            for place in self.places:
                consumer.seek(place, self._read_to.get(place, 0))
            while any(self._read_to.get(place, 0) < ends[place] for place in self.places):
                for place, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        self._take(record)
                    self._read_to[place] = records[-1].offset + 1
        finally:
            await consumer.stop()

    async def settle(self, within_s: float = 120) -> None:
        """Waits until every service has applied and published everything, then reads it."""
        consumer = self._consumer()
        await consumer.start()
        before: dict[tuple[str, int], int] = {}

        async def is_settled() -> bool:
            nonlocal before
            # In this order: what is neither unpublished nor unread while nothing is published is done.
            assert await self.fleet.unpublished() == 0, "outboxes are not empty"
            found = await consumer.end_offsets(self.places)
            ends = {(place.topic.rpartition(".")[2], place.partition): end for place, end in found.items()}
            unread = await self.fleet.unread(ends)
            assert unread == [], unread
            has_rested, before = ends == before, ends
            return has_rested

        try:
            await eventually(is_settled, within_s=within_s, what="everything applied", every_s=LOOK_S)
        finally:
            await consumer.stop()
        await self.read()

    def _consumer(self) -> "AIOKafkaConsumer[bytes, bytes]":
        return AIOKafkaConsumer(bootstrap_servers=self.fleet.stack.kafka.bootstrap, enable_auto_commit=False)

    def _take(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        self.records.append(record)
        try:
            event = json.loads(record.value or b"")
        except ValueError:
            self.unreadable.add(((record.key or b"").decode(), dict(record.headers)["subject"].decode()))
            return
        assert record.key is not None
        assert record.key.decode() == event["workspace"]
        subject = self.events[event["workspace"], event["subject"]]
        self.repeats += event["sequence"] in subject
        known = subject.setdefault(event["sequence"], event)
        assert known == event, f"two events with one sequence: {known} {event}"

    @property
    def number(self) -> int:
        """How many events there are."""
        return sum(map(len, self.events.values()))

    def gaps(self) -> list[Subject]:
        """Subjects whose sequences are not 1 to n."""
        return [
            subject
            for subject, events in self.events.items()
            if subject not in self.unreadable and sorted(events) != list(range(1, len(events) + 1))
        ]

    def times_backwards(self) -> list[Subject]:
        """Subjects of which an event is older than the one before it."""
        found = []
        for subject, events in self.events.items():
            times = [events[number]["time"] for number in sorted(events)]
            if times != sorted(times):
                found.append(subject)
        return found

    def epochs_backwards(self) -> list[str]:
        """Tickets that were assigned under an epoch older than one that had been at work in their shard before."""
        found = []
        latest: dict[int, int] = defaultdict(int)
        seen: set[str] = set()
        for record in self.records:
            if b"work.assigned" not in (record.value or b""):
                continue
            event = json.loads(record.value or b"")
            if event["id"] in seen:
                continue
            seen.add(event["id"])
            epoch = event["data"]["epoch"]
            if epoch < latest[record.partition]:
                found.append(event["data"]["ticket_id"])
            latest[record.partition] = max(epoch, latest[record.partition])
        return found

    def of_type(self, name: str, among: Collection[str] | None = None) -> dict[str, list[dict[str, Any]]]:
        """Events of a type by the ticket that they are about, of all workspaces or among these."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for (workspace_id, _), events in self.events.items():
            for event in events.values() if among is None or workspace_id in among else ():
                if event["type"] == f"waypost.{name}.v1":
                    found[event["data"]["ticket_id"]].append(event)
        return found
