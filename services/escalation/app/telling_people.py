"""Whom a step that was taken tells, and what: a notification for each recipient, also for those out of reach."""

from datetime import datetime

from services.escalation.domain.escalation import Escalation, Taken
from services.escalation.domain.escalation_policy import Notify, Urgency
from services.escalation.domain.notification import Notification, NotificationState, held_until
from services.escalation.domain.recipient import PEOPLE, Recipient
from services.escalation.domain.sla_policy import Policies
from services.escalation.domain.ticket import Ticket
from shared.calendar import Calendar
from shared.ids import IdFactory


def notifications_of(
    escalation: Escalation,
    taken: Taken,
    *,
    ticket: Ticket | None,
    policies: Policies,
    now: datetime,
    ids: IdFactory,
) -> list[Notification]:
    """What the recipients of a step are told.

    ticket: what the escalation is about, where it is about one; policies: those that hold now
    """
    payload = _facts(escalation, taken, ticket)
    urgency = taken.action.urgency if isinstance(taken.action, Notify) else Urgency.HIGH
    told = []
    for recipient in taken.recipients:
        is_found = recipient.address is not None
        held = held_until(urgency, _quiet_outside(recipient, policies), now) if is_found else None
        told.append(
            Notification(
                notification_id=ids.new(),
                workspace_id=escalation.workspace_id,
                ticket_id=ticket.ticket_id if ticket else None,
                escalation_id=escalation.escalation_id,
                way=recipient.way,
                name=recipient.name,
                address=recipient.address,
                payload=payload,
                urgency=urgency,
                otherwise=recipient.otherwise,
                state=NotificationState.PENDING if is_found else NotificationState.NO_RECIPIENT,
                held_until=held,
                send_at=held or now if is_found else None,
                created_at=now,
                finished_at=None if is_found else now,
            )
        )
    return told


def _quiet_outside(recipient: Recipient, policies: Policies) -> Calendar | None:
    """The calendar whose closed time is quiet for somebody. Systems never sleep."""
    if recipient.way not in PEOPLE:
        return None
    contact = policies.contacts.get(recipient.name)
    return (contact and contact.quiet_outside) or policies.quiet_outside


def _facts(escalation: Escalation, taken: Taken, ticket: Ticket | None) -> dict[str, object]:
    """Ids and attributes: no personal data, no text."""
    facts = ticket.facts if ticket else None
    return {
        "escalation_id": str(escalation.escalation_id),
        "ticket_id": str(ticket.ticket_id) if ticket else None,
        "ticket_number": ticket.number if ticket else None,
        "trigger": escalation.trigger,
        "metric": escalation.metric,
        "policy": escalation.policy,
        "step": taken.step,
        "level": taken.level,
        "priority": facts.priority if facts else None,
        "queue": ticket.queue if ticket else escalation.queue,
        **({"kpi": escalation.kpi} if escalation.kpi else {}),
        "agent_id": ticket.agent_id if ticket else None,
        "handed_over_to": list(taken.handed_over_to),
    }
