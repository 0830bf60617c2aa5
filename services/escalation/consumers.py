"""What escalation does with the events of the other services."""

from collections.abc import Sequence

from services.escalation.app.forget_reasons import forget_reasons
from services.escalation.app.ports import ServiceLevels, Tracking
from services.escalation.app.track_tickets import track_tickets
from shared.access import RevokedTokens
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.ids import IdFactory
from shared.kafka.consumer import Apply


def consume(tracking: Tracking, levels: ServiceLevels, revoked: RevokedTokens, ids: IdFactory) -> Apply:
    """Folds `tickets` and `routing` into clocks, and `access` into the tokens that are no longer good."""

    async def apply(tx: Tx, events: Sequence[Event]) -> None:
        await revoked.record_events(tx, events)
        await forget_reasons(events, tx=tx, tracking=tracking)
        await track_tickets(events, tx=tx, tracking=tracking, levels=levels, ids=ids)

    return apply
