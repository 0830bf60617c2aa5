"""The bytes of mail between storing it and reading it."""

from uuid import UUID

_MAX_FRESH = 32 << 20


class Fresh:
    """The bytes of mail that was stored just now, so that reading it need not fetch them.

    Bounded: the oldest make room, as mail of a shard that another process holds is never asked for here.
    """

    def __init__(self) -> None:
        self._kept: dict[UUID, bytes] = {}
        self._size = 0

    def keep(self, raw_id: UUID, content: bytes) -> None:
        """Keeps the bytes for a while, unless there can be no room for them."""
        if len(content) > _MAX_FRESH:
            return
        while self._size + len(content) > _MAX_FRESH:
            self.take(next(iter(self._kept)))
        self._kept[raw_id] = content
        self._size += len(content)

    def take(self, raw_id: UUID) -> bytes | None:
        """The bytes, which are forgotten."""
        content = self._kept.pop(raw_id, None)
        self._size -= len(content or b"")
        return content
