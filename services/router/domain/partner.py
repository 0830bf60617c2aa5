"""Partners: an outside party that a queue stands for.

To the engine a partner is one more agent, made from the queue's configuration: always available, in that queue
alone, with room for so many work orders. So offers, capacity, deadlines and records are the same for both.
"""

from dataclasses import dataclass, field
from datetime import timedelta

_PREFIX = "partner:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What a partner has that an agent of the house has not.

    done_within: from accepting a work order until it falls back to the house; none: it may take any time
    fallback: the queue of the house that takes what the partner does not
    url, secret: where and how it is told, the secret sealed. To the engine another address is another vendor, and
        nothing more
    """

    queue: str
    fallback: str
    done_within: timedelta | None = None
    url: str = ""
    secret: str = field(default="", repr=False)


def partner_id(queue: str) -> str:
    """The id of a queue's partner among agents. No slug holds a colon: no person can have it."""
    return f"{_PREFIX}{queue}"


def queue_of_partner(agent_id: str) -> str | None:
    """The queue that stands for this partner; none for a person."""
    return agent_id.removeprefix(_PREFIX) if agent_id.startswith(_PREFIX) else None
