"""Overrides as people make, withdraw and end them. What is past stays as it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.domain.duty import Duty
from services.escalation.domain.on_call import Override, Why
from shared.errors import Conflict, IllegalTransition, InvalidInput

LONGEST = timedelta(days=366)
FURTHEST = timedelta(days=3 * 366)
"""How far ahead one may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Somebody is on call in place of whoever's turn it is.

    swap_id: that of both halves of a swap
    ended_at, ended_by: it was ended before its end; at or before its start: it never was in force
    """

    workspace_id: str
    override_id: UUID
    rotation: str
    agent: str
    start_at: datetime
    end_at: datetime
    reason: str | None = None
    swap_id: UUID | None = None
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def until(self) -> datetime:
        """Until when it was or will be in force; not after its start: never."""
        return self.end_at if self.ended_at is None else min(self.end_at, self.ended_at)


def in_force(stand_ins: Iterable[StandIn]) -> list[Override]:
    """As far as they were or will be in force."""
    return [
        Override(override_id=str(item.override_id), agent=item.agent, start=item.start_at, end=item.until)
        for item in stand_ins
        if item.start_at < item.until
    ]


def check_span(start: datetime, end: datetime, now: datetime) -> None:
    """Raises InvalidInput for what begins in the past, is empty, too long or too far ahead."""
    problems = []
    if start < now:
        problems.append(("/start", "lies in the past"))
    if start > now + FURTHEST:
        problems.append(("/start", "is more than three years ahead"))
    if end <= start:
        problems.append(("/end", "is not after the start"))
    elif end - start > LONGEST:
        problems.append(("/end", "is more than 366 days after the start"))
    if problems:
        raise InvalidInput("Nobody can stand in then.", problems=tuple(problems))


def check_free(wanted: Sequence[StandIn], others: Iterable[StandIn]) -> None:
    """Raises Conflict where somebody stands in already."""
    for other in others:
        if any(one.start_at < other.until and other.start_at < one.end_at for one in wanted):
            raise Conflict(
                f"{other.agent} stands in from {_minute(other.start_at)} to {_minute(other.until)} already"
                f" (override {other.override_id})."
            )


def ended(stand_in: StandIn, now: datetime, by: str) -> StandIn:
    """Withdrawn where it has not begun, else over from now on. Doing it twice changes nothing.

    Raises IllegalTransition where it was over before.
    """
    if stand_in.ended_at is not None:
        return stand_in
    if stand_in.end_at <= now:
        raise IllegalTransition("The override is over: what was is not changed.")
    return replace(stand_in, ended_at=now, ended_by=by)


def ended_together(
    stand_in: StandIn, halves: Iterable[StandIn], now: datetime, by: str
) -> tuple[StandIn, Sequence[StandIn]]:
    """An override once it is ended, and everything that changes with it: the halves of a swap end together.

    halves: those of its swap. One that is over stays: they did stand in.
    Raises IllegalTransition where the override itself was over before.
    """
    after = ended(stand_in, now, by)
    others = (half for half in halves if half.override_id != stand_in.override_id and half.end_at > now)
    changed = [ended(half, now, by) for half in others if half.ended_at is None]
    return after, [after, *changed] if after != stand_in else changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One half of a swap: who takes over which stretch."""

    agent: str
    start: datetime
    end: datetime


def swapped(duty: Duty, first: datetime, second: datetime, now: datetime) -> tuple[Half, Half]:
    """Each of two people takes the other's shift, or what is left of it. The shifts are named by a moment in them.

    Raises InvalidInput where there is nothing to swap, and Conflict where somebody stands in there already.
    """
    one, other = _turn(duty, "first", first, now), _turn(duty, "second", second, now)
    if one.agent == other.agent:
        raise InvalidInput("There is nothing to swap.", problems=(("/second", "is the same person's turn"),))
    return replace(one, agent=other.agent), replace(other, agent=one.agent)


def _turn(duty: Duty, name: str, at: datetime, now: datetime) -> Half:
    standing = duty.standing(at)
    agent, since, until = standing.shift.agent, standing.since, standing.until
    if standing.shift.why is Why.OVERRIDE:
        raise Conflict(f"{agent} stands in there already (override {standing.shift.source}).")
    if agent is None or standing.shift.why is not Why.LAYER or since is None or until is None:
        raise InvalidInput("There is nothing to swap.", problems=((f"/{name}", "is nobody's turn"),))
    if until <= now:
        raise InvalidInput("What was is not changed.", problems=((f"/{name}", "lies in the past"),))
    return Half(agent=agent, start=max(since, now), end=until)


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"
