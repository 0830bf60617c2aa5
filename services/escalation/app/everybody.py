"""From the contacts of a configuration to who belongs where."""

from collections import defaultdict

from services.escalation.app.configuration import EscalationPart
from services.escalation.domain.people import People


def to_people(part: EscalationPart) -> People:
    """Everybody who can be told, by team, queue and manager."""
    teams: dict[str, list[str]] = defaultdict(list)
    queues: dict[str, list[str]] = defaultdict(list)
    for contact in sorted(part.contacts, key=lambda contact: contact.agent):
        for team in contact.teams:
            teams[team].append(contact.agent)
        for queue in contact.queues:
            queues[queue].append(contact.agent)
    return People(
        teams=dict(teams),
        queues=dict(queues),
        managers={contact.agent: contact.manager for contact in part.contacts if contact.manager},
        queue_managers={item.queue: item.manager for item in part.queue_managers},
    )
