"""Which calls somebody has to come back to, and what their tickets are labelled with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.call import CallSummary
from services.intake.domain.conversation import Place
from services.intake.domain.ticket import Ticket
from shared.vocabulary import CallOutcome, TicketStatus

LABEL = "call_outcome"
SHORT = "short_abandoned"
"""The label's value where a caller left so soon that nobody need call back."""

PATIENCE = timedelta(seconds=10)
"""How long what comes late is waited for: who calls, and what happened before a call's short end."""


UNREACHED = frozenset({CallOutcome.ABANDONED, CallOutcome.MISSED})
"""Callers who have reached nobody and left nothing behind: they may be told that their call was seen."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Owed:
    """A call that somebody has to come back to: of several the last one to end counts."""

    ended_at: datetime
    call_id: UUID
    outcome: CallOutcome


def is_short(call: CallSummary, cut_off: timedelta) -> bool:
    """Whether the caller left before anybody can be blamed for it."""
    return call.outcome is CallOutcome.ABANDONED and call.waited_s <= cut_off.total_seconds()


def is_followed_up(call: CallSummary, cut_off: timedelta) -> bool:
    """Whether the caller did not get what they called for."""
    return call.outcome is not CallOutcome.ANSWERED and not is_short(call, cut_off)


def label_of(owed: Iterable[Owed]) -> str | None:
    """What a ticket is labelled with, of its calls that are followed up: the outcome of the last one."""
    latest = max(owed, default=None)
    return latest.outcome.value if latest else None


def place_call(newest: Ticket | None, now: datetime, reopens_within: timedelta) -> Place:
    """Where a call goes, of whose caller this is the newest ticket of the channel that is not closed."""
    if newest is None or newest.status is TicketStatus.CLOSED:
        return Place(ticket=None)
    if newest.solved_at is not None and now - newest.solved_at > reopens_within:
        return Place(ticket=None, follow_up_of=newest.ticket_id)
    return Place(ticket=newest)
