"""To which numbers callers are told that their call was seen.

Whoever calls says from where, and each message costs: nobody can have us write to numbers that pay them, or to
countries where the channel has no callers.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a number tells of itself.

    region: its country; None where no country has such a number
    is_costly: whether its holder earns by what is sent to it
    """

    region: str | None
    is_costly: bool = False


def bars_text(line: Line, home: str | None, others: Collection[str]) -> str | None:
    """Why nothing is sent to a number, by the number itself. home: the channel's country; others: those let in"""
    if line.is_costly:
        return "costly_number"
    if line.region is None or (line.region != home and line.region not in others):
        return "foreign_number"
    return None
