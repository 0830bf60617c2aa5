"""In which order waiting work is given out: every item has a place now, and the smallest place is first.

The places of some orders change with time, so no sorted structure holds them. But items fall into groups within
which time changes nothing: there a fixed key sorts them, and only the heads of the groups are compared at the
moment itself. How many groups there can be:

- `priority`, `oldest`, `score`: one. Waiting adds as much to everybody's score, so whoever leads stays ahead.
- `ageing`: one a priority.
- `sla_urgency`: one a target, since clocks with one target use it up equally fast, and one for items without a
  running clock. An item stands in the group of each of its running clocks, and its place is the best of them.
  There are as many targets as the workspace's SLA policies have.

What was put at the front comes first in every order.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.router.domain.sla_clock import SlaClock
from services.router.domain.work_item import WorkItem

Key = tuple[bool, datetime, int, datetime, UUID]
"""What sorts a group: not put at the front, an instant, the rank of a priority where it counts, age, id."""

Place = tuple[bool, float, int, datetime, int, datetime, UUID]
"""A key, before its instant what changes with time and what decides where that is equal; the smallest is first."""

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_ONLY = 0
_NO_CLOCK = 0
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)


class OrderBy(StrEnum):
    """Which of several waiting items is given out first."""

    PRIORITY = "priority"
    OLDEST = "oldest"
    SLA_URGENCY = "sla_urgency"
    SCORE = "score"
    AGEING = "ageing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedence:
    """Why an item was first in its line.

    value: the share of its promise that is used up, its score, or the rank to which age has raised it
    """

    by: OrderBy
    is_expedited: bool
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A queue's order.

    points: with `score`, what each priority is worth, the most pressing first; a minute of waiting is worth one
    ageing: with `ageing`, an item counts as one priority higher for each such time that it has waited
    """

    by: OrderBy = OrderBy.PRIORITY
    points: tuple[int, ...] = (60, 30, 10, 0)
    ageing: timedelta = timedelta(minutes=30)

    def entries(self, item: WorkItem, clocks: Sequence[SlaClock]) -> Iterator[tuple[int, Key]]:
        """The groups in which an item stands, and what sorts it there. clocks: its ticket's"""
        behind, rank, age, work_id = not item.is_expedited, item.priority.rank, item.queued_at, item.work_id
        match self.by:
            case OrderBy.PRIORITY:
                yield _ONLY, (behind, _ALWAYS, rank, age, work_id)
            case OrderBy.OLDEST:
                yield _ONLY, (behind, age, 0, age, work_id)
            case OrderBy.SCORE:
                yield _ONLY, (behind, age - self.points[rank] * _MINUTE, 0, age, work_id)
            case OrderBy.AGEING:
                yield rank, (behind, age, 0, age, work_id)
            case OrderBy.SLA_URGENCY:
                is_promised = False
                for clock in clocks:
                    if clock.counts_from is not None:
                        is_promised = True
                        yield clock.target // _MICROSECOND, (behind, clock.counts_from, rank, age, work_id)
                if not is_promised:
                    yield _NO_CLOCK, (behind, _ALWAYS, rank, age, work_id)

    def place(self, group: int, key: Key, now: datetime) -> Place:
        """Where an entry stands now, among all groups. Within a group it sorts as the keys do, at any time."""
        lead, tie = 0.0, 0
        if self.by is OrderBy.AGEING:
            lead = max(0, group - max(0, (now - key[1]) // self.ageing))
        elif self.by is OrderBy.SLA_URGENCY:
            lead = -((now - key[1]) // _MICROSECOND / group) if group != _NO_CLOCK else math.inf
            tie = group
        return key[0], lead, tie, *key[1:]

    def precedence(self, place: Place, now: datetime) -> Precedence:
        """A place as it is recorded."""
        value: float | None = None
        match self.by:
            case OrderBy.AGEING:
                value = place[1]
            case OrderBy.SLA_URGENCY if place[1] != math.inf:
                value = -place[1]
            case OrderBy.SCORE:
                value = (now - place[3]) / _MINUTE
            case _:
                pass
        return Precedence(by=self.by, is_expedited=not place[0], value=value)


def pressing(item: WorkItem) -> Place:
    """The place of an item among queues that have different orders: by priority, then by age."""
    return not item.is_expedited, 0.0, 0, _ALWAYS, item.priority.rank, item.queued_at, item.work_id
