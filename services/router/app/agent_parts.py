"""Agents as they are written in a configuration."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from services.router.app.hour_parts import Hours, TimeOffPart, duty_problems
from services.router.domain.agent import (
    DEFAULT_CAPACITY,
    DEFAULT_LIMITS,
    DEFAULT_PRESENCE,
    AgentProfile,
    ChannelLimit,
    Presence,
)
from services.router.domain.configuration import Configuration
from services.router.domain.queue import DEFAULT_QUEUE
from shared.calendar_parts import TimeZoneName, WeekPart
from shared.configuration import Problem, unknown
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind

Level = Annotated[int, Field(ge=1, le=5)]
Tier = Annotated[int, Field(ge=1, le=9)]
Rank = Annotated[int, Field(ge=1, le=100)]
Name = Annotated[str, StringConstraints(max_length=200)]


class LimitPart(Request):
    """What one item of a channel costs, and how many an agent may have at once."""

    cost: int = Field(ge=0, le=1000)
    most: int = Field(ge=0, le=1000)
    interruptible: bool = Field(default=False, description="It takes no room from items that are not.")


class PresencePart(Request):
    """How the workspace tells that an agent is not there."""

    lost_after: Duration = Field(
        default=DEFAULT_PRESENCE.lost_after, description="How long an agent who had a stream may be without one."
    )
    away_after: int = Field(default=1, ge=1, le=100, description="So many offers in a row that they let expire.")


class AgentPart(Request):
    """An agent: what they can do, and how much at once."""

    id: Slug
    name: Name = ""
    support_tier: Tier = 1
    teams: tuple[Slug, ...] = ()
    queues: tuple[Slug, ...] = (DEFAULT_QUEUE,)
    ranks: dict[Slug, Rank] = Field(
        default={}, description="At which rank they serve a queue, where that is not the queue's own."
    )
    skills: dict[Slug, Level] = {}
    capacity: int = Field(default=DEFAULT_CAPACITY, ge=1, le=10_000)
    limits: dict[ChannelKind, LimitPart] = Field(default={}, description="Where they differ from the workspace's.")
    time_zone: TimeZoneName | None = Field(default=None, description="Whose clock their hours are read on.")
    shifts: WeekPart | Slug | None = Field(
        default=None, description="Weekly hours, or the id of a calendar; none: always on duty."
    )
    time_off: tuple[TimeOffPart, ...] = Field(default=(), max_length=200)

    def profile(self, configuration: Configuration) -> AgentProfile:
        """What the engine knows of them where this configuration holds."""
        hours = Hours(configuration.calendars, configuration.time_zone)
        return to_profile(self, configuration.limits, hours)


def to_profile(agent: AgentPart, limits: Mapping[ChannelKind, ChannelLimit], hours: Hours) -> AgentProfile:
    """What the engine knows of an agent. limits: the workspace's."""
    return AgentProfile(
        agent_id=agent.id,
        name=agent.name,
        support_tier=agent.support_tier,
        teams=frozenset(agent.teams),
        queues=frozenset(agent.queues),
        ranks=dict(agent.ranks),
        skills=dict(agent.skills),
        capacity=agent.capacity,
        limits={**limits, **_limits(agent.limits)} if agent.limits else limits,
        duty=hours.duty(agent.shifts, agent.time_off, agent.time_zone),
    )


def to_presence(part: PresencePart) -> Presence:
    """What the engine tells by that an agent is not there."""
    return Presence(lost_after=part.lost_after, away_after=part.away_after)


def presence_problems(place: str, part: PresencePart) -> Iterator[Problem]:
    """What is wrong with how presence is told."""
    if not timedelta(seconds=5) <= part.lost_after <= timedelta(hours=1):
        yield f"{place}/lost_after", "between 5s and 1h: a page that is loaded anew takes a moment"


def to_limits(part: Mapping[ChannelKind, LimitPart]) -> Mapping[ChannelKind, ChannelLimit]:
    """The workspace's limits: the defaults, and what it has otherwise."""
    return {**DEFAULT_LIMITS, **_limits(part)}


def agent_problems(
    place: str,
    agent: AgentPart,
    *,
    queues: Collection[str],
    outsourced: frozenset[str],
    teams: Collection[str],
    skills: Collection[str],
    calendars: Collection[str],
) -> Iterator[Problem]:
    """Rules that one agent breaks, beside what exists in the workspace. outsourced: queues of partners"""
    yield from unknown(f"{place}/queues", agent.queues, queues, "queue")
    yield from unknown(f"{place}/ranks", list(agent.ranks), agent.queues, "queue of this agent")
    for queue in sorted(outsourced.intersection(agent.queues)):
        yield f"{place}/queues", f"{queue} stands for a partner: nobody of the house serves it"
    yield from unknown(f"{place}/teams", agent.teams, teams, "team")
    yield from unknown(f"{place}/skills", list(agent.skills), skills, "skill")
    yield from duty_problems(place, agent.shifts, agent.time_off, agent.time_zone, calendars=calendars)


def _limits(part: Mapping[ChannelKind, LimitPart]) -> dict[ChannelKind, ChannelLimit]:
    return {
        kind: ChannelLimit(cost=limit.cost, most=limit.most, is_interruptible=limit.interruptible)
        for kind, limit in part.items()
    }
