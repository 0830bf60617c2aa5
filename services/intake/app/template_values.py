"""What fills the variables of templates."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.intake.domain.customer import Customer
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace

SAMPLES = {
    "customer.name": "Ada Lovelace",
    "ticket.number": "1001",
    "ticket.subject": "It does not print",
    "ticket.opened_at": "2026-03-02 09:30 UTC",
    "agent.name": "Grace Hopper",
    "channel.name": "Support",
    "reply_expected_by": "2026-03-02 13:30 UTC",
    "survey.link": "https://support.example.com/s/sample",
}
"""For a look at a template without a ticket."""


def values_of(
    ticket: Ticket,
    customer: Customer,
    workspace: Workspace,
    *,
    agent_id: str | None,
    reply_due_at: datetime | None = None,
    survey_link: str | None = None,
) -> dict[str, str]:
    """What is known of the built-in variables, written as people read it."""
    zone = _zone(customer.time_zone)
    channel = workspace.channels.get(ticket.channel)
    known = {
        "customer.name": customer.name,
        "ticket.number": str(ticket.number),
        "ticket.subject": ticket.subject,
        "ticket.opened_at": _shown(ticket.opened_at, zone),
        "agent.name": workspace.staff.get(agent_id, agent_id) if agent_id else None,
        "channel.name": channel.name if channel else None,
        "reply_expected_by": _shown(reply_due_at, zone) if reply_due_at else None,
        "survey.link": survey_link,
    }
    return {name: value for name, value in known.items() if value}


def _shown(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
