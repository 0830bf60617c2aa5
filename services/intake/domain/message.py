"""The inbound message: what every channel ends in. All code after normalisation is blind to the channel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.vocabulary import MachineClass, Priority


class IdentityKind(StrEnum):
    """By what a person is known."""

    EMAIL = "email"
    PHONE = "phone"
    HANDLE = "handle"


class Disposition(StrEnum):
    """What became of an inbound message."""

    OPENED = "opened"
    APPENDED = "appended"
    REOPENED = "reopened"
    DUPLICATE = "duplicate"
    DROPPED = "dropped"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An address, number or handle, normalised: e-mail with a lower-case domain, phone as E.164."""

    kind: IdentityKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a message says it is from. Saying so proves nothing.

    identity: none where only a name is known
    is_verified: whether the provider vouches for it
    """

    identity: Identity | None
    name: str | None = None
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """One normalised message on its way in.

    dedupe_key: what recognises a repeat, unique in its channel; none where the sender gave nothing
    text: what the sender wrote; text_new: without what it quotes
    ticket_id: the ticket that the sender names; thread_ticket_ids: tickets that its threading points to,
    the strongest hint first
    sent_at: the sender's claim, shown only
    """

    workspace_id: str
    message_id: UUID
    channel: str
    sender: Sender
    subject: str
    text: str
    text_new: str
    html: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    priority: Priority | None = None
    language: str | None = None
    dedupe_key: str | None = None
    ticket_id: UUID | None = None
    thread_ticket_ids: tuple[UUID, ...] = ()
    machine: MachineClass = MachineClass.NONE
    sent_at: datetime | None = None
