"""Facts: one row a measurement, each in one interval of time and in several scopes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

MILLION = 1_000_000
"""Values are whole millionths of their unit, so that sums are exact in whatever order they are made."""

BUCKET = timedelta(minutes=15)
"""The base interval. Local days of all present time zones are made of whole ones."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FactKind(StrEnum):
    """What is measured."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    FIRST_REPLIED = "first_replied"
    RESOLVED = "resolved"
    CLOCK_MET = "clock_met"
    CLOCK_BREACHED = "clock_breached"
    CSAT_RATED = "csat_rated"
    NPS_RATED = "nps_rated"


class Opinion(StrEnum):
    """What a rating says: the aspect of its fact."""

    GOOD = "good"
    NEUTRAL = "neutral"
    BAD = "bad"


class Dimension(StrEnum):
    """By what numbers are split."""

    WORKSPACE = "workspace"
    QUEUE = "queue"
    CHANNEL = "channel"
    AGENT = "agent"
    TIER = "tier"


class Scope(NamedTuple):
    """What a number is about: the whole workspace (member ""), or one queue, channel, agent or support tier."""

    dimension: Dimension
    member: str


WHOLE = Scope(Dimension.WORKSPACE, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something happened, as far as it is known."""

    queue: str | None = None
    channel: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None

    def scopes(self) -> Iterator[Scope]:
        """Every scope that it counts in."""
        yield WHOLE
        if self.queue is not None:
            yield Scope(Dimension.QUEUE, self.queue)
        if self.channel is not None:
            yield Scope(Dimension.CHANNEL, self.channel)
        if self.support_tier is not None:
            yield Scope(Dimension.TIER, str(self.support_tier))
        if self.agent_id is not None:
            yield Scope(Dimension.AGENT, self.agent_id)


class FactId(NamedTuple):
    """A fact is known by the event that closed it: an event closes at most one of a kind."""

    workspace_id: str
    ticket_id: UUID
    event_id: UUID
    kind: FactKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A measurement. It counts in the interval of its closing moment.

    aspect: which of its kind, as an SLA metric; "" where there is only one
    value: wall time in microseconds, or millionths of what else is measured; 0 where only the fact counts
    business_value: the same in the time of a calendar, where one applied
    """

    workspace_id: str
    ticket_id: UUID
    event_id: UUID
    kind: FactKind
    aspect: str = ""
    place: Place
    value: int = 0
    business_value: int | None = None
    started_at: datetime
    ended_at: datetime

    @property
    def fact_id(self) -> FactId:
        """What it is known by."""
        return FactId(self.workspace_id, self.ticket_id, self.event_id, self.kind)


def bucket_of(at: datetime) -> datetime:
    """The beginning of the base interval that a moment lies in."""
    return at - (at - _EPOCH) % BUCKET


def microseconds(span: timedelta) -> int:
    """A duration as a value: exact, and never negative even where two databases' clocks disagree."""
    return max(0, span // timedelta(microseconds=1))
