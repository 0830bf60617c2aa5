"""What escalation does with the events of the other services."""

from collections.abc import Sequence

from services.escalation.app.forget_reasons import forget_reasons
from services.escalation.app.note_alerts import alerted
from services.escalation.app.ports import ServiceLevels, Tracking, Watches
from services.escalation.app.track_tickets import track_tickets
from shared.access import RevokedTokens
from shared.db.unit_of_work import Tx
from shared.events.catalog import KPIS
from shared.events.envelope import Event
from shared.events.kpis import AlertContract
from shared.ids import IdFactory
from shared.kafka.client import Record
from shared.kafka.consumer import Apply

_ALERTS = f"{AlertContract.aggregate}/"


def consume(
    tracking: Tracking, watches: Watches, levels: ServiceLevels, revoked: RevokedTokens, ids: IdFactory
) -> Apply:
    """Folds `tickets` and `routing` into clocks, alerts of `kpis` into watches, `access` into bad tokens."""

    async def apply(tx: Tx, events: Sequence[Event]) -> None:
        await revoked.record_events(tx, events)
        await forget_reasons(events, tx=tx, tracking=tracking)
        queues = await track_tickets(events, tx=tx, tracking=tracking, levels=levels, ids=ids)
        # Together: whoever locks watches does so in one order.
        await watches.look(tx, {*queues, *alerted(events)}, await tx.now())

    return apply


def is_passed_over(record: Record) -> bool:
    """Of `kpis` only alerts are of use: values come every second, and nobody here reads them."""
    return record.topic is KPIS and not record.header("subject").startswith(_ALERTS)
