"""Queues: how work that waits in them is given out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.router.domain.hours import ALWAYS_OPEN, Opening
from services.router.domain.order import Order
from shared.calendar import Calendar, NoOpening
from shared.vocabulary import ChannelKind

DEFAULT_QUEUE = "default"


class OfferMode(StrEnum):
    """Whether an agent is asked, simply gets the item, or takes it from the line themselves.

    By channel: asked where somebody waits on the line, which is voice and chat; else they simply get it.
    """

    ASK = "ask"
    AUTO = "auto"
    PULL = "pull"
    BY_CHANNEL = "by_channel"


class Ranking(StrEnum):
    """Who of several agents that fit is asked first."""

    LONGEST_IDLE = "longest_idle"
    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    BEST_MATCH = "best_match"
    SCORE = "score"


SCORE_FIELDS: Mapping[str, frozenset[str]] = {
    "agent": frozenset({"tier", "load", "capacity", "skills", "teams"}),
    "work": frozenset({"queue", "channel_kind", "support_tier"}),
}
"""What a queue's score may read: what changes only when something happens to the agent, never with time alone."""


class Score(Protocol):
    """A compiled expression that says how well an agent suits."""

    def value(self, variables: Mapping[str, Mapping[str, object]]) -> tuple[object, str | None]:
        """Its value, and why there is none, if so."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """Who helps out with what has waited in a queue for so long."""

    after: timedelta
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue as configured.

    rank: 1 to 100; an agent in several queues serves the lowest first, unless they have ranks of their own
    reserve: how many of its agents it keeps free from the work of queues without a reserve
    score: with the ranking of that name: who has the highest is first
    asked_at_once: how many agents an item is offered to at a time; the first who accepts has it
    wrap_up_by: by channel kind, where it is another than `wrap_up`
    order: which of its items is given out first
    return_after: how long an item stays with an agent who went offline or was absent when its customer answered
    hours: when it is open; none: always. Waiting and returning are counted in these hours
    closed_to: the queue that new and escalated work goes to while it is closed; none: it waits
    overflow: from when on the agents of which other queue help out
    reconnect_within: how long a chat waits for an agent who has gone offline or lost their connection
    """

    queue_id: str
    name: str = field(default="", compare=False)
    rank: int = 50
    order: Order = field(default_factory=Order)
    reserve: int = 0
    ranking: Ranking = Ranking.LONGEST_IDLE
    score: Score | None = None
    offer_mode: OfferMode = OfferMode.ASK
    offer_timeout: timedelta = timedelta(seconds=120)
    asked_at_once: int = 1
    wrap_up: timedelta = timedelta()
    wrap_up_by: Mapping[ChannelKind, timedelta] = field(default_factory=dict)
    return_after: timedelta = timedelta(minutes=15)
    reconnect_within: timedelta = timedelta(seconds=60)
    hours: Calendar | None = None
    closed_to: str | None = None
    overflow: Overflow | None = None

    def opening(self, instant: datetime) -> Opening:
        """Whether it is open at an instant, and until when."""
        if self.hours is None:
            return ALWAYS_OPEN
        is_open, until = self.hours.standing(instant)
        return Opening(is_open=is_open, until=until)

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        """For how long it was open between two instants."""
        return end - start if self.hours is None else self.hours.elapsed(start, end)

    def after(self, start: datetime, open_time: timedelta) -> datetime | None:
        """When it has been open for so long; none where it never will have been."""
        if self.hours is None:
            return start + open_time
        try:
            return self.hours.add(start, open_time)
        except NoOpening:
            return None

    def mode_for(self, kind: ChannelKind) -> OfferMode:
        """How items of a channel kind are given out here."""
        if self.offer_mode is not OfferMode.BY_CHANNEL:
            return self.offer_mode
        return OfferMode.ASK if kind in (ChannelKind.VOICE, ChannelKind.CHAT) else OfferMode.AUTO

    def wrap_up_for(self, kind: ChannelKind) -> timedelta:
        """How long an agent wraps up an item of a channel kind."""
        return self.wrap_up_by.get(kind, self.wrap_up)

    def most_asked(self, kind: ChannelKind) -> int:
        """How many agents may be asked at once for an item of a channel kind."""
        return self.asked_at_once if self.mode_for(kind) is OfferMode.ASK else 1
