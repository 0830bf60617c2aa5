"""Publishes rows as they stand, for readers that have lost their history.

Rows, not memory, which may be a commit ahead. They are locked, so that whatever follows is published later.
"""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, text

from services.router.adapters import tables
from services.router.adapters.memory import selected, to_agent, to_item
from services.router.app.configuration import RouterPart, profiles
from services.router.app.outbound import profile_contract, state_contract, work_snapshot
from services.router.domain.agent import AgentProfile
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.events.contract import Contract
from shared.events.envelope import Cause, new_event
from shared.events.routing import AgentSnapshotV1
from shared.ids import IdFactory
from shared.vocabulary import AgentActivity, ChannelKind

_CHUNK = 500
"""Rows of one commit, and agents of the configuration that are read for it."""

_ITEMS = text(
    f"SELECT {selected(tables.work_item)} FROM work_item"  # noqa: S608 - our own names
    f" WHERE workspace_id = :workspace AND work_id > :after AND {tables.LIVE_STATES}"
    " ORDER BY work_id LIMIT :most FOR SHARE"
)
_AGENTS = text(
    f"SELECT {selected(tables.agent)} FROM agent WHERE workspace_id = :workspace AND agent_id > :after"  # noqa: S608 - our own names
    " ORDER BY agent_id LIMIT :most FOR SHARE"
)
_CONFIGURED = text(
    "SELECT body - '{agents,policy}'::text[] AS body,"
    " (SELECT coalesce(jsonb_agg(agent), '[]') FROM jsonb_array_elements(body->'agents') AS agent"
    " WHERE agent->>'id' = ANY (CAST(:agents AS text[]))) AS agents"
    " FROM configuration WHERE workspace_id = :workspace"
)
"""What says who these agents are: nothing of the thousands of others, and no policy with its conditions."""


class Snapshots:
    """Publishes a workspace's live work and its agents, some hundred rows a commit."""

    def __init__(self, database: Database, ids: IdFactory) -> None:
        self._database = database
        self._ids = ids

    async def publish(self, workspace_id: str) -> int:
        """Publishes everything as it stands; how much that was."""
        published = 0
        for query, key, after in ((_ITEMS, "work_id", UUID(int=0)), (_AGENTS, "agent_id", "")):
            rows = await self._chunk(workspace_id, query, after)
            while rows:
                published += len(rows)
                rows = await self._chunk(workspace_id, query, rows[-1][key])
        return published

    async def _chunk(self, workspace_id: str, query: TextClause, after: object) -> Sequence[RowMapping]:
        async def unit(tx: Tx) -> Sequence[RowMapping]:
            names = {"workspace": workspace_id, "after": after, "most": _CHUNK}
            rows = (await tx.execute(query, names)).mappings().all()
            agents = [row["agent_id"] for row in rows if "work_id" not in row]
            # Read with the rows locked: a profile changes in the commit that raises its agent's sequence.
            profiles = await _profiles(tx, workspace_id, agents) if agents else {}
            tx.emit(
                new_event(
                    _snapshot(row, profiles),
                    event_id=self._ids.new(),
                    service="router",
                    workspace_id=workspace_id,
                    sequence=row["sequence"],
                    time=row["last_event_at"],
                    cause=Cause(),
                )
                for row in rows
                if row["sequence"] > 0
            )
            return rows

        return await self._database.transact(unit, workspaces=[workspace_id])


async def _profiles(tx: Tx, workspace_id: str, agents: Sequence[str]) -> Mapping[str, AgentProfile]:
    """What the configuration that holds says of some agents; those who were removed are missing."""
    names = {"workspace": workspace_id, "agents": agents}
    found = (await tx.execute(_CONFIGURED, names)).one_or_none()
    return profiles(configuration.part_of(RouterPart, {**found.body, "agents": found.agents})) if found else {}


def _snapshot(row: RowMapping, profiles: Mapping[str, AgentProfile]) -> Contract:
    if "work_id" in row:
        return work_snapshot(to_item(row))
    agent = to_agent(row, profiles.get(row["agent_id"]))
    agent.used = row["used"]
    agent.items = {ChannelKind(kind): count for kind, count in json.loads(row["items"]).items()}
    presence = state_contract(agent, "snapshot").model_copy(update={"activity": AgentActivity(row["activity"])})
    return AgentSnapshotV1(
        agent_id=agent.agent_id,
        profile=profile_contract(agent.profile, is_removed=row["is_removed"]),
        presence=presence,
    )
