"""Partners as they are written in a configuration: a queue stands for each of them."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from services.router.domain.agent import AgentProfile, ChannelLimit
from services.router.domain.partner import Partner, partner_id
from shared.configuration import Problem, unknown
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.secrets import Secret
from shared.standard_webhooks import hmac_key
from shared.vocabulary import ChannelKind

_SHORTEST_KEY = 24
"""Bytes, as Standard Webhooks has it."""
_ANSWER = timedelta(seconds=10), timedelta(days=7)
_DONE = timedelta(minutes=1), timedelta(days=90)


class PartnerPart(Request):
    """The outside partner that a queue stands for: where it is told, and what was agreed with it."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(
        description="Work orders are posted there, signed as Standard Webhooks are."
    )
    secret: Secret = Field(description="What they are signed with, `whsec_…`; stored and shown sealed.")
    answer_within: Duration = timedelta(minutes=30)
    done_within: Duration | None = None
    fallback: Slug = Field(description="The queue of the house that takes what the partner does not.")
    at_most: int = Field(default=100, ge=1, le=10_000, description="Work orders that it has at once.")


def to_partner(queue: str, part: PartnerPart) -> AgentProfile:
    """The agent that stands for a partner: every work order takes one of its places, whatever its channel."""
    limit = ChannelLimit(cost=1, most=part.at_most)
    return AgentProfile(
        agent_id=partner_id(queue),
        name=queue,
        queues=frozenset({queue}),
        capacity=part.at_most,
        limits=dict.fromkeys(ChannelKind, limit),
        partner=Partner(
            queue=queue,
            fallback=part.fallback,
            done_within=part.done_within,
            url=part.url,
            secret=part.secret,
        ),
    )


def partner_problems(
    place: str, queue: str, part: PartnerPart, *, queues: Collection[str], outsourced: frozenset[str]
) -> Iterator[Problem]:
    """Rules that one queue's partner breaks. outsourced: the queues that stand for partners"""
    yield from unknown(f"{place}/fallback", [part.fallback], queues, "queue")
    if part.fallback == queue:
        yield f"{place}/fallback", "is the partner's own queue: name one that the house serves"
    elif part.fallback in outsourced:
        yield f"{place}/fallback", "stands for a partner too: name one that the house serves"
    if not part.secret.is_sealed and len(hmac_key(part.secret) or b"") < _SHORTEST_KEY:
        yield f"{place}/secret", "write whsec_ and a key in base64, such as `openssl rand -base64 32` makes"
    yield from _bounds(f"{place}/answer_within", part.answer_within, *_ANSWER, "between 10s and 7d")
    if part.done_within is not None:
        yield from _bounds(f"{place}/done_within", part.done_within, *_DONE, "between 1m and 90d")


def _bounds(place: str, given: timedelta, least: timedelta, most: timedelta, words: str) -> Iterator[Problem]:
    if not least <= given <= most:
        yield place, words
