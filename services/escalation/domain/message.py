"""Messages: what really goes to a person or a system, once or until it is taken, for one notification or many."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.escalation.domain.notification import NotificationState
from services.escalation.domain.recipient import Way

ATTEMPTS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""How long before each attempt; after the last one it has failed. (Standard Webhooks' own schedule.)"""
ATTEMPTS_BEFORE_ANOTHER_WAY = 3
"""Whoever can be told in another way does not wait for hours."""


class Answer(StrEnum):
    """What an attempt came to."""

    UNDER_WAY = "under_way"
    """Or cut off, where a later attempt has begun: then nobody knows whether it arrived."""
    TAKEN = "taken"
    DEFERRED = "deferred"
    """Not now: it is tried again."""
    REFUSED = "refused"
    GONE = "gone"
    """The other side wants nothing more there (410)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An attempt's end.

    code: the status of HTTP or the reply of SMTP; detail: why it was not taken, without personal data
    wish: how long the other side asks to be left alone
    """

    answer: Answer
    code: int | None = None
    detail: str | None = None
    wish: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient.

    message_id: that of the first notification in it
    attempts: begun so far; detail: why the last one failed
    """

    message_id: UUID
    workspace_id: str
    way: Way
    address: str
    state: NotificationState = NotificationState.PENDING
    attempts: int = 0
    next_attempt_at: datetime | None
    detail: str | None = None
    created_at: datetime
    finished_at: datetime | None = None


def settled(message: Message, outcome: Outcome, now: datetime, *, has_another_way: bool) -> Message:
    """The message after an attempt.

    has_another_way: everybody in it can be told otherwise
    """
    match outcome.answer:
        case Answer.TAKEN:
            return _over(message, NotificationState.SENT, None, now)
        case Answer.GONE:
            return _over(message, NotificationState.DISABLED, outcome.detail, now)
        case Answer.REFUSED:
            return _over(message, NotificationState.FAILED, outcome.detail, now)
        case _:
            most = ATTEMPTS_BEFORE_ANOTHER_WAY if has_another_way else len(ATTEMPTS)
            if message.attempts >= most:
                return _over(message, NotificationState.FAILED, outcome.detail, now)
            pause = max(ATTEMPTS[message.attempts], outcome.wish or timedelta())
            return replace(message, next_attempt_at=now + pause, detail=outcome.detail)


def _over(message: Message, state: NotificationState, detail: str | None, now: datetime) -> Message:
    return replace(message, state=state, next_attempt_at=None, detail=detail, finished_at=now)
