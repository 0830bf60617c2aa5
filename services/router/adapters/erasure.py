"""Takes the words that people typed about tickets out of what is recorded, once their customer is erased.

Memory and checkpoints have none of them: only what has ended says why, and of that they keep nothing.
"""

import json
from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from services.router.adapters import tables
from services.router.app.forgetting import ERASED, Said, forgotten_decision, forgotten_input
from shared.db.unit_of_work import Tx

_TICKETS = "unnest(CAST(:workspaces AS text[]), CAST(:tickets AS uuid[])) AS w (workspace_id, ticket_id)"
_DECISIONS = text(
    "SELECT d.id, d.workspace_id, d.ticket_id, d.decided_at, d.kind, d.record,"  # noqa: S608 - our own names
    " d.decided_at < COALESCE((SELECT i.decided_at FROM input_log i WHERE i.workspace_id = d.workspace_id"
    " ORDER BY i.id LIMIT 1), 'infinity') AS is_orphan"
    f" FROM {_TICKETS} JOIN decision d ON d.workspace_id = w.workspace_id AND d.ticket_id = w.ticket_id"
    " WHERE d.kind IN ('OfferEnded', 'WorkRequeued', 'WorkAssigned') ORDER BY d.id"
)
_INPUTS = text(
    "SELECT i.id, i.workspace_id, w.ticket_id, i.decided_at, i.payload"  # noqa: S608 - our own names
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:names AS text[]), CAST(:tickets AS uuid[]))"
    " AS w (workspace_id, name, ticket_id) JOIN input_log i ON i.workspace_id = w.workspace_id"
    f" AND {tables.ABOUT} = w.name WHERE {tables.WITH_WORDS}"
)
_OFFERS = text(
    "SELECT o.workspace_id, o.offer_id, o.ticket_id"  # noqa: S608 - our own names
    f" FROM {_TICKETS} JOIN offer o ON o.workspace_id = w.workspace_id AND o.ticket_id = w.ticket_id"
)
_SET_OFFERS = text(
    "UPDATE offer o SET reason = :erased"  # noqa: S608 - our own names
    f" FROM {_TICKETS}"
    " WHERE o.workspace_id = w.workspace_id AND o.ticket_id = w.ticket_id AND o.state = 'declined'"
)
_SET_DECISIONS = text(
    "UPDATE decision d SET record = w.record"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:tickets AS uuid[]), CAST(:ids AS bigint[]),"
    " CAST(:contents AS jsonb[])) AS w (workspace_id, ticket_id, id, record)"
    " WHERE d.workspace_id = w.workspace_id AND d.ticket_id = w.ticket_id AND d.id = w.id"
)
_SET_INPUTS = text(
    "UPDATE input_log i SET payload = w.payload"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS bigint[]), CAST(:contents AS jsonb[]))"
    " AS w (workspace_id, id, payload) WHERE i.workspace_id = w.workspace_id AND i.id = w.id"
)

TicketKey = tuple[str, UUID]
"""Workspace and ticket."""


async def forget_words(tx: Tx, tickets: Collection[TicketKey]) -> None:
    """Takes the words about these tickets out of offers, decisions and inputs. Doing it again changes nothing."""
    named = {"workspaces": [key[0] for key in tickets], "tickets": [key[1] for key in tickets]}
    decisions = (await tx.execute(_DECISIONS, named)).all()
    offers = (await tx.execute(_OFFERS, named)).all()
    about = [(*key, str(key[1])) for key in tickets]
    about += [(row.workspace_id, row.ticket_id, str(row.offer_id)) for row in offers]
    columns = {
        "workspaces": [each[0] for each in about],
        "tickets": [each[1] for each in about],
        "names": [each[2] for each in about],
    }
    inputs = (await tx.execute(_INPUTS, columns)).all()
    said: dict[TicketKey, list[Said]] = defaultdict(list)
    for row in inputs:
        said[row.workspace_id, row.ticket_id].append(Said(row.decided_at, row.payload))
    changed = []
    for row in decisions:
        about_it = said[row.workspace_id, row.ticket_id]
        record = forgotten_decision(row.kind, row.record, row.decided_at, about_it, is_orphan=row.is_orphan)
        if record != row.record:
            changed.append((row, record))
    await tx.execute(_SET_OFFERS, {**named, "erased": ERASED})
    await tx.execute(
        _SET_DECISIONS,
        {
            "workspaces": [row.workspace_id for row, _ in changed],
            "tickets": [row.ticket_id for row, _ in changed],
            "ids": [row.id for row, _ in changed],
            "contents": [json.dumps(record) for _, record in changed],
        },
    )
    await tx.execute(
        _SET_INPUTS,
        {
            "workspaces": [row.workspace_id for row in inputs],
            "ids": [row.id for row in inputs],
            "contents": [json.dumps(forgotten_input(row.payload)) for row in inputs],
        },
    )
