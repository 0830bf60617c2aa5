"""Who is told by an escalation step, found at the moment when it is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.escalation.domain.escalation_policy import Contact, Notify, Webhook


class Way(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to tell.

    address: a mail address or a webhook's id; none where nobody was found
    name: the agent or webhook that the policy names, or the address itself
    """

    way: Way
    name: str
    address: str | None


def recipients_of(
    step: Notify, contacts: Mapping[str, Contact], webhooks: Mapping[str, Webhook]
) -> tuple[Recipient, ...]:
    """Everybody that a step names, once each, also those who cannot be reached."""
    found: dict[tuple[Way, str], Recipient] = {}
    for agent in step.agents:
        address = contacts[agent].email if agent in contacts else None
        found.setdefault((Way.MAIL, address or agent), Recipient(way=Way.MAIL, name=agent, address=address))
    for email in step.emails:
        found.setdefault((Way.MAIL, email), Recipient(way=Way.MAIL, name=email, address=email))
    for webhook in step.webhooks:
        known = webhook if webhook in webhooks else None
        found.setdefault((Way.WEBHOOK, webhook), Recipient(way=Way.WEBHOOK, name=webhook, address=known))
    return tuple(found.values())
