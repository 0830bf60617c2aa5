"""Follows calendars' feeds, for each shard: a feed that changes is a change of the service levels."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import RowMapping

from services.escalation.adapters import feed_rows
from services.escalation.adapters.waking import notify
from services.escalation.app.configuration import EscalationPart
from services.escalation.app.feeds import (
    FED,
    MOST_CHARACTERS,
    MOST_CLOSURES,
    FedPart,
    FeedProblem,
    Grounds,
    believed,
    next_after,
    retry_after,
    total_closures,
)
from shared.clock import Clock
from shared.db import configuration
from shared.db.bells import ShardBells
from shared.db.engine import SURROUNDINGS
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.egress import Egress, EgressRefused, Fetched
from shared.errors import ProviderUnavailable
from shared.public_holidays import public_holidays
from shared.telemetry.logging import told_of
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

MOST_BYTES = 2_000_000
"""Of one feed."""
_MOST_AT_ONCE = 8
"""Workspaces of a shard whose feeds are fetched, one of each."""
_LONGEST_PROBLEM = 200
_UNFORESEEN = "cannot be followed, for a reason that stands in the log of escalation"
_POLL_S = 30.0
_UNCHANGED = 304
_OK = 200


class Following:
    """Fetches feeds that are due. every: how often one that neither fails nor keeps changing is fetched"""

    def __init__(
        self,
        database: Database,
        egress: Egress,
        bells: ShardBells,
        *,
        clock: Clock,
        every: timedelta,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._egress = egress
        self._bells = bells
        self._clock = clock
        self._every = every
        self._worked_out: dict[str, Grounds] = {}
        self._failing: dict[int, int] = {}
        self._failures = metrics.counter("calendar_feed_failures", "Feeds that could not be followed.")
        self._gauge = metrics.gauge("calendar_feeds_failing", "Feeds whose last good copy is all there is.")

    async def run(self, shard: Shard) -> None:
        """Follows until the shard is drained. Raises StaleEpoch and TransientError."""
        busy: set[str] = set()
        try:
            with self._bells.hung(shard) as bell:
                async with asyncio.TaskGroup() as group:
                    while not shard.draining.is_set():
                        due, next_at = await self._look(shard, busy)
                        for row in due:
                            busy.add(row["workspace_id"])
                            group.create_task(self._follow(shard, row, busy, bell))
                        await bell.wait(self._pause_s(next_at))
        finally:
            self._failing.pop(shard.n, None)
            self._gauge.set(sum(self._failing.values()))

    def _pause_s(self, next_at: datetime | None) -> float:
        left_s = _POLL_S if next_at is None else (next_at - self._clock.now()).total_seconds()
        return min(max(left_s, 1.0), _POLL_S)

    async def _look(self, shard: Shard, busy: Collection[str]) -> tuple[Sequence[RowMapping], datetime | None]:
        async def unit(tx: Tx) -> tuple[Sequence[RowMapping], datetime | None, int]:
            rows = await feed_rows.due(tx, shard.n, await tx.now(), _MOST_AT_ONCE - len(busy), busy)
            return rows, *await feed_rows.outlook(tx, shard.n, {*busy, *(row["workspace_id"] for row in rows)})

        rows, next_at, failing = await self._database.transact(unit, claims=[shard.n])
        self._failing[shard.n] = failing
        self._gauge.set(sum(self._failing.values()))
        return rows, next_at

    async def _follow(self, shard: Shard, row: RowMapping, busy: set[str], bell: Wakeup) -> None:
        """One of a workspace at a time: what they close is worked out together, and nobody waits for hers."""
        try:
            await self._take(shard, row, await self._fetch(row))
        except (EgressRefused, ProviderUnavailable, FeedProblem) as error:
            await self._note_failure(shard, row, str(error)[:_LONGEST_PROBLEM])
        except Exception as error:
            if isinstance(error, SURROUNDINGS):
                raise
            # Were it to end the process, the next one would fetch the same feed at once.
            await self._note_failure(shard, row, _UNFORESEEN, **told_of(error))
        busy.remove(row["workspace_id"])
        bell.ring()

    async def _fetch(self, row: RowMapping) -> Fetched:
        """Raises EgressRefused, ProviderUnavailable and FeedProblem."""
        asked = {"Accept": "text/calendar, text/plain;q=0.5"}
        if row["text"] is not None and row["etag"]:
            asked["If-None-Match"] = row["etag"]
        elif row["text"] is not None and row["last_modified"]:
            asked["If-Modified-Since"] = row["last_modified"]
        fetched = await self._egress.get(row["url"], asked, max_bytes=MOST_BYTES)
        if fetched.status != _OK and (fetched.status != _UNCHANGED or row["text"] is None):
            raise FeedProblem(f"the server answers {fetched.status}")
        return fetched

    async def _take(self, shard: Shard, row: RowMapping, fetched: Fetched) -> None:
        """Keeps the copy, and makes a new version of it where it closes something else. Raises FeedProblem."""
        workspace_id = row["workspace_id"]
        content = row["text"] if fetched.status == _UNCHANGED else _decoded(fetched.content)
        version, part, texts, held, now = await self._database.transact(
            lambda tx: self._stored(tx, workspace_id), workspaces=[workspace_id]
        )
        texts = {**texts, row["url"]: content}
        if sum(map(len, texts.values())) > MOST_CHARACTERS:
            raise FeedProblem(
                f"is larger than {MOST_CHARACTERS} characters together with the workspace's other feeds"
            )
        grounds = Grounds.of(shard.fence.epoch, version, now.year, texts)
        fed = None
        if self._worked_out.get(workspace_id) != grounds:
            worked = await asyncio.to_thread(believed, part.calendars, texts, now, held, public_holidays)
            if problem := worked.problem_of(row["url"]):
                raise FeedProblem(problem)
            if total_closures(worked.fed) > MOST_CLOSURES:
                raise FeedProblem(
                    f"closes more than {MOST_CLOSURES} dates and times together with the workspace's other feeds"
                )
            fed = worked.fed

        async def unit(tx: Tx) -> bool:
            await configuration.lock(tx, workspace_id)
            stored = (await configuration.load(tx, [workspace_id])).get(workspace_id)
            if stored is None or stored[0] != version:
                # Whoever has changed the configuration has made this feed due again.
                return False
            at = await tx.now()
            is_changed = fed is not None and await self._make_version(tx, shard, workspace_id, fed)
            pause = next_after(_pause(row), self._every, is_changed=is_changed)
            kept = {"workspace": workspace_id, "url": row["url"], "text": content}
            headers = _kept_headers(row, fetched)
            await feed_rows.note_good(tx, {**kept, **headers}, at, at + pause)
            return True

        if await self._database.transact(unit, workspaces=[workspace_id], fence=shard.fence):
            self._worked_out[workspace_id] = grounds

    async def _stored(
        self, tx: Tx, workspace_id: str
    ) -> tuple[int, EscalationPart, dict[str, str], dict[str, FedPart], datetime]:
        """The configuration with its version, the feeds' copies, what they close, and now."""
        stored = (await configuration.load(tx, [workspace_id])).get(workspace_id)
        version, body = stored or (0, {})
        part = configuration.part_of(EscalationPart, body)
        texts, held = await feed_rows.texts(tx, workspace_id), await feed_rows.held(tx, workspace_id)
        return version, part, texts, held, await tx.now()

    async def _make_version(self, tx: Tx, shard: Shard, workspace_id: str, fed: dict[str, FedPart]) -> bool:
        """A new version where the latest one closes something else; whether it does."""
        held = await feed_rows.latest(tx, workspace_id)
        if held is None or FED.validate_python(held[1]) == fed:
            return False
        await feed_rows.add_version(tx, workspace_id, shard.n, await tx.now(), held[0], fed)
        await notify(tx, shard.n)
        log.info(Log.FEED_CHANGED, workspace=workspace_id, calendars=sorted(fed))
        return True

    async def _note_failure(self, shard: Shard, row: RowMapping, problem: str, **told: object) -> None:
        """told: what else is logged of it"""
        self._failures.inc()
        workspace_id, url = row["workspace_id"], row["url"]

        async def unit(tx: Tx) -> None:
            now = await tx.now()
            pause = retry_after(now - (row["failing_since"] or now), _pause(row), self._every)
            await feed_rows.note_bad(tx, workspace_id, url, problem, now=now, next_at=now + pause)

        await self._database.transact(unit, workspaces=[workspace_id], fence=shard.fence)
        has_copy = row["text"] is not None
        log.warning(Log.FEED_FAILED, workspace=workspace_id, problem=problem, has_copy=has_copy, **told)


def _pause(row: RowMapping) -> timedelta:
    """How long a feed that is due was left alone."""
    tried_at: datetime | None = row["tried_at"]
    next_at: datetime = row["next_at"]
    return timedelta(0) if tried_at is None else next_at - tried_at


def _decoded(content: bytes) -> str:
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FeedProblem("is not UTF-8") from None
    if "\x00" in decoded:
        raise FeedProblem("holds control characters")
    return decoded


def _kept_headers(row: RowMapping, fetched: Fetched) -> dict[str, str | None]:
    if fetched.status == _UNCHANGED:
        return {"etag": row["etag"], "last_modified": row["last_modified"]}
    return {"etag": _kept(fetched.etag), "last_modified": _kept(fetched.last_modified)}


def _kept(header: str | None) -> str | None:
    """A header to be sent back, if it is one that can be."""
    return header if header and len(header) <= 500 and header.isascii() and header.isprintable() else None
