"""By what messages find their tickets beside what they say themselves, in PostgreSQL."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters import tables
from services.intake.adapters.tickets import pairs
from services.intake.app.ports import Presence, SenderKey, ThreadKey
from shared.db.engine import Collision
from shared.db.sets import insert_new_set, transposed
from shared.db.unit_of_work import Tx

_PRESENCE = ("workspace_id", "ticket_id", "address")
_KEY = ("workspace_id", "channel", "thread_key")

_FIND = text(
    "SELECT t.workspace_id, t.channel, t.thread_key, t.ticket_id"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:channel AS text[]), CAST(:thread_key AS text[]))"
    " AS w (workspace_id, channel, thread_key) JOIN thread t USING (workspace_id, channel, thread_key)"
)
_ADD = insert_new_set(tables.thread, (*_KEY, "ticket_id")).returning(tables.thread.c.ticket_id)
_MOVE = text(
    "UPDATE thread t SET ticket_id = w.ticket_id"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:channel AS text[]), CAST(:thread_key AS text[]),"
    " CAST(:ticket_id AS uuid[]), CAST(:before AS uuid[]))"
    " AS w (workspace_id, channel, thread_key, ticket_id, before)"
    " WHERE t.workspace_id = w.workspace_id AND t.channel = w.channel AND t.thread_key = w.thread_key"
    " AND t.ticket_id = w.before RETURNING t.ticket_id"
)
# Weaker than FOR UPDATE: a new ticket that refers to the customer need not wait.
_LOCK_CUSTOMERS = text(
    "SELECT c.customer_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, customer_id)"
    " JOIN customer c USING (workspace_id, customer_id)"
    " ORDER BY c.workspace_id, c.customer_id FOR NO KEY UPDATE OF c"
)
# One that was merged counts as long as the one that took it up is not closed.
_NEWEST = text(
    "SELECT w.workspace_id, w.customer_id, w.channel, n.ticket_id, n.subject"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:channels AS text[]))"
    " AS w (workspace_id, customer_id, channel)"
    " CROSS JOIN LATERAL (SELECT t.ticket_id, t.subject, t.number FROM ticket t"
    " WHERE t.workspace_id = w.workspace_id AND t.customer_id = w.customer_id AND t.channel = w.channel"
    " AND (t.status <> 'closed' OR (t.merged_into IS NOT NULL AND EXISTS ("
    "WITH RECURSIVE up AS (SELECT t.merged_into AS ticket_id"
    " UNION SELECT m.merged_into FROM up JOIN ticket m"
    " ON m.workspace_id = w.workspace_id AND m.ticket_id = up.ticket_id WHERE m.merged_into IS NOT NULL)"
    " SELECT 1 FROM up JOIN ticket s ON s.workspace_id = w.workspace_id AND s.ticket_id = up.ticket_id"
    " WHERE s.status <> 'closed')))"
    " ORDER BY t.number DESC LIMIT 20) AS n"
    " ORDER BY n.number DESC"
)
# Whoever takes part in a ticket takes part in the one that took it up, and in those that go on with it.
_PRESENT = text(
    "WITH RECURSIVE family AS ("
    "SELECT DISTINCT w.workspace_id, w.ticket_id, w.ticket_id AS member"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " UNION SELECT f.workspace_id, f.ticket_id, n.member FROM family f CROSS JOIN LATERAL ("
    "SELECT s.ticket_id AS member FROM ticket s WHERE s.workspace_id = f.workspace_id"
    " AND s.merged_into = f.member"
    " UNION ALL SELECT t.follow_up_of FROM ticket t WHERE t.workspace_id = f.workspace_id"
    " AND t.ticket_id = f.member AND t.follow_up_of IS NOT NULL) AS n)"
    " SELECT w.workspace_id, w.ticket_id, w.address"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:addresses AS text[]),"
    " CAST(:customers AS uuid[])) AS w (workspace_id, ticket_id, address, customer_id)"
    " WHERE EXISTS (SELECT 1 FROM family f CROSS JOIN LATERAL ("
    "SELECT 1 FROM ticket t WHERE t.workspace_id = f.workspace_id AND t.ticket_id = f.member"
    " AND t.customer_id = w.customer_id"
    " UNION ALL SELECT 1 FROM participant p WHERE p.workspace_id = f.workspace_id"
    " AND p.address = w.address AND p.ticket_id = f.member) AS here"
    " WHERE f.workspace_id = w.workspace_id AND f.ticket_id = w.ticket_id)"
)
_ADD_PRESENCES = insert_new_set(tables.participant, _PRESENCE)


class PostgresThreads:
    """Implements the port `Threads`."""

    async def threads(self, tx: Tx, keys: Collection[ThreadKey]) -> dict[ThreadKey, UUID]:
        """The tickets that these conversations were last about."""
        if not keys:
            return {}
        rows = await tx.execute(_FIND, _columns(sorted(keys)))
        return {(row.workspace_id, row.channel, row.thread_key): row.ticket_id for row in rows}

    async def newest_tickets(
        self, tx: Tx, senders: Collection[SenderKey]
    ) -> dict[SenderKey, list[tuple[UUID, str]]]:
        """Tickets of each in the channel that are not closed, the newest first, with their subjects.

        The customers are locked.
        """
        if not senders:
            return {}
        await tx.execute(_LOCK_CUSTOMERS, pairs({(key[0], key[1]) for key in senders}))
        ordered = sorted(senders)
        rows = await tx.execute(
            _NEWEST,
            {
                "workspaces": [key[0] for key in ordered],
                "ids": [key[1] for key in ordered],
                "channels": [key[2] for key in ordered],
            },
        )
        found: dict[SenderKey, list[tuple[UUID, str]]] = {}
        for row in rows:
            of_sender = found.setdefault((row.workspace_id, row.customer_id, row.channel), [])
            of_sender.append((row.ticket_id, row.subject))
        return found

    async def present(self, tx: Tx, asked: Mapping[Presence, UUID | None]) -> set[Presence]:
        """Who of these takes part, as customer or by address, in a ticket or in one that it goes on with."""
        if not asked:
            return set()
        rows = await tx.execute(
            _PRESENT,
            {
                "workspaces": [key[0] for key in asked],
                "ids": [key[1] for key in asked],
                "addresses": [key[2] for key in asked],
                "customers": list(asked.values()),
            },
        )
        return {(row.workspace_id, row.ticket_id, row.address) for row in rows}

    async def add_presences(self, tx: Tx, presences: Collection[Presence]) -> None:
        """These take part from now on."""
        if presences:
            rows = [dict(zip(_PRESENCE, presence, strict=True)) for presence in sorted(presences)]
            await tx.execute(_ADD_PRESENCES, transposed(rows, _PRESENCE))

    async def keep_threads(
        self, tx: Tx, threads: Mapping[ThreadKey, UUID], before: Mapping[ThreadKey, UUID]
    ) -> None:
        """The tickets that conversations are about from now on.

        before: what they were about when they were looked up
        Raises Collision where somebody else was faster: run again, it is found.
        """
        fresh = sorted(key for key in threads if key not in before)
        moved = sorted(key for key in threads if key in before)
        kept: list[object] = []
        if fresh:
            tickets = {"ticket_id": [threads[key] for key in fresh]}
            kept += (await tx.execute(_ADD, {**_columns(fresh), **tickets})).all()
        if moved:
            tickets = {"ticket_id": [threads[key] for key in moved], "before": [before[key] for key in moved]}
            kept += (await tx.execute(_MOVE, {**_columns(moved), **tickets})).all()
        if len(kept) != len(threads):
            raise Collision("somebody else was faster with a conversation")


def _columns(keys: list[ThreadKey]) -> dict[str, object]:
    return {name: [key[at] for key in keys] for at, name in enumerate(_KEY)}
