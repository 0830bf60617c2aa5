"""What a message says: one notification, or many in one, of which the first are shown and the rest counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MOST_SHOWN = 20
"""Of more notifications than these the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Item:
    """What one notification says. facts: its payload"""

    created_at: datetime
    facts: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of a message's notifications are alike."""

    policy: str
    queue: str | None
    metric: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a message says.

    total: notifications in it; shown: the first of them, at least one; counts: of all of them, the largest
    first, where not all are shown
    """

    total: int
    shown: tuple[Item, ...]
    counts: tuple[Count, ...] = ()

    @property
    def hidden(self) -> int:
        """How many are only counted."""
        return self.total - len(self.shown)
