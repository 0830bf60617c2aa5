"""Whom a step that was taken tells, and what: a notification for each recipient, also for those out of reach."""

from datetime import datetime

from services.escalation.domain.escalation import Escalation, Taken
from services.escalation.domain.notification import Notification, NotificationState
from services.escalation.domain.recipient import Recipient
from services.escalation.domain.ticket import Ticket
from shared.ids import IdFactory


def notifications_of(
    escalation: Escalation, taken: Taken, *, ticket: Ticket, now: datetime, ids: IdFactory
) -> list[Notification]:
    """What the recipients of a step are told."""
    payload = _facts(escalation, taken, ticket)
    return [_notification(escalation, recipient, payload, now, ids) for recipient in taken.recipients]


def _notification(
    escalation: Escalation, recipient: Recipient, payload: dict[str, object], now: datetime, ids: IdFactory
) -> Notification:
    is_found = recipient.address is not None
    return Notification(
        notification_id=ids.new(),
        workspace_id=escalation.workspace_id,
        ticket_id=escalation.ticket_id,
        escalation_id=escalation.escalation_id,
        way=recipient.way,
        name=recipient.name,
        address=recipient.address,
        payload=payload,
        state=NotificationState.PENDING if is_found else NotificationState.NO_RECIPIENT,
        next_attempt_at=now if is_found else None,
        created_at=now,
        finished_at=None if is_found else now,
    )


def _facts(escalation: Escalation, taken: Taken, ticket: Ticket) -> dict[str, object]:
    """Ids and attributes: no personal data, no text."""
    return {
        "escalation_id": str(escalation.escalation_id),
        "ticket_id": str(escalation.ticket_id),
        "ticket_number": ticket.number,
        "trigger": escalation.trigger,
        "metric": escalation.metric,
        "policy": escalation.policy,
        "step": taken.step,
        "level": taken.level,
        "priority": ticket.facts.priority if ticket.facts else None,
        "queue": ticket.queue,
        "agent_id": ticket.agent_id,
    }
