"""Receives many messages in one commit, of which any may be refused alone."""

from collections.abc import Sequence

from services.intake.app.ports import Conversations, Receipt, Workspaces
from services.intake.app.receive_message import Arrival, receive_messages
from shared.db.unit_of_work import Tx
from shared.errors import DataRefused, WaypostError
from shared.ids import IdFactory


async def receive_batch(
    arrivals: Sequence[Arrival],
    *,
    tx: Tx,
    conversations: Conversations,
    workspaces: Workspaces,
    ids: IdFactory,
) -> list[Receipt | WaypostError]:
    """What became of each message, in order; a refusal, also of the database, stands in its place."""

    async def receive() -> list[Receipt | WaypostError]:
        return list(
            await receive_messages(arrivals, tx=tx, conversations=conversations, workspaces=workspaces, ids=ids)
        )

    try:
        return await tx.savepoint(receive)
    except DataRefused as refusal:
        if len(arrivals) == 1:
            return [refusal]
    # Halves until the guilty ones are alone: what came before them in the batch is received before them.
    middle = len(arrivals) // 2
    results = []
    for half in (arrivals[:middle], arrivals[middle:]):
        results += await receive_batch(half, tx=tx, conversations=conversations, workspaces=workspaces, ids=ids)
    return results
