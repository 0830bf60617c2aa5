"""What a changed policy is still to be asked about: all that was live when it changed, a portion a commit.

Hundreds of thousands of items take longer than a commit may, and than anybody else of the shard would wait. So
only the first portion is decided with the change; the others follow on timers, and whatever else happens meanwhile
is decided between them.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

PORTION = 1_000
"""Items a commit: about a tenth of a second with fifty rules."""
PAUSE = timedelta(milliseconds=1)


@dataclass(slots=True, kw_only=True)
class Reconsidering:
    """How far the policy in force has been asked, in the order of the items' ids.

    until: the last item; after: those up to this one are done, none at first
    due_at: when the next portion is decided
    """

    until: UUID
    after: UUID | None = None
    due_at: datetime | None = None
    _left: deque[UUID] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, items: Collection[UUID]) -> "Reconsidering | None":
        """From the first of these items on; none where there are none."""
        return cls(until=max(items)) if items else None

    def portion(self, items: Collection[UUID]) -> Iterator[UUID]:
        """The next items, of those that are live; each is done when it has been given."""
        left = self._to_do(items)
        count = 0
        while left and count < PORTION:
            work_id = left.popleft()
            self.after = work_id
            if work_id in items:
                count += 1
                yield work_id

    def is_over(self, items: Collection[UUID]) -> bool:
        """Whether nothing is left."""
        left = self._to_do(items)
        while left and left[0] not in items:
            left.popleft()
        return not left

    def _to_do(self, items: Collection[UUID]) -> deque[UUID]:
        if self._left is None:
            coming = (each for each in items if each <= self.until and (self.after is None or each > self.after))
            self._left = deque(sorted(coming))
        return self._left
