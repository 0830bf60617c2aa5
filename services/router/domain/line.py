"""Items that wait, in their queue's order. A lazy heap a group: an entry that its item has outlived is stale."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush
from uuid import UUID

from services.router.domain.order import Key, Order, Place
from services.router.domain.sla_clock import SlaClock
from services.router.domain.work_item import WorkItem

ItemEntry = tuple[Key, int]


@dataclass(slots=True)
class Line:
    """The waiting items of one class.

    groups: a heap each, of which the first entry always holds; none is empty
    count: how many wait; entries: how many are in the heaps, the stale ones among them, at most `limit`
    """

    order: Order
    groups: dict[int, list[ItemEntry]] = field(default_factory=dict)
    count: int = 0
    entries: int = 0
    limit: int = 64

    def join(self, item: WorkItem, clocks: Sequence[SlaClock], items: Mapping[UUID, WorkItem]) -> None:
        """The item waits. Its stamp has risen."""
        for group, key in self.order.entries(item, clocks):
            heappush(self.groups.setdefault(group, []), (key, item.stamp))
            self.entries += 1
        self.count += 1
        if self.entries > self.limit:
            self._tidy(items)

    def leave(self, items: Mapping[UUID, WorkItem]) -> None:
        """An item waits no more. Its stamp has risen."""
        self.count -= 1
        for group in list(self.groups):
            self._bring_up(group, items)

    def waiting(self, items: Mapping[UUID, WorkItem]) -> Iterator[WorkItem]:
        """Waiting items in no order, each looked at once; one in several groups comes more often."""
        for heap in self.groups.values():
            for entry in heap:
                if _holds(entry, items):
                    yield items[entry[0][-1]]

    def in_order(
        self, items: Mapping[UUID, WorkItem], now: datetime
    ) -> Generator[tuple[WorkItem, Place], None, None]:
        """Waiting items in order, with their places. The line stays as it is, but for what is stale.

        An item that stands in several groups comes once, where it stands best.
        """
        passed: list[tuple[int, ItemEntry]] = []
        seen: set[UUID] = set()
        heads: list[tuple[Place, int]] = []
        try:
            for group in self.groups:
                self._put_head(heads, group, now)
            while heads:
                place, group = heappop(heads)
                entry = heappop(self.groups[group])
                passed.append((group, entry))
                work_id = entry[0][-1]
                if work_id not in seen:
                    seen.add(work_id)
                    yield items[work_id], place
                if self._bring_up(group, items):
                    self._put_head(heads, group, now)
        finally:
            for group, entry in passed:
                heappush(self.groups.setdefault(group, []), entry)

    def _put_head(self, heads: list[tuple[Place, int]], group: int, now: datetime) -> None:
        heappush(heads, (self.order.place(group, self.groups[group][0][0], now), group))

    def _bring_up(self, group: int, items: Mapping[UUID, WorkItem]) -> bool:
        """Drops what is stale before the first entry of a group that holds; a group without one is gone."""
        heap = self.groups[group]
        while heap and not _holds(heap[0], items):
            heappop(heap)
            self.entries -= 1
        if not heap:
            del self.groups[group]
        return bool(heap)

    def _tidy(self, items: Mapping[UUID, WorkItem]) -> None:
        """Drops what is stale: memory follows the items that wait, not everything that ever moved."""
        for heap in self.groups.values():
            heap[:] = [entry for entry in heap if _holds(entry, items)]
            heapify(heap)
        self.entries = sum(len(heap) for heap in self.groups.values())
        self.limit = 2 * self.entries + 64


def _holds(entry: ItemEntry, items: Mapping[UUID, WorkItem]) -> bool:
    item = items.get(entry[0][-1])
    return item is not None and item.stamp == entry[1]
