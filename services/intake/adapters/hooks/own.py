"""Messages of our own API that a rule puts into quarantine: kept as they came, like what providers post."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.hooks.values import Unreadable
from services.intake.app.mail_ports import MESSAGE, Blobs, Outcome, Raw, RawState
from services.intake.app.phone import phone_identity
from services.intake.app.ports import Receipt, Workspaces
from services.intake.app.receive_message import Arrival
from services.intake.domain.hook import Brought, Written
from services.intake.domain.message import Disposition, IdentityKind, InboundMessage
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import WaypostError

_MESSAGE = TypeAdapter(InboundMessage)


class SetAside:
    """Puts messages that rules refuse into quarantine, in the transaction that refuses them."""

    def __init__(self, raws: PostgresRaws, blobs: Blobs, workspaces: Workspaces) -> None:
        self._raws = raws
        self._blobs = blobs
        self._workspaces = workspaces

    async def keep(self, tx: Tx, arrivals: Sequence[Arrival], results: Sequence[Receipt | WaypostError]) -> None:
        """Keeps those of the arrivals that are quarantined."""
        refused = [
            (arrival, result)
            for arrival, result in zip(arrivals, results, strict=True)
            if isinstance(result, Receipt) and result.disposition is Disposition.QUARANTINED
        ]
        if not refused:
            return
        now = await tx.now()
        configured = await self._workspaces.load(tx, {arrival.message.workspace_id for arrival, _ in refused})
        contents = {}
        outcomes = []
        for arrival, result in refused:
            content = _MESSAGE.dump_json(arrival.message)
            outcome = _outcome(arrival, result, content, now, configured[arrival.message.workspace_id])
            contents[outcome.raw.workspace_id, outcome.raw.sha256] = content
            outcomes.append(outcome)
        staged = await self._blobs.stage(contents)
        await self._raws.add(tx, [outcome.raw for outcome in outcomes])
        await self._raws.settle(tx, outcomes)
        await staged(tx)


def _outcome(arrival: Arrival, result: Receipt, content: bytes, now: datetime, workspace: Workspace) -> Outcome:
    message = arrival.message
    identity = message.sender.identity
    channel = workspace.channels.get(message.channel)
    if identity and identity.kind is IdentityKind.PHONE:
        identity = phone_identity(identity.value, channel.region if channel else None)
    raw = Raw(
        workspace_id=message.workspace_id,
        raw_id=message.message_id,
        channel=message.channel,
        sender=identity.value if identity else None,
        recipients=(),
        sha256=hashlib.sha256(content).digest(),
        size=len(content),
        received_at=now,
        traceparent=arrival.cause.traceparent,
        form=MESSAGE,
    )
    return Outcome(raw=raw, state=RawState.QUARANTINED, disposition=Disposition.QUARANTINED, reason=result.reason)


def read(_raw: Raw, content: bytes) -> list[Brought]:
    """The message. Raises Unreadable."""
    try:
        return [Brought(messages=(Written(message=_MESSAGE.validate_json(content)),))]
    except ValidationError:
        raise Unreadable("it is no message of ours") from None
