"""The workspaces' service levels in PostgreSQL: what holds, and every version that ever held."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from sqlalchemy import text

from services.escalation.adapters import feed_rows
from services.escalation.adapters.version_memory import StoredVersion, VersionMemory
from services.escalation.adapters.waking import notify
from services.escalation.app.configuration import EscalationPart
from services.escalation.app.configuration_rules import check
from services.escalation.app.feeds import (
    MOST_CLOSURES,
    Fed,
    believed,
    never_opening,
    total_closures,
    work_out,
)
from services.escalation.app.policies import to_policies
from services.escalation.domain.sla_policy import PolicyHistory
from shared.clock import Clock
from shared.configuration import Problem
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.events.catalog import shard_of
from shared.http.configuration import Stored
from shared.http.etags import IfMatch
from shared.public_holidays import public_holidays
from shared.secrets import Vault, sealed

_LATEST = text(
    "SELECT w.workspace_id, (SELECT max(p.version) FROM policy_version p WHERE p.workspace_id = w.workspace_id)"
    " AS version FROM unnest(CAST(:workspaces AS text[])) AS w (workspace_id)"
)
_VERSIONS = text(
    "SELECT p.version, p.since, ARRAY(SELECT jsonb_object_keys(p.body)) AS sections,"
    " CAST((SELECT coalesce(jsonb_object_agg(key, n.value), '{}')"
    " FROM jsonb_each(p.body) n LEFT JOIN jsonb_each(b.body) o USING (key)"
    " WHERE n.value IS DISTINCT FROM o.value) AS text) AS changed, CAST(p.fed AS text) AS fed"
    " FROM policy_version p"
    " LEFT JOIN policy_version b ON b.workspace_id = p.workspace_id AND b.version = p.version - 1"
    " WHERE p.workspace_id = :workspace AND p.version > :known ORDER BY p.version LIMIT :most"
)

UrlProblem = Callable[[str], str | None]
"""What is wrong with a webhook's address, if anything."""


class PostgresServiceLevels:
    """Implements the port `ServiceLevels`, and what `/v1/configuration` needs."""

    def __init__(self, database: Database, clock: Clock, vault: Vault, url_problem: UrlProblem) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._url_problem = url_problem
        self._memory = VersionMemory()

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Mapping[str, PolicyHistory]:
        """Every version that has held in each workspace, as of this transaction."""
        latest = {
            row.workspace_id: row.version for row in await tx.execute(_LATEST, {"workspaces": list(workspaces)})
        }

        async def history(workspace_id: str) -> PolicyHistory:
            async def read(known: int, most: int) -> list[StoredVersion]:
                asked = {"workspace": workspace_id, "known": known, "most": most}
                return [StoredVersion(**row) for row in (await tx.execute(_VERSIONS, asked)).mappings()]

            return await self._memory.history(workspace_id, latest[workspace_id] or 0, read)

        return {workspace_id: await history(workspace_id) for workspace_id in workspaces}

    async def foreseen(self, tx: Tx, workspace_id: str, part: EscalationPart) -> PolicyHistory:
        """The versions that there are, and what a part that was checked would be as the next one, from now on."""
        history = (await self.load(tx, [workspace_id]))[workspace_id]
        latest = history.latest
        since = max(await tx.now(), latest.since)
        texts, held = await feed_rows.texts(tx, workspace_id), await feed_rows.held(tx, workspace_id)
        fed = await self._fed(part, texts, held)
        last = self._memory.last(workspace_id)
        tried = await asyncio.to_thread(to_policies, latest.version + 1, since, part, public_holidays, fed, last)
        return PolicyHistory((*history.versions, tried.following(latest)))

    async def read(self, workspace_id: str) -> Stored[EscalationPart]:
        """The part that holds; built-in defaults at version 0."""
        return await self._database.transact(lambda tx: self._read(tx, workspace_id), workspaces=[workspace_id])

    async def check(self, workspace_id: str, part: EscalationPart) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        problems: list[Problem] = []
        addresses = [
            *((f"/webhooks/{index}/url", webhook.url) for index, webhook in enumerate(part.webhooks)),
            *(
                (f"/calendars/{index}/feeds/{number}/url", feed.url)
                for index, calendar in enumerate(part.calendars)
                for number, feed in enumerate(calendar.feeds)
            ),
            *(
                (f"/chats/{index}/url", chat.url)
                for index, chat in enumerate(part.chats)
                if not chat.url.is_sealed
            ),
        ]
        problems.extend((at, problem) for at, url in addresses if (problem := self._url_problem(url)))
        try:
            # Ten years of every calendar take a while, and everybody else goes on meanwhile.
            warnings = await asyncio.to_thread(check, part, self._clock.now(), public_holidays)
            problems.extend(await self._closed_by_feeds(workspace_id, part))
        except InvalidInput as refused:
            problems = [*refused.problems, *problems]
            raise InvalidInput(str(refused), problems=tuple(problems)) from None
        if problems:
            raise InvalidInput("The configuration breaks rules.", problems=tuple(problems))
        return warnings

    def sealed(self, workspace_id: str, part: EscalationPart) -> EscalationPart:
        """The part as it is kept and shown. Raises InvalidInput for a secret that was sealed elsewhere."""
        return sealed(self._vault, workspace_id, part)

    async def apply(
        self, workspace_id: str, part: EscalationPart, *, seen: IfMatch, by: str
    ) -> Stored[EscalationPart]:
        """Stores the part as the next version; open tickets are carried over to it. Raises PreconditionFailed.

        Versions of the service levels have numbers of their own: feeds make some as well.
        """
        shard = shard_of(workspace_id, self._database.shards)
        urls = {feed.url for calendar in part.calendars for feed in calendar.feeds}
        # Of what changes meanwhile a version is made at once: all feeds are due again.
        fed = await self._fed(part, *await self._copies(workspace_id))

        async def unit(tx: Tx) -> Stored[EscalationPart]:
            await configuration.lock(tx, workspace_id)
            stored = await self._read(tx, workspace_id)
            seen.check(stored.version)
            version = stored.version + 1
            body = part.model_dump(mode="json")
            await configuration.save(tx, workspace_id, version, body, by)
            since = await tx.now()
            await feed_rows.add_version(tx, workspace_id, shard, since, body, fed)
            await feed_rows.follow(tx, workspace_id, shard, urls, since)
            await notify(tx, shard)
            return Stored(version, part)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _closed_by_feeds(self, workspace_id: str, part: EscalationPart) -> list[Problem]:
        """What is wrong with what the copies of feeds close.

        Calendars that open by themselves may never open with it, and it may be more than is kept.
        """
        if not any(calendar.feeds for calendar in part.calendars):
            return []
        texts, held = await self._copies(workspace_id)
        now = self._clock.now()

        def found() -> Iterator[Problem]:
            fed = work_out(part.calendars, texts, now.year, held).fed
            if total_closures(fed) > MOST_CLOSURES:
                yield "/calendars", f"have feeds that close more than {MOST_CLOSURES} dates and times in all"
            closed = never_opening(part.calendars, fed, now, public_holidays)
            told = "does not open in the next 400 days: its feeds close all that it has left"
            yield from (
                (f"/calendars/{index}", told) for index, item in enumerate(part.calendars) if item.id in closed
            )

        return await asyncio.to_thread(lambda: list(found()))

    async def _copies(self, workspace_id: str) -> tuple[Mapping[str, str], Fed]:
        """The last good copies of feeds, and what they close as of the latest version."""

        async def unit(tx: Tx) -> tuple[Mapping[str, str], Fed]:
            return await feed_rows.texts(tx, workspace_id), await feed_rows.held(tx, workspace_id)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _fed(self, part: EscalationPart, texts: Mapping[str, str], held: Fed) -> Fed:
        """What the copies close. Where one makes no sense any more, what holds goes on for its calendar."""
        if not any(calendar.feeds for calendar in part.calendars):
            return {}
        now = self._clock.now()
        return (await asyncio.to_thread(believed, part.calendars, texts, now, held, public_holidays)).fed

    async def _read(self, tx: Tx, workspace_id: str) -> Stored[EscalationPart]:
        found = (await configuration.load(tx, [workspace_id])).get(workspace_id)
        if found is None:
            return Stored(0, EscalationPart())
        newest = (await tx.execute(_LATEST, {"workspaces": [workspace_id]})).one()
        return Stored(found[0], configuration.part_of(EscalationPart, found[1]), revision=newest.version or 0)
