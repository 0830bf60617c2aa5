"""The load generator: a process of its own that sends the same kinds of request over and over.

A closed loop: each connection sends its next request when the answer to the one before is complete. It parses
no more of an answer than its status and length, so that it keeps up with servers much faster than Waypost.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import cast

import uvloop

from shared.clock import monotonic
from tests.load.figures import percentile

NUMBER = "#########"
"""Stands in a request for its number: so many digits, so that lengths never change."""
PERSON = "@@@@@@@@@"
"""Stands for a number that comes again: that of one of `people`."""

_PATIENCE_S = 30.0
"""How long the last answers may take."""


@dataclass(frozen=True)
class Job:
    """What to send.

    requests: whole requests as they go over the wire; a number always goes with the same one
    first: the number of the first one; repeats: numbers begin again after so many
    """

    port: int
    requests: Sequence[str]
    connections: int
    seconds: float
    warm_up_s: float = 1.0
    first: int = 0
    repeats: int | None = None
    people: int = 5000


@dataclass(frozen=True)
class Outcome:
    """What came of it. Latencies and the rate are those after warming up.

    sent: how many numbers were used up, warming up included
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    sent: int
    statuses: dict[str, int] = field(default_factory=dict)


def post(path: str, token: str, body: object) -> str:
    """A whole POST request with a JSON body."""
    content = json.dumps(body, separators=(",", ":"))
    return (
        f"POST {path} HTTP/1.1\r\nHost: waypost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content.encode())}\r\n\r\n{content}"
    )


def get(path: str) -> str:
    """A whole GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: waypost\r\n\r\n"


async def drive(job: Job) -> Outcome:
    """Runs a job in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps(asdict(job)).encode())
    if process.returncode:
        raise RuntimeError("the load generator failed")
    return Outcome(**json.loads(said))


class _Run:
    """What all connections share."""

    def __init__(self, job: Job) -> None:
        self._templates = [request.encode() for request in job.requests]
        self._numbers = count()
        self._job = job
        self.starts_at = monotonic() + job.warm_up_s
        self.ends_at = self.starts_at + job.seconds
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.sent = 0

    def next_request(self) -> bytes:
        self.sent = turn = next(self._numbers)
        number = self._job.first + (turn % self._job.repeats if self._job.repeats else turn)
        template = self._templates[number % len(self._templates)]
        return template.replace(NUMBER.encode(), b"%09d" % number).replace(
            PERSON.encode(), b"%09d" % (number % self._job.people)
        )

    def note(self, status: str, began: float, ended: float) -> None:
        if self.starts_at <= ended < self.ends_at:
            self.latencies.append(ended - began)
            self.statuses[status] += 1

    def outcome(self) -> Outcome:
        return Outcome(
            per_second=len(self.latencies) / self._job.seconds,
            p50_ms=1000 * percentile(self.latencies, 0.50),
            p99_ms=1000 * percentile(self.latencies, 0.99),
            sent=self.sent + 1,
            statuses=dict(self.statuses),
        )


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._got = b""
        self._began = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        size = answer_size(self._got)
        if size is None or len(self._got) < size:
            return
        now = monotonic()
        self._run.note(self._got[9:12].decode(), self._began, now)
        self._got = self._got[size:]
        if now < self._run.ends_at:
            self._send()
        else:
            self.over.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionError("the server hung up"))

    def _send(self) -> None:
        self._began = monotonic()
        self._transport.write(self._run.next_request())


def answer_size(got: bytes) -> int | None:
    """How long the answer is that begins here; None while its head is incomplete. It must say its length."""
    head = got.find(b"\r\n\r\n")
    if head < 0:
        return None
    name = got.lower().find(b"\r\ncontent-length:", 0, head + 2)
    if name < 0:
        raise ValueError("an answer without its length")
    return head + 4 + int(got[name + 17 : got.find(b"\r\n", name + 2)])


async def _main(job: Job) -> Outcome:
    run = _Run(job)
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", job.port)
        for _ in range(job.connections)
    ]
    async with asyncio.timeout(job.warm_up_s + job.seconds + _PATIENCE_S):
        await asyncio.gather(*(connection.over for _, connection in connections))
    return run.outcome()


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_main(Job(**json.load(sys.stdin)))))))  # noqa: T201 - its result
