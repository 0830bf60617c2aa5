"""What metrics remembers of a ticket from the ticket's own events, folded in their order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.vocabulary import SurveyKind, TicketStatus

_EXCLUDING = ("spam", "test")
"""Labels of tickets that count in nothing but raw volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happened, the event that says so, and the agent whose credit it is."""

    at: datetime
    event_id: UUID
    agent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What the customer thinks. scale: the best score"""

    moment: Moment
    kind: SurveyKind
    score: int
    scale: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStory:
    """One ticket, as far as numbers need it.

    asked_at: the first message of a customer; first_reply: the first answer of an agent after it
    solved: when it was last solved; none while it is unsolved
    """

    opened: Moment
    channel: str
    status: TicketStatus
    is_excluded: bool = False
    is_merged: bool = False
    asked_at: datetime | None = None
    first_reply: Moment | None = None
    solved: Moment | None = None
    rating: Rating | None = None


def excludes(labels: Mapping[str, str]) -> bool:
    """Whether a ticket with these labels is no real work."""
    return any(labels.get(name, "false") != "false" for name in _EXCLUDING)


def asked(story: TicketStory, at: datetime) -> TicketStory:
    """A customer wrote. Only the first time matters."""
    return story if story.asked_at is not None else replace(story, asked_at=at)


def answered(story: TicketStory, reply: Moment) -> TicketStory:
    """An agent replied. Only the first time after the customer wrote matters."""
    if story.asked_at is None or story.first_reply is not None:
        return story
    return replace(story, first_reply=reply)


def went(story: TicketStory, status: TicketStatus, moment: Moment) -> TicketStory:
    """The status changed. Whoever reopens a ticket takes its solution back until it is solved again."""
    if status is TicketStatus.SOLVED:
        return replace(story, status=status, solved=moment)
    if status is TicketStatus.CLOSED:
        return replace(story, status=status)
    return replace(story, status=status, solved=None)


def rated(story: TicketStory, rating: Rating) -> TicketStory:
    """The customer rated the answer. The highest revision counts."""
    if story.rating is not None and story.rating.revision >= rating.revision:
        return story
    return replace(story, rating=rating)


def updated(story: TicketStory, channel: str, labels: Mapping[str, str]) -> TicketStory:
    """Facts changed."""
    return replace(story, channel=channel, is_excluded=excludes(labels))


def merged(story: TicketStory) -> TicketStory:
    """The ticket went up in another one."""
    return replace(story, status=TicketStatus.CLOSED, is_merged=True)


def baseline(
    known: TicketStory | None,
    *,
    moment: Moment,
    channel: str,
    labels: Mapping[str, str],
    status: TicketStatus,
    opened_at: datetime,
    is_opened_by_customer: bool,
    first_replied_at: datetime | None,
    solved_at: datetime | None,
    is_merged: bool,
) -> TicketStory:
    """The ticket as a snapshot has it. What was known already, and agrees, keeps its event and its credit.

    moment: of the snapshot; whatever it is the only witness of is known by its event
    """

    asked_at = known.asked_at if known else None
    if asked_at is None and is_opened_by_customer:
        asked_at = opened_at
    first_reply = known.first_reply if known else None
    if first_reply is None and first_replied_at is not None and asked_at is not None:
        first_reply = Moment(at=first_replied_at, event_id=moment.event_id)
    solved = known.solved if known else None
    if solved_at is None:
        solved = None
    elif solved is None or solved.at != solved_at:
        solved = Moment(at=solved_at, event_id=moment.event_id)
    return TicketStory(
        opened=known.opened if known else Moment(at=opened_at, event_id=moment.event_id),
        channel=channel,
        status=status,
        is_excluded=excludes(labels),
        is_merged=is_merged,
        asked_at=asked_at,
        first_reply=first_reply,
        solved=solved,
        rating=known.rating if known else None,
    )
