"""Queues as they are written in a configuration."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from services.router.app.agent_parts import Name
from services.router.domain.queue import OfferMode, Queue, Ranking
from shared.configuration import Problem
from shared.durations import Duration
from shared.http.types import Request, Slug


class QueuePart(Request):
    """A queue: how what waits in it is given out."""

    id: Slug
    name: Name = ""
    rank: int = Field(default=50, ge=1, le=100, description="An agent in several queues serves the lowest first.")
    ranking: Ranking = Ranking.LONGEST_IDLE
    offer_mode: OfferMode = OfferMode.ASK
    offer_timeout: Duration = timedelta(seconds=120)
    wrap_up: Duration = timedelta()
    return_after: Duration = timedelta(minutes=15)


def to_queue(queue: QueuePart) -> Queue:
    """What the engine knows of a queue."""
    return Queue(
        queue_id=queue.id,
        name=queue.name,
        rank=queue.rank,
        ranking=queue.ranking,
        offer_mode=queue.offer_mode,
        offer_timeout=queue.offer_timeout,
        wrap_up=queue.wrap_up,
        return_after=queue.return_after,
    )


def queue_problems(place: str, queue: QueuePart) -> Iterator[Problem]:
    """Rules that one queue breaks."""
    if not timedelta(seconds=1) <= queue.offer_timeout <= timedelta(days=1):
        yield f"{place}/offer_timeout", "between 1s and 1d"
