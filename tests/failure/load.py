"""Messages that come in over all workspaces while something fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.failure.fleet import WORKSPACES, Fleet, bearer
from tests.failure.wire import Connection

MESSAGES = 400
"""Enough that a hundred are under way when something fails, and hundreds come after."""

_names = count(1)


@dataclass
class Load:
    """Messages, each sent until somebody has it."""

    fleet: Fleet
    count: int = MESSAGES
    name: str = field(default_factory=lambda: f"load-{next(_names)}")
    sent: dict[tuple[str, str], str] = field(default_factory=dict)
    """(workspace, external id) -> ticket, as intake answered."""
    retried: int = 0
    duplicates: int = 0
    """Answers that told of an earlier delivery, whose own answer had been lost."""
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, concurrency: int = 100) -> None:
        """Sends everything. An unknown outcome is tried again with the same external id."""
        numbers = iter(range(self.count))
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._send(numbers))

    async def reached(self, share: float) -> None:
        """Waits until so much of it has been taken."""
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.sent) >= share * self.count)

    async def _send(self, numbers: Iterator[int]) -> None:
        connection = Connection(self.fleet.ports["intake"])
        try:
            for number in numbers:
                await self._deliver(connection, WORKSPACES[number % len(WORKSPACES)], f"{self.name}-{number}")
        finally:
            await connection.close()

    async def _deliver(self, connection: Connection, workspace_id: str, external_id: str) -> None:
        message = {
            "channel": "api",
            "external_id": external_id,
            "from": {"email": f"{external_id}@example.org"},
            "subject": "Load",
            "text": "One of many.",
        }
        while True:
            answer = await connection.post("/v1/messages", bearer(workspace_id), message)
            if answer is not None and answer[0] in (200, 201):
                break
            # On these whoever sends may try again, and on nothing else.
            assert answer is None or answer[0] == 503, answer
            self.retried += 1
            await asyncio.sleep(0.1)
        status, body = answer
        self.duplicates += status == 200
        async with self.progress:
            self.sent[workspace_id, external_id] = body["ticket_id"]
            self.fleet.accepted.add((workspace_id, body["ticket_id"]))
            self.progress.notify_all()


async def under_fault(fleet: Fleet, fault: Callable[[Load], Awaitable[None]], messages: int = MESSAGES) -> Load:
    """Sends so many messages; the fault happens meanwhile."""
    load = Load(fleet, messages)
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run())
        await fault(load)
    return load
