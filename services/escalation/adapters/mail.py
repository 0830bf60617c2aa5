"""Notifications to staff by mail: facts only, what the customer wrote stays where it is."""

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from services.escalation.domain.notification import Notification

_LINES = (
    ("Ticket", "ticket_number"),
    ("Metric", "metric"),
    ("Priority", "priority"),
    ("Queue", "queue"),
    ("Agent", "agent_id"),
    ("Escalation policy", "policy"),
    ("Level", "level"),
    ("Escalation", "escalation_id"),
)


def mail_of(notification: Notification, sender: str) -> EmailMessage:
    """The mail of a notification, with the same Message-ID at every attempt."""
    facts = notification.payload
    metric = str(facts["metric"]).replace("_", " ") if facts["metric"] else "by hand"
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = notification.address
    mail["Subject"] = f"Ticket {facts['ticket_number']} is escalated: {metric}, level {facts['level']}"
    mail["Date"] = format_datetime(notification.created_at)
    mail["Message-ID"] = f"<{notification.notification_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    lines = [f"{label}: {facts[name]}" for label, name in _LINES if facts.get(name) is not None]
    mail.set_content("\n".join([f"Ticket {facts['ticket_number']} needs somebody.", "", *lines, ""]))
    return mail
