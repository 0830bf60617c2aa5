"""What a run comes to in figures, and what two runs of the same tickets come to beside each other."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.router.app.observed import Course, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long work waited until somebody had it first.

    items: all that was queued; unassigned: of it, what nobody had until the end or its cancellation
    level: share of the items that were assigned within the time asked for, none without items
    """

    items: int
    unassigned: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    level: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an agent got, and how long they had anything in hand."""

    assigned: int
    busy_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run in figures."""

    decisions: int
    waits: Waits
    queues: Mapping[str, Waits]
    agents: Mapping[str, Load]


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """A work item that somebody else gets: the nth of its ticket, from 1; none where nobody does."""

    ticket_id: UUID
    nth: int
    queued_at: datetime
    before: str | None
    after: str | None
    wait_before_s: float | None
    wait_after_s: float | None


def outcome(run: Observed, within: timedelta) -> Outcome:
    """The figures of a run. within: the time in which work should be assigned."""
    waits: dict[str, list[timedelta | None]] = defaultdict(list)
    for course in run.own():
        waits[course.queue].append(course.wait)
    return Outcome(
        decisions=run.decisions,
        waits=_waits([wait for queue in waits.values() for wait in queue], within),
        queues={queue: _waits(waits[queue], within) for queue in sorted(waits)},
        agents={
            agent_id: Load(assigned=busy.assigned, busy_s=busy.busy.total_seconds())
            for agent_id, busy in sorted(run.agents.items())
        },
    )


def otherwise(before: Observed, after: Observed) -> list[Otherwise]:
    """The work that somebody else gets first, in the order in which it was queued."""
    found = []
    ours, theirs = _by_ticket(before), _by_ticket(after)
    for ticket_id in sorted({*ours, *theirs}):
        ones, others = ours.get(ticket_id, []), theirs.get(ticket_id, [])
        for index in range(max(len(ones), len(others))):
            one = ones[index] if index < len(ones) else None
            other = others[index] if index < len(others) else None
            left, right = (one.agent_id if one else None), (other.agent_id if other else None)
            course = one or other
            if left != right and course is not None:
                found.append(
                    Otherwise(
                        ticket_id=ticket_id,
                        nth=index + 1,
                        queued_at=course.queued_at,
                        before=left,
                        after=right,
                        wait_before_s=one.wait.total_seconds() if one and one.wait else None,
                        wait_after_s=other.wait.total_seconds() if other and other.wait else None,
                    )
                )
    return sorted(found, key=lambda each: (each.queued_at, each.ticket_id, each.nth))


def _by_ticket(run: Observed) -> dict[UUID, list[Course]]:
    found: dict[UUID, list[Course]] = defaultdict(list)
    for course in run.courses.values():
        found[course.ticket_id].append(course)
    return found


def _waits(waits: Sequence[timedelta | None], within: timedelta) -> Waits:
    seconds = sorted(wait.total_seconds() for wait in waits if wait is not None)
    return Waits(
        items=len(waits),
        unassigned=len(waits) - len(seconds),
        mean_s=sum(seconds) / len(seconds) if seconds else None,
        p50_s=_percentile(seconds, 0.50),
        p90_s=_percentile(seconds, 0.90),
        p99_s=_percentile(seconds, 0.99),
        level=sum(wait <= within.total_seconds() for wait in seconds) / len(waits) if waits else None,
    )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of all values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
