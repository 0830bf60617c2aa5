"""Templates, and channels that say everything there is to say without anybody writing it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from services.intake.adapters.answering.assembly import Answering
from shared.db.unit_of_work import Tx
from tests.system import System

Json = dict[str, Any]

TEMPLATES: list[Json] = [
    {
        "id": "received",
        "purpose": "ack",
        "texts": {
            "en": {
                "subject": "We have your request #{{ticket.number}}",
                "text": "Dear {{customer.name|customer}}, about {{ticket.subject|your request}}: we are on it.",
            },
            "de": {"text": "Guten Tag, #{{ticket.number}} ist bei uns."},
        },
    },
    {"id": "news", "purpose": "status", "texts": {"en": {"text": "{{agent.name|Somebody}} works on it."}}},
    {"id": "done", "purpose": "status", "texts": {"en": {"text": "Solved. Answer this to open it again."}}},
    {
        "id": "ask",
        "purpose": "survey",
        "texts": {"en": {"text": "Well? {{survey.link}} or {{survey.link}}?score=5"}},
    },
]
ALL: Json = {
    "received": "received",
    "assigned": "news",
    "escalated": "news",
    "solved": "done",
    "pending_reminder": {"after": "1h", "template": "news"},
    "still_working": {"every": "1h", "template": "news", "most": 3},
}
SURVEY: Json = {"template": "ask", "after": "1h"}


async def outcomes(system: System, workspace_id: str) -> list[tuple[str, str, str | None]]:
    """What has become of a workspace's notices: reason, state, why; in order of tickets."""

    async def unit(tx: Tx) -> list[tuple[str, str, str | None]]:
        rows = await tx.execute(
            text(
                "SELECT n.reason, n.state, n.why FROM notice n JOIN ticket t USING (workspace_id, ticket_id)"
                " ORDER BY t.number, n.reason"
            )
        )
        return [(row.reason, row.state, row.why) for row in rows]

    return await system.services["intake"].runtime.database.transact(unit, workspaces=[workspace_id])


async def travel(system: System, by: timedelta) -> None:
    """Moves the clock, and lets the loop look at it at once: it sleeps until what it knew to be next."""
    await system.travel(by)
    answering = system.services["intake"].app.state.answering
    assert isinstance(answering, Answering)
    answering.bells.ring(answering.bells.here)


async def is_idle(system: System) -> bool:
    """Whether no notice is due at this moment."""

    async def unit(tx: Tx) -> bool:
        rows = await tx.execute(
            text("SELECT count(*) FROM notice WHERE state = 'due' AND due_at <= :now"), {"now": await tx.now()}
        )
        return int(rows.scalar_one()) == 0

    runtime = system.services["intake"].runtime
    return await runtime.database.transact(unit, claims=range(runtime.settings.shards))
