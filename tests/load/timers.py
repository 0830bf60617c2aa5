"""How late deadlines fire, a thousand of them a second, while a million others wait."""

import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.clock import monotonic
from shared.events.catalog import SHARDS
from shared.events.envelope import Event
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.load.figures import Effort, Figure, Say, Section, percentile
from tests.load.promises import PREFIX, backdate, configure, counted, folded, now, opened, producing, tell
from tests.load.workbench import WORKSPACES, Workbench, workbench

NAMES = tuple(f"promised-{number}" for number in range(WORKSPACES))
LONG = ("first_reply", "requester_wait", "agent_work", "total_resolution")
TIMERS_A_TICKET = 2 * len(LONG)
WITHIN = timedelta(hours=1)
RATE = 1000
_LEAD_S = 5.0
"""Between the last ticket of a wave and its first deadline, at the least."""
_GIVE_UP_S = 60
_DRAINS_S = 600

PART: dict[str, Any] = {
    "sla_policies": [
        {
            "id": "wave",
            "when": "'wave' in ticket.labels",
            "targets": [{"metric": "first_reply", "within": "1h", "warn_at_percent": []}],
        },
        {
            "id": "standing",
            "targets": [{"metric": name, "within": "900h", "warn_at_percent": [75]} for name in LONG],
        },
    ]
}


@dataclass(frozen=True)
class Wave:
    """What became of deadlines that followed each other closely, in seconds.

    fired, published: after they were due; spread: between the first and the last breach; load: of the machine
    """

    fired: list[float]
    published: list[float]
    spread: float
    load: float


async def measure(effort: Effort, say: Say) -> Section:
    """Opens tickets whose deadlines are far away, then some whose deadlines come one after the other."""
    standing = effort.of(125_000, 5_000)
    wave_s = effort.of(30, 5)
    numbers = count(1)
    async with workbench(say) as bench:
        escalation = await bench.service("escalation")
        await escalation.start()
        try:
            for name in NAMES:
                await configure(escalation, name, PART)
                await backdate(bench, name, 2 * WITHIN)
            # It may have read since when they hold before that was changed.
            await escalation.stop()
            await escalation.start()
            async with producing(bench) as producer, _listening(bench) as ear:
                folding = await _stand(bench, producer, numbers, standing)
                # Half a million events of clocks that have begun: what comes after them would wait for them.
                await bench.drained("escalation", within_s=_DRAINS_S)
                waiting = await counted(bench, NAMES, "SELECT count(*) FROM timer")
                say(f"{waiting:,} timers wait; {folding:,.0f} tickets folded a second")
                waves = []
                for turn in range(1 if effort.is_quick else effort.rounds):
                    waves.append(await _wave(bench, producer, ear, numbers, wave_s, folding))
                    fired = percentile(waves[-1].fired, 0.99)
                    say(f"round {turn + 1}: p99 {1000 * fired:.0f} ms late, load {waves[-1].load:.1f}")
        finally:
            await escalation.stop()
    return _section(waves, waiting, folding, wave_s)


def _section(waves: list[Wave], waiting: int, folding: float, wave_s: int) -> Section:
    def over(share: float, values: Iterable[list[float]]) -> list[float]:
        return [1000 * percentile(each, share) for each in values]

    fired, published = [wave.fired for wave in waves], [wave.published for wave in waves]
    return Section(
        "Deadlines, a thousand a second",
        [
            f"{waiting:,} timers wait in one escalation process ({TIMERS_A_TICKET} a ticket, {WORKSPACES} "
            f"workspaces), each made by a ticket that was opened. Then, for {wave_s} s, {RATE:,} deadlines a "
            "second are due, evenly spread, no two at the same moment.",
            "Late by: `fired_at` of the breach, by the database's clock, and its record's time in the topic, "
            "both after `due_at`. Every deadline fires once and none early, or there is no figure.",
        ],
        [
            Figure("fired late, p50", "ms", over(0.5, fired)),
            Figure("fired late, p99", "ms", over(0.99, fired)),
            Figure("fired late, most", "ms", over(1, fired)),
            Figure("published late, p50", "ms", over(0.5, published)),
            Figure("published late, p99", "ms", over(0.99, published)),
            Figure("published late, most", "ms", over(1, published)),
            Figure("breaches a second", "1/s", [len(wave.fired) / wave.spread for wave in waves]),
            Figure("tickets folded a second", "1/s", [folding]),
            Figure("load average of the machine meanwhile", "", [wave.load for wave in waves]),
        ],
    )


async def _stand(bench: Workbench, producer: Producer, numbers: Iterator[int], tickets: int) -> float:
    """Opens tickets whose deadlines are weeks away; how many a second were folded."""
    begin = now()
    began = monotonic()
    await tell(producer, (opened(_workspace(number), number, begin) for number in islice(numbers, tickets)))
    await folded(bench, NAMES, tickets)
    return tickets / (monotonic() - began)


async def _wave(
    bench: Workbench, producer: Producer, ear: "Ear", numbers: Iterator[int], wave_s: int, folding: float
) -> Wave:
    known = await counted(bench, NAMES, "SELECT count(*) FROM tracked_ticket")
    deadlines = RATE * wave_s
    first = now() + timedelta(seconds=_LEAD_S + 2 * deadlines / folding)
    opening: list[Event] = [
        opened(_workspace(number), number, first + timedelta(seconds=place / RATE) - WITHIN, {"wave": "yes"})
        for place, number in enumerate(islice(numbers, deadlines))
    ]
    await ear.skip()
    await tell(producer, opening)
    await folded(bench, NAMES, known + deadlines)
    assert now() < first, "the first was due before the last was known"
    await eventually(lambda: now() > first + timedelta(seconds=wave_s), within_s=600, what="everything due")
    load = os.getloadavg()[0]
    fired, published, at = [], [], []
    async for breach, record_at in ear.breaches(deadlines):
        due_at, fired_at = (datetime.fromisoformat(breach[name]) for name in ("due_at", "fired_at"))
        fired.append((fired_at - due_at).total_seconds())
        published.append((record_at - due_at).total_seconds())
        at.append(fired_at)
    assert min(fired) >= 0, "a deadline fired early"
    return Wave(fired, published, (max(at) - min(at)).total_seconds(), load)


def _workspace(number: int) -> str:
    return NAMES[number % len(NAMES)]


class Ear:
    """Hears of breaches, as a consumer of the topic does."""

    def __init__(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        self._consumer = consumer

    async def skip(self) -> None:
        """Goes to the end of the topic."""
        await self._consumer.seek_to_end()
        for place in self._consumer.assignment():
            await self._consumer.position(place)

    async def breaches(self, number: int) -> AsyncIterator[tuple[dict[str, Any], datetime]]:
        """As many as there are to be, each with its record's time."""
        seen: set[str] = set()
        began = monotonic()
        while len(seen) < number:
            assert monotonic() < began + _GIVE_UP_S, f"{len(seen)} of {number} breaches"
            for records in (await self._consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    event = json.loads(record.value or b"")
                    if event["type"] == "waypost.sla.breached.v1" and event["id"] not in seen:
                        seen.add(event["id"])
                        yield event["data"], datetime.fromtimestamp(record.timestamp / 1000, UTC)


@asynccontextmanager
async def _listening(bench: Workbench) -> AsyncIterator[Ear]:
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
        bootstrap_servers=bench.bootstrap, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(f"{PREFIX}.escalations", n) for n in range(SHARDS)])
        yield Ear(consumer)
    finally:
        await consumer.stop()
