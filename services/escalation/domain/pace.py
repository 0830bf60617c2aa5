"""How often one person is written to: once at once, and in a storm at longer and longer intervals.

Whatever waits for somebody goes in one message. The pause between two messages doubles with the number that went
within the last ten minutes: 5, 10, 20, 40 seconds and so on. So nobody ever gets more than eight in ten minutes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)
MOST_IN_WINDOW = 8
"""Follows from the doubling: the pause behind the eighth message is the whole window."""
_FIRST_PAUSE = timedelta(seconds=5)


def pause_after(sent: int) -> timedelta:
    """How long after the last message the next one goes, where so many went within the window."""
    return min(_FIRST_PAUSE * 2 ** (sent - 1), WINDOW) if sent else timedelta()


def next_message_at(sent_at: Sequence[datetime]) -> datetime | None:
    """When the next message to somebody may go; none where nothing stands against it.

    sent_at: when the last ones went, the oldest first; those that left the window long ago do not matter
    """
    if not sent_at:
        return None
    last, count = sent_at[-1], len(sent_at)
    # The more of them have left the window, the shorter the pause: the earliest moment that fits counts.
    left_at = [last, *(at + WINDOW for at in sent_at)]
    return min(max(since, last + pause_after(count - gone)) for gone, since in enumerate(left_at))
