"""The router's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from pydantic import Field

from services.router.app.agent_parts import (
    AgentPart,
    LimitPart,
    PresencePart,
    agent_problems,
    presence_problems,
    to_limits,
    to_presence,
    to_profile,
)
from services.router.app.hour_parts import Hours
from services.router.app.matching_parts import MatchingPart, to_matching
from services.router.app.partner_parts import partner_problems, to_partner
from services.router.app.policy_parts import PolicyPart, to_policy
from services.router.app.policy_problems import Names, policy_problems
from services.router.app.queue_parts import QueuePart, hours_problems, queue_problems, to_queue
from services.router.app.review import condition_problems, staffing_warnings
from services.router.domain.agent import AgentProfile
from services.router.domain.configuration import Configuration
from services.router.domain.queue import DEFAULT_QUEUE
from shared.calendar_parts import CalendarPart, TimeZoneName, check_time_zone, to_calendar
from shared.configuration import Problem, names_of, refuse, repeated
from shared.http.types import Request, Slug
from shared.public_holidays import public_holidays
from shared.vocabulary import ChannelKind

MOST_AGENTS = 20_000


class RouterPart(Request):
    """The router's part of the configuration."""

    time_zone: TimeZoneName = "UTC"
    calendars: tuple[CalendarPart, ...] = Field(default=(), max_length=200)
    skills: tuple[Slug, ...] = ()
    teams: tuple[Slug, ...] = ()
    limits: dict[ChannelKind, LimitPart] = {}
    presence: PresencePart = PresencePart()
    agents: tuple[AgentPart, ...] = Field(default=(), max_length=MOST_AGENTS)
    queues: tuple[QueuePart, ...] = (QueuePart(id=DEFAULT_QUEUE),)
    matching: MatchingPart = MatchingPart()
    policy: PolicyPart = PolicyPart()


def to_configuration(version: int, part: RouterPart, *, is_stored: bool = False) -> Configuration:
    """What the engine decides by. Raises InvalidInput naming every rule that the part breaks.

    is_stored: it was checked when it was written, by rules that may have been others: it holds as it is
    """
    if not is_stored:
        refuse(_problems(part))
    hours = Hours.written(part.calendars, part.time_zone)
    return Configuration(
        version=version,
        agents=profiles(part, hours),
        queues={queue.id: to_queue(queue, hours) for queue in part.queues},
        presence=to_presence(part.presence),
        policy=to_policy(version, part.policy),
        matching=to_matching(part.matching, agents=len(part.agents)),
        calendars=hours.calendars,
        time_zone=part.time_zone,
        limits=to_limits(part.limits),
    )


def profiles(part: RouterPart, hours: Hours | None = None) -> dict[str, AgentProfile]:
    """Everybody who is asked, agents of the house and partners. hours: of this part, where they are there"""
    hours = hours or Hours.written(part.calendars, part.time_zone)
    limits = to_limits(part.limits)
    house = [to_profile(agent, limits, hours) for agent in part.agents]
    partners = [to_partner(queue.id, queue.partner) for queue in part.queues if queue.partner is not None]
    return {profile.agent_id: profile for profile in (*house, *partners)}


def check(part: RouterPart) -> list[str]:
    """Warnings of what somebody writes: what is allowed and probably not meant, as rules that nobody could serve.

    Raises InvalidInput naming every rule that the part breaks, also by what its conditions may cost.
    """
    refuse(chain(_problems(part, written=True), condition_problems("/policy", part.policy)))
    found = staffing_warnings(to_configuration(0, part), part.skills)
    found += _feed_warnings(part)
    served = Counter(queue for agent in part.agents for queue in set(agent.queues))
    found += [
        f"/queues/{index}: nobody serves {queue.partner.fallback}, to which work of queue {queue.id} falls back"
        for index, queue in enumerate(part.queues)
        if queue.partner is not None and queue.partner.fallback not in served
    ]
    found += [
        f"/queues/{index}: {queue.id} keeps {queue.reserve} agents and has {served[queue.id]}: others get none"
        for index, queue in enumerate(part.queues)
        if queue.reserve >= served[queue.id] > 0
    ]
    return found


def _feed_warnings(part: RouterPart) -> Iterator[str]:
    """Hours of queues and agents by a calendar with feeds: nobody fetches them here."""
    fed = {calendar.id for calendar in part.calendars if calendar.feeds}
    hours: list[tuple[str, object]] = [
        *((f"/queues/{index}/hours", queue.hours) for index, queue in enumerate(part.queues)),
        *((f"/agents/{index}/shifts", agent.shifts) for index, agent in enumerate(part.agents)),
    ]
    for place, calendar in hours:
        if isinstance(calendar, str) and calendar in fed:
            yield f"{place}: the feeds of calendar {calendar} do not count here; name the days in ical or closed"


def _problems(part: RouterPart, *, written: bool = False) -> Iterator[Problem]:
    queues = names_of(queue.id for queue in part.queues)
    calendars = names_of(calendar.id for calendar in part.calendars)
    skills, teams = names_of(part.skills), names_of(part.teams)
    yield from _calendar_problems(part)
    if len(part.agents) > MOST_AGENTS:  # a copy to which agents were added has not been validated
        yield "/agents", f"at most {MOST_AGENTS}"
    yield from repeated("/agents", [agent.id for agent in part.agents])
    yield from repeated("/queues", [queue.id for queue in part.queues])
    outsourced = frozenset(queue.id for queue in part.queues if queue.partner is not None)
    yield from presence_problems("/presence", part.presence)
    for index, agent in enumerate(part.agents):
        yield from agent_problems(
            f"/agents/{index}",
            agent,
            queues=queues,
            outsourced=outsourced,
            teams=teams,
            skills=skills,
            calendars=calendars,
        )
    by_id = {queue.id: queue for queue in part.queues}
    for index, queue in enumerate(part.queues):
        here = f"/queues/{index}"
        yield from queue_problems(here, queue, skills=skills, written=written)
        yield from hours_problems(here, queue, by_id, calendars=calendars)
        if queue.partner is not None:
            yield from partner_problems(
                f"{here}/partner", queue.id, queue.partner, queues=queues, outsourced=outsourced
            )
    names = Names(
        queues=queues,
        outsourced=outsourced,
        skills=skills,
        teams=teams,
        calendars=calendars,
        agents=names_of(agent.id for agent in part.agents),
    )
    yield from policy_problems("/policy", part.policy, names, written=written)


def _calendar_problems(part: RouterPart) -> Iterator[Problem]:
    try:
        check_time_zone(part.time_zone)
    except ValueError as error:
        yield "/time_zone", str(error)
    yield from repeated("/calendars", [calendar.id for calendar in part.calendars])
    for index, calendar in enumerate(part.calendars):
        try:
            to_calendar(calendar, public_holidays)
        except ValueError as error:
            yield f"/calendars/{index}", str(error)
