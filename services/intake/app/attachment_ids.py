"""The ids of attachments, by which the files of a message keep their order."""

from uuid import UUID

from shared.ids import IdFactory


def in_order(ids: IdFactory, count: int) -> tuple[UUID, ...]:
    """So many ids, each greater than the one before: those of one moment come in any order."""
    return tuple(sorted(ids.new() for _ in range(count)))
