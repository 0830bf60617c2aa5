"""What metrics does with the events of the other services."""

from collections.abc import Sequence

from services.metrics.app.boards import Boards
from services.metrics.app.ports import Ledger
from services.metrics.app.project_events import project_events
from shared.access import RevokedTokens
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.kafka.consumer import Apply


def consume(boards: Boards, ledger: Ledger, revoked: RevokedTokens) -> Apply:
    """Folds `tickets`, `routing` and `escalations` into rows, and then, once committed, into the boards."""

    async def apply(tx: Tx, events: Sequence[Event]) -> None:
        await revoked.record_events(tx, events)
        projection = await project_events(events, tx=tx, ledger=ledger)
        tx.after_commit(lambda: boards.fold(projection))

    return apply
