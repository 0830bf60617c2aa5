"""Webhooks that answered 410 at an address: they get nothing more there, until somebody enables them again."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import text

from services.escalation.adapters.telling.delivery import Attempted
from services.escalation.domain.message import Answer
from services.escalation.domain.recipient import Way
from shared.db.unit_of_work import Tx

Gone = tuple[str, str, str]
"""Workspace, webhook and the address at which it wants nothing more."""

_GONE = text(
    "SELECT workspace_id, webhook_id, url, gone_at FROM webhook_gone"
    " WHERE workspace_id = ANY (CAST(:workspaces AS text[]))"
)
_ADD = text(
    "INSERT INTO webhook_gone (workspace_id, webhook_id, url, gone_at)"
    " SELECT w.workspace_id, w.webhook_id, w.url, :now FROM unnest(CAST(:workspaces AS text[]),"
    " CAST(:webhooks AS text[]), CAST(:urls AS text[])) AS w (workspace_id, webhook_id, url)"
    " ON CONFLICT DO NOTHING"
)

_FORGET = text("DELETE FROM webhook_gone WHERE workspace_id = :workspace AND webhook_id = :webhook")


async def gone(tx: Tx, workspaces: Collection[str]) -> dict[Gone, datetime]:
    """Those of some workspaces, and since when."""
    found = await tx.execute(_GONE, {"workspaces": list(workspaces)})
    return {(row.workspace_id, row.webhook_id, row.url): row.gone_at for row in found}


async def forget(tx: Tx, workspace_id: str, webhook_id: str) -> None:
    """The webhook gets what comes from now on, wherever it is."""
    await tx.execute(_FORGET, {"workspace": workspace_id, "webhook": webhook_id})


async def note(tx: Tx, ended: Iterable[Attempted]) -> None:
    """Remembers webhooks that have just answered 410."""
    said = {
        (item.delivery.message.workspace_id, webhook.webhook_id, webhook.url)
        for item in ended
        if item.outcome.answer is Answer.GONE
        and item.delivery.message.way is Way.WEBHOOK
        and (webhook := item.delivery.policies.webhooks.get(item.delivery.message.address))
    }
    if said:
        ordered = sorted(said)
        await tx.execute(
            _ADD,
            {
                "workspaces": [each[0] for each in ordered],
                "webhooks": [each[1] for each in ordered],
                "urls": [each[2] for each in ordered],
                "now": await tx.now(),
            },
        )
