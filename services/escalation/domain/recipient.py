"""Who is told by an escalation step, found at the moment when it is taken."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.escalation.domain.escalation_policy import Contact, Notify


class Way(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    CHAT = "chat"
    WEBHOOK = "webhook"


PEOPLE = (Way.MAIL, Way.CHAT)
"""Ways to people, who want few messages; systems want every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One way to somebody. address: a mail address, or the id of a chat or webhook"""

    way: Way
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to tell.

    address: as of a reach; none where nobody was found
    name: the agent, chat or webhook that the policy names, or the address itself
    otherwise: by which ways they are told should this one fail, in their own order
    """

    way: Way
    name: str
    address: str | None
    otherwise: tuple[Reach, ...] = ()


def person(agent: str, contact: Contact | None) -> Recipient:
    """An agent as somebody to tell, in the order that they chose; where they have no address nobody was found."""
    reaches = _reaches(contact) if contact else ()
    if not reaches:
        return Recipient(way=Way.MAIL, name=agent, address=None)
    first, *further = reaches
    return Recipient(way=first.way, name=agent, address=first.address, otherwise=tuple(further))


def recipients_of(
    step: Notify, contacts: Mapping[str, Contact], webhooks: Collection[str], chats: Collection[str] = ()
) -> tuple[Recipient, ...]:
    """Everybody that a step names, once each, also those who cannot be reached."""
    named = [
        *(person(agent, contacts.get(agent)) for agent in step.agents),
        *(Recipient(way=Way.MAIL, name=email, address=email) for email in step.emails),
        *(Recipient(way=Way.CHAT, name=chat, address=chat if chat in chats else None) for chat in step.chats),
        *(
            Recipient(way=Way.WEBHOOK, name=webhook, address=webhook if webhook in webhooks else None)
            for webhook in step.webhooks
        ),
    ]
    found: dict[tuple[Way, str], Recipient] = {}
    for recipient in named:
        found.setdefault((recipient.way, recipient.address or recipient.name), recipient)
    return tuple(found.values())


def _reaches(contact: Contact) -> tuple[Reach, ...]:
    known = {
        "email": Reach(way=Way.MAIL, address=contact.email) if contact.email else None,
        "chat": Reach(way=Way.CHAT, address=contact.chat) if contact.chat else None,
    }
    order = contact.notify_by or tuple(known)
    return tuple(reach for name in order if (reach := known[name]) is not None)
