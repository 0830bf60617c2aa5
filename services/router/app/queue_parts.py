"""Queues as they are written in a configuration."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from services.router.app.agent_parts import Name
from services.router.app.hour_parts import Hours, opening_problems
from services.router.app.partner_parts import PartnerPart
from services.router.domain.order import Order, OrderBy
from services.router.domain.queue import SCORE_FIELDS, OfferMode, Overflow, Queue, Ranking
from shared.calendar_parts import HoursPart
from shared.condition_steps import names_read
from shared.conditions import MAX_LENGTH, compile_expression
from shared.configuration import Problem, unknown
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind, Priority

_SCORE_STEPS = 3000
"""What one score may take, a millisecond at worst: each agent of the queue is scored at each change of load."""


class OverflowPart(Request):
    """Who helps out with what has waited for long."""

    after: Duration
    to: Slug = Field(description="The queue whose agents help out.")


class QueuePart(Request):
    """A queue: how what waits in it is given out."""

    id: Slug
    name: Name = ""
    rank: int = Field(default=50, ge=1, le=100, description="An agent in several queues serves the lowest first.")
    order: OrderBy = Field(default=OrderBy.PRIORITY, description="Which of its items is given out first.")
    priority_points: dict[Priority, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default={}, description="With the order `score`: what a priority is worth, in minutes of waiting."
    )
    ageing: Duration | None = Field(
        default=None,
        description="With the order `ageing`: how long a wait is worth one priority; else 30 minutes.",
    )
    reserve: int = Field(
        default=0, ge=0, le=100, description="So many of its agents are kept free from others' work."
    )
    ranking: Ranking = Ranking.LONGEST_IDLE
    score: Annotated[str, StringConstraints(max_length=MAX_LENGTH)] | None = Field(
        default=None, description="With the ranking `score`: a CEL expression over `agent` and `work`."
    )
    offer_mode: OfferMode = OfferMode.ASK
    offer_timeout: Duration = timedelta(seconds=120)
    asked_at_once: int = Field(default=1, ge=1, le=50, description="The first who accepts has it.")
    wrap_up: Duration | dict[ChannelKind, Duration] = Field(
        default=timedelta(), description="One for all, or by kind of channel."
    )
    return_after: Duration = timedelta(minutes=15)
    reconnect_within: Duration = timedelta(seconds=60)
    hours: HoursPart | Slug | None = Field(
        default=None, description="When it is open, or the id of a calendar; none: always."
    )
    closed_to: Slug | None = Field(
        default=None, description="The queue that new and escalated work goes to meanwhile."
    )
    overflow: OverflowPart | None = Field(default=None, description="Who helps out with what has waited long.")
    partner: PartnerPart | None = Field(default=None, description="The outside partner that serves it.")


def to_queue(queue: QueuePart, hours: Hours) -> Queue:
    """What the engine knows of a queue. Its partner, if any, is one of the agents."""
    return Queue(
        queue_id=queue.id,
        name=queue.name,
        rank=queue.rank,
        order=_order(queue),
        reserve=queue.reserve,
        ranking=queue.ranking,
        score=compile_expression(queue.score, SCORE_FIELDS) if queue.score is not None else None,
        offer_mode=queue.offer_mode,
        offer_timeout=queue.partner.answer_within if queue.partner else queue.offer_timeout,
        asked_at_once=queue.asked_at_once,
        wrap_up=queue.wrap_up if isinstance(queue.wrap_up, timedelta) else timedelta(),
        wrap_up_by=queue.wrap_up if isinstance(queue.wrap_up, dict) else {},
        return_after=queue.return_after,
        hours=hours.opening(queue.hours),
        closed_to=queue.closed_to,
        overflow=Overflow(after=queue.overflow.after, to=queue.overflow.to) if queue.overflow else None,
        reconnect_within=queue.reconnect_within,
    )


_OF_AGENTS = ("offer_mode", "offer_timeout", "asked_at_once", "reserve", "ranking", "score")
"""What says how the agents of a queue are asked."""


def _order(queue: QueuePart) -> Order:
    usual = zip(Priority, Order().points, strict=True)
    points = tuple(queue.priority_points.get(priority, worth) for priority, worth in usual)
    return Order(by=queue.order, points=points, ageing=queue.ageing or Order().ageing)


def queue_problems(place: str, queue: QueuePart, *, skills: Collection[str], written: bool) -> Iterator[Problem]:
    """Rules that one queue breaks. skills: of the workspace

    written: somebody writes it now: what its score may cost, and the skills that it reads, count too
    """
    if queue.partner is not None:
        for name in _OF_AGENTS:
            if getattr(queue, name) != QueuePart.model_fields[name].default:
                yield f"{place}/{name}", "leave it out: the partner alone is asked, for `partner.answer_within`"
    if not timedelta(seconds=1) <= queue.offer_timeout <= timedelta(days=1):
        yield f"{place}/offer_timeout", "between 1s and 1d"
    if queue.return_after > timedelta(days=30):
        yield f"{place}/return_after", "at most 30d"
    if queue.reconnect_within > timedelta(days=1):
        yield f"{place}/reconnect_within", "at most 1d"
    wrap_ups = queue.wrap_up.values() if isinstance(queue.wrap_up, dict) else [queue.wrap_up]
    if any(wrap_up > timedelta(days=1) for wrap_up in wrap_ups):
        yield f"{place}/wrap_up", "at most 1d"
    if queue.ageing is not None and not timedelta(minutes=1) <= queue.ageing <= timedelta(days=30):
        yield f"{place}/ageing", "between 1m and 30d"
    if queue.priority_points and queue.order is not OrderBy.SCORE:
        yield f"{place}/priority_points", "read with `order: score` only"
    if queue.ageing is not None and queue.order is not OrderBy.AGEING:
        yield f"{place}/ageing", "read with `order: ageing` only"
    if queue.ranking is Ranking.SCORE and queue.score is None:
        yield (
            f"{place}/score",
            "say what agents are ranked by, or choose another ranking",
        )
    if queue.score is not None:
        if queue.ranking is not Ranking.SCORE:
            yield f"{place}/score", "read with `ranking: score` only"
        if written:
            read = dict.fromkeys(name for name, _ in names_read(queue.score, "agent", "skills"))
            yield from unknown(f"{place}/score", read, skills, "skill")
        try:
            compile_expression(queue.score, SCORE_FIELDS, written=written, most=_SCORE_STEPS)
        except ValueError as error:
            yield f"{place}/score", str(error)


def hours_problems(
    place: str, queue: QueuePart, queues: Mapping[str, QueuePart], *, calendars: Collection[str]
) -> Iterator[Problem]:
    """What is wrong with when a queue is open, and with who stands in or helps out."""
    yield from opening_problems(f"{place}/hours", queue.hours, calendars=calendars)
    if queue.closed_to is not None:
        yield from unknown(f"{place}/closed_to", [queue.closed_to], queues, "queue")
        if _is_outsourced(queue.closed_to, queues):
            yield (
                f"{place}/closed_to",
                (
                    f"{queue.closed_to} stands for a partner: name a queue of the house, or send work there"
                    " by a rule that asks a calendar"
                ),
            )
        if queue.hours is None:
            yield f"{place}/closed_to", "it never closes: give it `hours`, or leave this out"
        yield from _circle(place, queue, queues)
    if queue.overflow is not None:
        yield from unknown(f"{place}/overflow/to", [queue.overflow.to], queues, "queue")
        if queue.overflow.to == queue.id:
            yield f"{place}/overflow/to", "its own agents are asked anyhow: name another queue"
        elif _is_outsourced(queue.overflow.to, queues):
            yield (
                f"{place}/overflow/to",
                (
                    f"{queue.overflow.to} stands for a partner, who has no agents to help out: name a queue"
                    " of the house, or move work there by a step's `queue`"
                ),
            )
        if not timedelta(seconds=1) <= queue.overflow.after <= timedelta(days=30):
            yield f"{place}/overflow/after", "between 1s and 30d"


def _is_outsourced(queue_id: str, queues: Mapping[str, QueuePart]) -> bool:
    return queue_id in queues and queues[queue_id].partner is not None


def _circle(place: str, queue: QueuePart, queues: Mapping[str, QueuePart]) -> Iterator[Problem]:
    way = [queue.id]
    at: QueuePart | None = queue
    while at is not None and at.closed_to is not None:
        if at.closed_to == queue.id:
            yield f"{place}/closed_to", f"leads in a circle: {' to '.join([*way, queue.id])}"
        if at.closed_to in way:
            return
        way.append(at.closed_to)
        at = queues.get(at.closed_to)
