"""Stops waiting for what comes late about calls.

A call of which nobody has told who calls gets a ticket and a customer of its own; one that ended so soon that
nobody need call back has its ticket closed, unless that is about more than this call.
"""

from collections.abc import Collection
from dataclasses import replace

from services.intake.app.call_book import keep_calls
from services.intake.app.call_folding import Fresh
from services.intake.app.call_ports import CallDesk, CallKey
from services.intake.domain.workspace import UNREADABLE_FOR
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause


async def settle_calls(keys: Collection[CallKey], *, tx: Tx, desk: CallDesk) -> None:
    """Settles those of these calls for which nothing more is waited for."""
    configured = await desk.workspaces.load(tx, {key[0] for key in keys})
    await desk.calls.lock(tx, keys)
    now = await tx.now()
    due = {
        key: call
        for key, (call, _) in (await desk.calls.find(tx, keys)).items()
        if call.settles_at is not None and call.settles_at <= now
    }
    waiting = {key: call for key, call in due.items() if not configured[key[0]].is_readable}
    await desk.calls.save_calls(tx, [replace(call, settles_at=now + UNREADABLE_FOR) for call in waiting.values()])
    known = {key for key in due if key[1] in configured[key[0]].channels}
    await desk.calls.unsettle(tx, due.keys() - waiting.keys() - known)
    await keep_calls({key: Fresh(cause=Cause()) for key in known}, configured, tx=tx, desk=desk, is_overdue=True)
