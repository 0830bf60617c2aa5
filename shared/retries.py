"""When what did not leave is tried again: exponential pauses with full jitter."""

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_WISH = timedelta(hours=6)
"""However much later a provider wants to be asked again."""

_DOUBLINGS = 20


def jitter(message_id: UUID, attempt: int) -> float:
    """A number in [0, 1) that looks random and follows from a message and its attempt."""
    drawn = hashlib.blake2b(message_id.bytes + attempt.to_bytes(4, "big"), digest_size=8).digest()
    return (int.from_bytes(drawn, "big") >> 11) / 2**53


def longest_pause(attempt: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """The longest that is waited after so many failed attempts."""
    return min(longest, FIRST_PAUSE * (1 << min(max(attempt - 1, 0), _DOUBLINGS)))


def pause(
    message_id: UUID, attempt: int, wish: timedelta | None = None, *, longest: timedelta = LONGEST_PAUSE
) -> timedelta:
    """How long to wait after an attempt that failed, the first one being 1.

    wish: what the provider asked for; nobody comes sooner, and not all come at once
    """
    spread = longest_pause(attempt, longest) * jitter(message_id, attempt)
    return spread if wish is None else max(wish, timedelta()) + spread


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """What a `Retry-After` asks for, in seconds or as a date (RFC 9110, section 10.2.3); none if it is neither."""
    if header is None or len(header) > 100:
        return None
    seconds = header.strip()
    if seconds.isascii() and seconds.isdigit():
        return min(timedelta(seconds=min(int(seconds), 10**6)), LONGEST_WISH)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        # Numbers of any length, in a day, a year or an offset, are the parser's to read.
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(at - now, timedelta()), LONGEST_WISH)
