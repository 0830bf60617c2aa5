"""What really happened, read three ways: the topics by a client of its own, the services' API, and rows."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.failure.fleet import WORKSPACES, Fleet

TOPICS = ("tickets", "routing", "escalations")

Subject = tuple[str, str]


@dataclass
class Truth:
    """Every event of a fleet's topics, each once, by workspace and subject, in order of sequence."""

    events: dict[Subject, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    records: int = 0

    @classmethod
    async def read(cls, fleet: Fleet) -> "Truth":
        """Reads all topics from their beginning to their end."""
        truth = cls()
        consumer = AIOKafkaConsumer(bootstrap_servers=fleet.stack.kafka.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [TopicPartition(f"{fleet.prefix}.{topic}", n) for topic in TOPICS for n in range(12)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        truth._take(record.key, record.value)
        finally:
            await consumer.stop()
        return truth

    def _take(self, key: bytes, value: bytes) -> None:
        event = json.loads(value)
        self.records += 1
        assert key.decode() == event["workspace"]
        known = self.events[event["workspace"], event["subject"]].setdefault(event["sequence"], event)
        assert known["id"] == event["id"], f"two events with one sequence: {known} {event}"

    def gaps(self) -> list[Subject]:
        """Subjects whose sequences are not 1 to n."""
        return [
            subject for subject, events in self.events.items() if sorted(events) != list(range(1, len(events) + 1))
        ]

    def times_backwards(self) -> list[Subject]:
        """Subjects of which an event is older than the one before it."""
        found = []
        for subject, events in self.events.items():
            times = [events[number]["time"] for number in sorted(events)]
            if times != sorted(times):
                found.append(subject)
        return found

    def of_type(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """Events of a type by the ticket that they are about."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for events in self.events.values():
            for number in sorted(events):
                event = events[number]
                if event["type"] == f"waypost.{name}.v1":
                    found[event["data"]["ticket_id"]].append(event)
        return found


async def tickets(fleet: Fleet) -> Mapping[str, list[str]]:
    """The tickets of each workspace, through intake's API."""
    found: dict[str, list[str]] = {}
    for workspace_id in WORKSPACES:
        async with fleet.http("intake", workspace_id) as http:
            ids: list[str] = []
            cursor: str | None = None
            while True:
                query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                page = (await http.get("/v1/tickets", params=query)).json()
                ids += [ticket["ticket_id"] for ticket in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            found[workspace_id] = ids
    return found


async def volumes(fleet: Fleet) -> int:
    """Tickets counted by metrics, over all workspaces."""
    total = 0
    for workspace_id in WORKSPACES:
        async with fleet.http("metrics", workspace_id) as http:
            answer = await http.get("/v1/kpis", params={"kpi": "volume"})
            values = [item for item in answer.json()["items"] if not item["scope"] and item["window"] == "today"]
            total += int(values[0]["value"] or 0) if values else 0
    return total
