"""Telling somebody of a step that was taken: one notification for each recipient and way, and its whole fate."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.escalation.domain.escalation_policy import Urgency
from services.escalation.domain.recipient import Reach, Way
from shared.calendar import Calendar


class NotificationState(StrEnum):
    """Where a notification stands. All but pending are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DISABLED = "disabled"
    NO_RECIPIENT = "no_recipient"
    OBSOLETE = "obsolete"
    """Somebody had taken it on, or it was over, before it went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What one recipient is told of one step, by one way.

    ticket_id: none where the escalation is about no ticket
    name: whom the policy names; address: where they are, none where nobody was found
    payload: facts only, no personal data
    otherwise: by which ways they are told should this one fail; instead_of: the one that failed before
    held_until: the end of their quiet hours, where it waits for that
    send_at: when it goes into a message, at the earliest; none once it is in one
    message_id: the message that it went into, alone or with others
    """

    notification_id: UUID
    workspace_id: str
    ticket_id: UUID | None
    escalation_id: UUID
    way: Way
    name: str
    address: str | None
    payload: dict[str, object] = field(repr=False)
    urgency: Urgency = Urgency.HIGH
    otherwise: tuple[Reach, ...] = ()
    instead_of: UUID | None = None
    state: NotificationState
    held_until: datetime | None = None
    send_at: datetime | None
    message_id: UUID | None = None
    detail: str | None = None
    created_at: datetime
    finished_at: datetime | None = None


def held_until(urgency: Urgency, quiet_outside: Calendar | None, now: datetime) -> datetime | None:
    """Until when somebody is left in peace; none where they are told at once.

    quiet_outside: whose closed time is quiet; it opens again, or nothing is held
    """
    if urgency is Urgency.HIGH or quiet_outside is None:
        return None
    is_open, turns_at = quiet_outside.standing(now)
    return None if is_open else turns_at


def by_the_next_way(failed: Notification, notification_id: UUID, now: datetime) -> Notification | None:
    """The notification that takes the place of one that has failed, at once; none where there is no other way."""
    if not failed.otherwise:
        return None
    reach, *further = failed.otherwise
    return _in_place_of(failed, reach, tuple(further), notification_id, now)


def tried_again(failed: Notification, notification_id: UUID, now: datetime) -> Notification:
    """The notification that takes the place of one that has failed, by the same way."""
    assert failed.address is not None, "whoever was not found cannot be told"
    reach = Reach(way=failed.way, address=failed.address)
    return _in_place_of(failed, reach, failed.otherwise, notification_id, now)


def _in_place_of(
    failed: Notification, reach: Reach, otherwise: tuple[Reach, ...], notification_id: UUID, now: datetime
) -> Notification:
    return replace(
        failed,
        notification_id=notification_id,
        way=reach.way,
        address=reach.address,
        otherwise=otherwise,
        instead_of=failed.notification_id,
        state=NotificationState.PENDING,
        held_until=None,
        send_at=now,
        message_id=None,
        detail=None,
        created_at=now,
        finished_at=None,
    )
