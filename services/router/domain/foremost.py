"""Which of the first items of several lines is first of all, and which of those an agent may have.

Within a group of an order time changes nothing (see `order`), in one class as in many: the first entries of the
classes of a post compare by their keys, group by group. Places are worked out only of the foremost of each group.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from services.router.domain.agent import Agent
from services.router.domain.line import ItemEntry
from services.router.domain.matching import READY, RequirementClass
from services.router.domain.order import Order, Place, pressing
from services.router.domain.state import RoutingState
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


def first_for(
    state: RoutingState,
    agent: Agent,
    may_have: Callable[[WorkItem], bool],
    *,
    pulls: bool,
    besides: Collection[RequirementClass] = (),
) -> Head | None:
    """The first item of all that waits for an agent in open queues, where they could be asked now.

    may_have: whether they may have an item; pulls: also what nobody is asked for; besides: classes to leave out
    """
    heads: list[Head] = []
    for classes in state.posts_of.get(agent.agent_id, ()):
        one = classes[0]
        if (
            one.condition_of(agent) == READY
            and (pulls or not one.is_pulled)
            and state.opening(one.requirements.queue).is_open
        ):
            rank = agent.profile.ranks.get(one.requirements.queue, one.queue.rank)
            left = [found for found in classes if found not in besides] if besides else classes
            heads.extend(_heads(state, left, rank, may_have))
    return foremost(heads)


def _heads(
    state: RoutingState, classes: Sequence[RequirementClass], rank: int, may_have: Callable[[WorkItem], bool]
) -> Iterator[Head]:
    """Of each group of one post's lines the first item, over all its classes, that may be had."""
    while True:
        firsts: dict[int, tuple[ItemEntry, RequirementClass]] = {}
        for found in classes:
            for group, heap in found.line.groups.items():
                if group not in firsts or heap[0] < firsts[group][0]:
                    firsts[group] = heap[0], found
        passed = {found for entry, found in firsts.values() if not may_have(state.items[entry[0][-1]])}
        if not passed:
            break
        # Their first items are not to be had: they are looked through, and the others compared again.
        for found in passed:
            yield from _first_of(state, found, rank, may_have)
        classes = [found for found in classes if found not in passed]
    for group, (entry, found) in firsts.items():
        place = found.queue.order.place(group, entry[0], state.now)
        yield Head(found, rank, state.items[entry[0][-1]], place)


def _first_of(
    state: RoutingState, found: RequirementClass, rank: int, may_have: Callable[[WorkItem], bool]
) -> Iterator[Head]:
    with closing(found.line.in_order(state.items, state.now)) as line:
        for item, place in line:
            if may_have(item):
                yield Head(found, rank, item, place)
                return
