"""The inbound message: what every channel ends in. All code after normalisation is blind to the channel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.intake.domain.whatsapp import WhatsAppTemplate
from shared.vocabulary import AuthorKind, ChannelKind, MachineClass, Priority, Purpose


class IdentityKind(StrEnum):
    """By what a person is known. `external` is what another system calls them."""

    EMAIL = "email"
    PHONE = "phone"
    HANDLE = "handle"
    EXTERNAL = "external"


class Disposition(StrEnum):
    """What became of an inbound message."""

    OPENED = "opened"
    APPENDED = "appended"
    REOPENED = "reopened"
    DUPLICATE = "duplicate"
    DROPPED = "dropped"
    QUARANTINED = "quarantined"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An address, number or handle, normalised: e-mail with a lower-case domain, phone as E.164."""

    kind: IdentityKind
    value: str


def email_identity(address: str) -> Identity:
    """The identity behind a mail address: what stands before the @ is its server's affair."""
    local, at, domain = address.rpartition("@")
    return Identity(kind=IdentityKind.EMAIL, value=f"{local}{at}{domain.lower()}")


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
class Media:
    """A file of a message that is still with its provider.

    url: where it is fetched, or by what the provider knows it; media_type: as the provider says
    provider: who brought it, and whose credentials alone may open it; none where nobody vouches for it
    """

    url: str = field(repr=False)
    media_type: str = "application/octet-stream"
    filename: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chatted:
    """Of a visitor's message: the chat that it belongs to, and by what their page knows it.

    email: where mail reaches them, if they said so; page: where they were
    """

    conversation_id: UUID
    client_message_id: str
    email: str | None = field(default=None, repr=False)
    page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """One normalised message on its way in.

    dedupe_key: what recognises a repeat, unique in its channel; none where the sender gave nothing
    text: what the sender wrote; text_new: without what it quotes
    is_damaged: whether its text may not be what was written, as nobody knows its charset
    ticket_id: the ticket that the sender names; thread_ticket_ids: tickets that its threading points to,
    the strongest hint first; likely_ticket_ids: those that it joins only if its sender takes part there
    may_open: whether it opens a ticket where it joins none; machine mail may not
    is_released: whether no rule refuses it, as a person has let it in or it has to be kept
    belongs_to_closed: whether it stands in the ticket that it names where that is closed too, and changes nothing
    may_acknowledge: whether an automatic answer may go to its sender
    provider_message_id: the id that its channel knows it by; reply_to: where its sender wants the answer
    delivered_to: those of our addresses that it was sent to; invites: addresses of others whom it reached or
    that it wants answers to go to, in lower case: they take part in its ticket
    thread_key: by what its provider knows the conversation, exactly, such as a Slack thread or a chat
    continues: whether, where nothing else points to a ticket, it joins its sender's newest one of this channel
    that is not closed: texts have no threads; same_subject: the same, but only one with its subject
    media: files to be fetched; chat: of live chats
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
    is_damaged: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    priority: Priority | None = None
    language: str | None = None
    dedupe_key: str | None = None
    ticket_id: UUID | None = None
    thread_ticket_ids: tuple[UUID, ...] = ()
    likely_ticket_ids: tuple[UUID, ...] = ()
    machine: MachineClass = MachineClass.NONE
    may_open: bool = True
    is_released: bool = False
    belongs_to_closed: bool = False
    may_acknowledge: bool = True
    provider_message_id: str | None = None
    reply_to: str | None = None
    delivered_to: tuple[str, ...] = ()
    invites: tuple[str, ...] = ()
    thread_key: str | None = None
    continues: bool = False
    same_subject: bool = False
    media: tuple[Media, ...] = ()
    chat: Chatted | None = None
    sent_at: datetime | None = None


class MessageKind(StrEnum):
    """Which way a message goes."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    NOTE = "note"


class DeliveryState(StrEnum):
    """How far a message has got on its way out; `none` where no provider delivers it."""

    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    BOUNCED = "bounced"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMessage:
    """A reply, which the customer gets, or a note, which only the staff sees.

    entry: its place in the ticket's timeline
    purpose: what a reply is for; none for a note
    leaves: whether the channel sends it; otherwise it is there to be fetched
    template: the one that goes in its place, where WhatsApp takes nothing else
    recipient: where it goes, if not where its channel finds the customer
    stays_in_chat: whether a chat's visitor finds it there alone, even if they have left
    subject: its own, where it has another one than the ticket
    """

    workspace_id: str
    message_id: UUID
    ticket_id: UUID
    entry: int
    kind: MessageKind
    channel: str
    channel_kind: ChannelKind
    author_kind: AuthorKind
    author_id: str
    purpose: Purpose | None
    text: str
    html: str | None
    subject: str | None = None
    created_at: datetime
    leaves: bool
    template: WhatsAppTemplate | None = None
    recipient: str | None = None
    stays_in_chat: bool = False

    @property
    def delivery_state(self) -> DeliveryState:
        """Where it stands when it is stored."""
        leaves = self.kind is MessageKind.OUTBOUND and self.leaves
        return DeliveryState.QUEUED if leaves else DeliveryState.NONE
