"""Publishes running clocks as they stand, for readers that have lost their history."""

from collections.abc import Sequence

from services.escalation.app import outbound
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.outbound import About
from services.escalation.app.ports import ServiceLevels, TicketKey, Tracking
from services.escalation.domain.clock_record import ClockRecord
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause, Event, new_event
from shared.ids import IdFactory


async def publish_snapshots(
    keys: Sequence[TicketKey],
    *,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    levels: ServiceLevels,
    ids: IdFactory,
) -> int:
    """Publishes the live clocks of some tickets at the sequence that they have; how many there were."""
    cases, _ = await locked_cases(keys, tx=tx, tracking=tracking, levels=levels)
    events = [
        _event(key, record, cause, ids)
        for key, case in cases.items()
        for record in case.clocks
        if record.clock.is_live
    ]
    tx.emit(events)
    return len(events)


def _event(key: TicketKey, record: ClockRecord, cause: Cause, ids: IdFactory) -> Event:
    clock, told = record.clock, record.told
    assert told.last_event_at is not None, "whatever runs was told of"
    about = About(
        clock_id=told.clock_id,
        ticket_id=key[1],
        agreement=clock.agreement,
        metric=clock.metric,
        generation=clock.generation,
    )
    return new_event(
        outbound.snapshot(about, record),
        event_id=ids.new(),
        service="escalation",
        workspace_id=key[0],
        sequence=told.sequence,
        time=told.last_event_at,
        cause=cause,
    )
