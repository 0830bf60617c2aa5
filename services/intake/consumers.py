"""What intake does with the events of the other services: their marks on tickets, and tickets' timelines."""

from collections.abc import Sequence

from services.intake.app.desk import Desk
from services.intake.app.follow_events import follow_events
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.kafka.consumer import Apply


def consume(desk: Desk) -> Apply:
    """Folds `routing` and `escalations` into tickets, in whichever order they come."""

    async def apply(tx: Tx, events: Sequence[Event]) -> None:
        if events:
            await follow_events(events, tx=tx, desk=desk)

    return apply
