"""Messages of our own API that a rule puts into quarantine: kept as they came, like what providers post."""

import hashlib
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.hooks.values import Unreadable
from services.intake.app.mail_ports import MESSAGE, Blobs, Raw
from services.intake.app.ports import Receipt
from services.intake.app.receive_message import Arrival
from services.intake.domain.hook import Brought, Written
from services.intake.domain.message import Disposition, InboundMessage
from shared.db.unit_of_work import Tx
from shared.errors import WaypostError

_MESSAGE = TypeAdapter(InboundMessage)


class SetAside:
    """Keeps messages that were refused, in the transaction that refuses them; the backlog puts them aside."""

    def __init__(self, raws: PostgresRaws, blobs: Blobs, bells: Bells) -> None:
        self._raws = raws
        self._blobs = blobs
        self._bells = bells

    async def keep(self, tx: Tx, arrivals: Sequence[Arrival], results: Sequence[Receipt | WaypostError]) -> None:
        """Keeps those of the arrivals that are quarantined."""
        refused = [
            arrival
            for arrival, result in zip(arrivals, results, strict=True)
            if isinstance(result, Receipt) and result.disposition is Disposition.QUARANTINED
        ]
        if not refused:
            return
        contents = {arrival.message.message_id: _MESSAGE.dump_json(arrival.message) for arrival in refused}
        now = await tx.now()
        raws = [
            Raw(
                workspace_id=arrival.message.workspace_id,
                raw_id=arrival.message.message_id,
                channel=arrival.message.channel,
                sender=arrival.message.sender.identity.value if arrival.message.sender.identity else None,
                recipients=(),
                sha256=hashlib.sha256(contents[arrival.message.message_id]).digest(),
                size=len(contents[arrival.message.message_id]),
                received_at=now,
                traceparent=arrival.cause.traceparent,
                form=MESSAGE,
            )
            for arrival in refused
        ]
        staged = await self._blobs.stage({(raw.workspace_id, raw.sha256): contents[raw.raw_id] for raw in raws})
        await self._raws.add(tx, raws)
        await staged(tx)
        await self._bells.ring_after(tx, {raw.workspace_id for raw in raws})


def read(_raw: Raw, content: bytes) -> list[Brought]:
    """The message. Raises Unreadable."""
    try:
        return [Brought(messages=(Written(message=_MESSAGE.validate_json(content)),))]
    except ValidationError:
        raise Unreadable("it is no message of ours") from None
