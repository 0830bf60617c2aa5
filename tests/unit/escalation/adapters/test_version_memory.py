"""Versions of service levels: read in portions that stay, with what they have in common."""

import asyncio
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from services.escalation.adapters.version_memory import PORTION, StoredVersion, VersionMemory
from shared.errors import DatabaseUnavailable

FRIDAY = {"fri": ["09:00-17:00"]}
POLICY = {"id": "p", "calendar": "office", "targets": [{"metric": "first_reply", "within": "1h"}]}
PART = {
    "calendars": [{"id": "office", "time_zone": "UTC", "weekly": FRIDAY}, {"id": "desk", "time_zone": "UTC"}],
    "sla_policies": [POLICY],
    "contacts": [{"agent": "ada", "email": "ada@example.com", "quiet_outside": "office"}],
}


@dataclass(frozen=True)
class Version:
    """A version as it was applied."""

    number: int
    part: dict[str, Any] = field(default_factory=lambda: PART)
    fed: dict[str, Any] = field(default_factory=dict)


def stored(version: Version, before: dict[str, Any]) -> StoredVersion:
    since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=version.number)
    changed = {name: value for name, value in version.part.items() if before.get(name) != value}
    return StoredVersion(
        version.number, since, list(version.part), Watched(json.dumps(changed)), json.dumps(version.fed)
    )


class Watched(str):
    """Text that knows in which threads it was read."""

    threads: ClassVar[set[int]] = set()

    def startswith(self, *prefix: Any) -> bool:
        self.threads.add(threading.get_ident())
        return str.startswith(self, *prefix)


class Rows:
    """Versions as the database has them; it can stop answering."""

    def __init__(self, rows: Sequence[Version]) -> None:
        self.rows = rows
        self.answers: int | None = None
        self.asked: list[int] = []

    async def read(self, known: int, most: int) -> Sequence[StoredVersion]:
        if self.answers == 0:
            raise DatabaseUnavailable
        self.answers = None if self.answers is None else self.answers - 1
        self.asked.append(known)
        before = [{}, *(row.part for row in self.rows)]
        rows = [stored(row, last) for row, last in zip(self.rows, before, strict=False) if row.number > known]
        return rows[:most]


async def test_what_was_read_stays_when_the_transaction_is_cut_and_the_next_one_reads_on() -> None:
    most = 2 * PORTION + 1
    rows, memory = Rows([Version(n) for n in range(1, most + 1)]), VersionMemory()
    rows.answers = 1
    with pytest.raises(DatabaseUnavailable):
        await memory.history("acme", most, rows.read)
    rows.answers = None
    history = await memory.history("acme", most, rows.read)
    assert rows.asked == [0, PORTION, 2 * PORTION]
    assert [history.version(n).version for n in range(most + 1)] == list(range(most + 1))


async def test_whoever_waits_for_another_to_read_reads_nothing_again() -> None:
    rows, memory = Rows([Version(n) for n in range(1, PORTION + 2)]), VersionMemory()
    histories = await asyncio.gather(*(memory.history("acme", PORTION + 1, rows.read) for _ in range(5)))
    assert rows.asked == [0, PORTION]
    assert all(history is histories[0] for history in histories)


async def test_versions_are_compiled_beside_the_loop() -> None:
    Watched.threads.clear()
    await VersionMemory().history("acme", 1, Rows([Version(1)]).read)
    assert len(Watched.threads - {threading.get_ident()}) == len(Watched.threads) == 1


async def test_a_section_that_a_version_does_not_have_is_as_if_left_out() -> None:
    without = {name: section for name, section in PART.items() if name != "contacts"}
    rows = Rows([Version(1), Version(2, without), Version(3, PART)])
    history = await VersionMemory().history("acme", 3, rows.read)
    assert [len(version.contacts) for version in history.versions] == [0, 1, 0, 1]
    assert [len(version.sla) for version in history.versions] == [0, 1, 1, 1]


async def test_what_is_the_same_in_two_versions_is_one_thing() -> None:
    quicker = {**PART, "sla_policies": [POLICY, {"id": "q"}]}
    closed = {"office": {"dates": ["2026-12-25"]}}
    rows = Rows([Version(1), Version(2, quicker), Version(3, quicker, closed), Version(4, quicker, closed)])
    history = await VersionMemory().history("acme", 4, rows.read)
    one, two, three, four = history.versions[1:]
    assert two.calendars is one.calendars
    assert two.sla[0] is one.sla[0]
    assert two.contacts["ada"] is one.contacts["ada"]
    assert two.people is one.people
    assert three.calendars["office"] != two.calendars["office"]
    assert three.calendars["desk"] is two.calendars["desk"]
    assert three.contacts["ada"].quiet_outside is three.calendars["office"]
    assert four.calendars is three.calendars


async def test_workspaces_that_nobody_asks_for_are_forgotten_and_read_again() -> None:
    rows, memory = Rows([Version(1), Version(2)]), VersionMemory(most=5)
    for workspace_id in ("acme", "bolt", "acme"):
        await memory.history(workspace_id, 2, rows.read)
    assert rows.asked == [0, 0, 0]
    assert (await memory.history("acme", 2, rows.read)).latest.version == 2
    assert rows.asked == [0, 0, 0]
