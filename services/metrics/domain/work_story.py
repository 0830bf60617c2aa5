"""What metrics remembers of a work item from its own events: where it stood, from when on."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a work item stood from a moment on.

    waiting_since: when its stint in the queue began; none while it does not wait
    """

    at: datetime
    event_id: UUID
    queue: str
    support_tier: int
    agent_id: str | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStory:
    """One work item: its stands in their order."""

    stands: tuple[Stand, ...] = ()


def stood(story: WorkStory, stand: Stand) -> WorkStory:
    """The item stands somewhere else now, or with somebody else."""
    return replace(story, stands=(*story.stands, stand))


def requeued(story: WorkStory, stand: Stand, *, is_new_stint: bool) -> WorkStory:
    """The item waits again. A stint that goes on keeps its beginning."""
    last = story.stands[-1] if story.stands else None
    since = last.waiting_since if last and not is_new_stint else None
    return stood(story, replace(stand, waiting_since=since or stand.at))


def ended(story: WorkStory, at: datetime, event_id: UUID, queue: str) -> WorkStory:
    """The item needs nobody any more. It keeps the place where it ended."""
    last = story.stands[-1] if story.stands else None
    tier = last.support_tier if last else 1
    return stood(story, Stand(at=at, event_id=event_id, queue=queue, support_tier=tier))


def baseline(known: WorkStory, queued: Stand, then: Stand | None) -> WorkStory:
    """The item as a snapshot has it, behind what was known before it was queued."""
    before = tuple(stand for stand in known.stands if stand.at < queued.at)
    return WorkStory(stands=(*before, queued, *([then] if then else [])))
