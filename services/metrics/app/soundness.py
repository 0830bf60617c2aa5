"""Refuses events of which no number can be made.

At once, and with them what follows of their subject: what waits in a ticket's row would otherwise come to light,
and be held against whatever other event brings it there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.errors import InvalidInput
from shared.events.contract import Contract
from shared.events.envelope import Event
from shared.events.routing import AgentSnapshotV1

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_NAMES = frozenset({"queue", "previous_queue", "queues", "channel", "agent_id", "author_id", "actor_id"})
_LONGEST_NAME = 200
_BEST_SCORE = 1000
_HIGHEST_TIER = 1000
_LONGEST_S = 1e10


def require_sound(event: Event) -> None:
    """Raises InvalidInput naming the field."""
    if not _FIRST <= event.time < _LAST:
        raise InvalidInput("time is out of range")
    assert isinstance(event.data, Contract)
    for name, value in _fields(event.data):
        if not _is_sound(name, value):
            raise InvalidInput(f"{name} is out of range")


def _fields(data: Contract) -> Iterator[tuple[str, object]]:
    if isinstance(data, AgentSnapshotV1):
        yield from data.profile
        return
    yield from data
    facts = getattr(data, "facts", None)
    if facts is not None:
        yield "channel", facts.channel


def _is_sound(name: str, value: object) -> bool:
    if isinstance(value, datetime):
        return _FIRST <= value < _LAST
    if isinstance(value, float):
        return 0 <= value <= _LONGEST_S
    if name == "support_tier":
        return isinstance(value, int) and 0 <= value <= _HIGHEST_TIER
    if name in ("score", "scale"):
        return isinstance(value, int) and 0 <= value <= _BEST_SCORE
    if name in _NAMES:
        names = value if isinstance(value, tuple) else (value,)
        return all(one is None or (isinstance(one, str) and _is_name(one)) for one in names)
    return True


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and "\0" not in text
