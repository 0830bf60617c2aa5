"""Deadlines that come one after the other while escalation processes are killed, frozen and cut off."""

import asyncio
import json
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from shared.clock import SystemClock
from shared.events.catalog import SHARDS
from shared.kafka.client import Producer
from tests.clients import client
from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, ROOT, bearer
from tests.keys import write_jwks
from tests.load.promises import opened, tell
from tests.system import Templates

PREFIX = "deadlines"
WORKSPACES = tuple(f"due-{number}" for number in range(6))
WITHIN = timedelta(seconds=15)
PART: dict[str, Any] = {
    "sla_policies": [
        {
            "id": "hasty",
            "targets": [
                {"metric": "first_reply", "within": "15s", "warn_at_percent": [90], "escalation": "chain"}
            ],
        }
    ],
    "escalation_policies": [{"id": "chain", "steps": [{"raise_priority": {"by": 1}}]}],
}


@dataclass
class Deadlines:
    """Escalation processes by names, on one database."""

    stack: Stack
    folder: Path
    database: ServiceDatabase
    producer: Producer
    children: dict[str, Child] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    tickets: list[str] = field(default_factory=list)
    """Those of the test that runs."""

    @classmethod
    @asynccontextmanager
    async def open(cls, stack: Stack, templates: Templates, folder: Path) -> "AsyncIterator[Deadlines]":
        """Configured, as if that had been an hour ago; nothing runs."""
        write_jwks(folder / "jwks.json")
        template = await asyncio.to_thread(templates.__getitem__, "escalation")
        database = await asyncio.to_thread(
            stack.postgres.create_database, "escalation", prefix=f"{PREFIX}_", template=template
        )
        producer = Producer(stack.kafka.bootstrap, topic_prefix=PREFIX)
        deadlines = cls(stack, folder, database, producer)
        try:
            await deadlines.start("escalation-1")
            for name in WORKSPACES:
                async with deadlines.http("escalation-1", name) as http:
                    answer = await http.put("/v1/configuration", json=PART, headers={"If-Match": "*"})
                    assert answer.status_code == 200, answer.text
            deadlines.stop()
            await deadlines.rows("UPDATE policy_version SET since = since - interval '1 hour' RETURNING 1")
            yield deadlines
        finally:
            deadlines.stop()
            await producer.close()

    async def start(self, name: str, *module: str) -> None:
        """Starts a process, by default one that nothing is to happen to; returns when it is ready."""
        self.begin(name, *module)
        await eventually(lambda: self.is_ready(name), within_s=60, what=f"{name} ready", every_s=LOOK_S)

    def begin(self, name: str, *module: str) -> None:
        """Starts a process."""
        self.ports.setdefault(name, free_ports(1)[0])
        env = {
            "WAYPOST_ENVIRONMENT": "development",
            "WAYPOST_DATABASE_URL": self.database.url,
            "WAYPOST_KAFKA_BOOTSTRAP": self.stack.kafka.bootstrap,
            "WAYPOST_TOPIC_PREFIX": PREFIX,
            "WAYPOST_HOLDER": name,
            "WAYPOST_HTTP_HOST": "127.0.0.1",
            "WAYPOST_HTTP_PORT": str(self.ports[name]),
            "WAYPOST_JWKS_FILE": str(self.folder / "jwks.json"),
            "WAYPOST_LOG_FORMAT": "json",
            "PATH": "/usr/bin:/bin",
        }
        command = Command([sys.executable, "-m", *(module or ["services.escalation"])], env=env, cwd=ROOT)
        with (self.folder / f"{name}.log").open("ab") as output:
            self.children[name] = spawn(command, output=output)

    def stop(self) -> None:
        """Ends every process in good order."""
        while self.children:
            _, child = self.children.popitem()
            child.signal(signal.SIGCONT)
            child.stop(signal.SIGTERM, within_s=25)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.children[name].signal(signal.SIGCONT)

    async def knows(self, number: int) -> bool:
        """Whether so many of the deadlines are known, fired or not."""
        return await self._count("true") >= number

    async def has_fired(self, number: int) -> bool:
        """Whether so many of the deadlines have."""
        return await self._count("breached_at IS NOT NULL") >= number

    async def _count(self, condition: str) -> int:
        rows = await self.rows(
            f"SELECT count(*) FROM sla_clock WHERE {condition} AND ticket_id = ANY ($1::uuid[])",
            self.tickets,
        )
        return int(rows[0][0])

    async def is_ready(self, name: str) -> bool:
        """Whether a process says that it can do its work."""
        try:
            async with client(timeout_s=5) as http:
                return (await http.get(f"http://127.0.0.1:{self.ports[name]}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    def http(self, name: str, workspace_id: str) -> httpx.AsyncClient:
        """A client of one process, with a token of a workspace."""
        return client(f"http://127.0.0.1:{self.ports[name]}", bearer=bearer(workspace_id), timeout_s=15)

    async def follow_each_other(self, number: int, apart: timedelta, *, first: timedelta) -> datetime:
        """Opens tickets whose deadlines come one after the other; when the last one does."""
        due = SystemClock().now() + first
        events = [
            opened(WORKSPACES[place % len(WORKSPACES)], place + 1, due + place * apart - WITHIN)
            for place in range(number)
        ]
        self.tickets = [event.subject.removeprefix("ticket/") for event in events]
        await tell(self.producer, events)
        return due + number * apart

    async def must_hold(self, within_s: float = 60) -> None:
        """Each level of each ticket was told once, none before its time, none is lost."""
        await eventually(self._is_over, within_s=within_s, what="every deadline told", every_s=LOOK_S)
        told: dict[str, list[str]] = defaultdict(list)
        sequences: dict[str, dict[int, str]] = defaultdict(dict)
        for event in await self._heard():
            data, known = event["data"], sequences[event["subject"]]
            assert known.setdefault(event["sequence"], event["id"]) == event["id"], "two events with one sequence"
            told[data["ticket_id"]].append(event["type"].removeprefix("waypost.").rpartition(".")[0])
            if "fired_at" in data:
                assert datetime.fromisoformat(data["fired_at"]) >= datetime.fromisoformat(data["due_at"])
        assert all(sorted(known) == list(range(1, len(known) + 1)) for known in sequences.values())
        for ticket in self.tickets:
            levels = [name for name in told[ticket] if name != "sla.clock_started"]
            # A warning whose breach is over too by the time somebody can tell is not told.
            assert levels in (
                ["sla.warned", "sla.breached", "escalation.raised"],
                ["sla.breached", "escalation.raised"],
            ), (ticket, told[ticket], len(told), sum(map(len, sequences.values())))

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        """What a statement finds in the database, past all fences."""
        server, _, _ = self.stack.postgres.admin_url.rpartition("/")
        connection = await asyncpg.connect(f"{server}/{self.database.name}")
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def _is_over(self) -> bool:
        """Whether nothing is left to be fired or published."""
        try:
            rows = await self.rows(
                "SELECT (SELECT count(*) FROM sla_clock WHERE is_escalated AND ticket_id = ANY ($1::uuid[])),"
                " (SELECT count(*) FROM timer), (SELECT count(*) FROM outbox)",
                self.tickets,
            )
        except (OSError, asyncpg.PostgresError):
            return False
        assert tuple(rows[0]) == (len(self.tickets), 0, 0), tuple(rows[0])
        return True

    async def _heard(self) -> list[dict[str, Any]]:
        """Every event of the topic once, in order."""
        consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
            bootstrap_servers=self.stack.kafka.bootstrap, enable_auto_commit=False
        )
        await consumer.start()
        found: dict[str, dict[str, Any]] = {}
        try:
            places = [TopicPartition(f"{PREFIX}.escalations", n) for n in range(SHARDS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, 0)
            while [place for place in places if await consumer.position(place) < ends[place]]:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        event = json.loads(record.value or b"")
                        found.setdefault(event["id"], event)
        finally:
            await consumer.stop()
        return list(found.values())
