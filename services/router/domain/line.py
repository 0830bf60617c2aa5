"""Items that wait, in order. A lazy heap: an entry that its item has outlived is dropped when it comes up."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from services.router.domain.work_item import WorkItem

ItemEntry = tuple[tuple[int, datetime, UUID], int]


@dataclass(slots=True)
class Line:
    """The waiting items of one class.

    count: how many wait; entries may be more
    """

    entries: list[ItemEntry] = field(default_factory=list)
    count: int = 0

    def join(self, item: WorkItem) -> None:
        """The item waits. Its stamp has risen."""
        heappush(self.entries, (item.order, item.stamp))
        self.count += 1

    def leave(self) -> None:
        """An item waits no more. Its stamp has risen."""
        self.count -= 1

    def in_order(self, items: Mapping[UUID, WorkItem]) -> Generator[WorkItem, None, None]:
        """Waiting items in order. The line stays as it is, but for what is stale."""
        passed: list[ItemEntry] = []
        try:
            while self.entries:
                entry = self.entries[0]
                item = items.get(entry[0][2])
                if item is None or item.stamp != entry[1]:
                    heappop(self.entries)
                    continue
                passed.append(heappop(self.entries))
                yield item
        finally:
            for entry in passed:
                heappush(self.entries, entry)
