"""Which of the first items of several lines is first of all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from services.router.domain.matching import RequirementClass
from services.router.domain.order import Order, Place, pressing
from services.router.domain.work_item import WorkItem


@dataclass(frozen=True, slots=True)
class Head:
    """The first item of a class that may be given out, and where it stands now.

    rank: at which whoever may have it serves its queue
    """

    found: RequirementClass
    rank: int
    item: WorkItem
    place: Place


AnyHead = TypeVar("AnyHead", bound=Head)


def foremost(heads: Iterable[AnyHead]) -> AnyHead | None:
    """The first of all: that of the lowest rank.

    Classes and queues of one rank that have the same order are one line. Places in different
    orders do not compare: of such lines that whose first item is more pressing comes first, then the older.
    """
    lines: dict[tuple[int, Order], AnyHead] = {}
    for head in heads:
        line = (head.rank, head.found.queue.order)
        if line not in lines or head.place < lines[line].place:
            lines[line] = head
    if not lines:
        return None
    return min(lines.items(), key=lambda entry: (entry[0][0], pressing(entry[1].item)))[1]
