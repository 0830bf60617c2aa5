"""What intake's use-cases need of the world.

Whatever is loaded to be changed is locked, in the one order that everybody keeps: identities, customers,
tickets, the rest, each by id.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.chat import Conversation
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition, Identity, InboundMessage, Sender, StaffMessage
from services.intake.domain.notice import Planned
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.vocabulary import ChannelKind

IdentityKey = tuple[str, Identity]
"""Workspace and identity."""

TicketKey = tuple[str, UUID]
"""Workspace and ticket."""

CustomerKey = tuple[str, UUID]
"""Workspace and customer."""

DedupeKey = tuple[str, str, str]
"""Workspace, channel and what recognises a repeat there."""


ThreadKey = tuple[str, str, str]
"""Workspace, channel and by what its provider knows a conversation."""

SenderKey = tuple[str, UUID, str]
"""Workspace, customer and channel."""

Presence = tuple[str, UUID, str]
"""Workspace, ticket and the address of somebody who takes part in it, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one inbound message."""

    ticket_id: UUID | None
    ticket_number: int | None
    message_id: UUID
    disposition: Disposition
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What rules read of the message that opened a ticket. is_known: whether its sender wrote before."""

    text: str = ""
    sender: Sender = field(default_factory=lambda: Sender(identity=None))
    is_known: bool = False
    is_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """An inbound message in its place.

    attachment_ids: of the files that its media become
    """

    message: InboundMessage
    channel_kind: ChannelKind
    ticket_id: UUID
    customer_id: UUID
    entry: int
    is_public: bool
    disposition: Disposition
    received_at: datetime
    attachment_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An event in its place in the timeline of a ticket. `entry` is 0 where the ticket is not known."""

    ticket_id: UUID
    entry: int
    event: Event


class Tickets(Protocol):
    """Tickets as they stand."""

    async def locate(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        """Locks tickets by the id that was asked for; a merged one is followed to where it went."""
        ...

    async def lines(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        """As `locate`, and one that is solved or closed is followed to the tickets that go on with it.

        Of those an unsolved one is found before a solved one, and the newest before the others.
        """
        ...

    async def lock_tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Ticket]:
        """Locks just these tickets."""
        ...

    async def take_numbers(self, tx: Tx, counts: Mapping[str, int]) -> dict[str, int]:
        """The first of so many ticket numbers, by workspace."""
        ...

    async def add_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """New tickets."""
        ...

    async def save_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """Changed tickets; whoever watches them is woken."""
        ...

    async def add_told(self, tx: Tx, told: Sequence[Told]) -> None:
        """Events, for the timelines of tickets. One that stands there already stays."""
        ...


class Customers(Protocol):
    """Customers, and the identities that point to them."""

    async def lock_customers(self, tx: Tx, keys: Collection[IdentityKey]) -> dict[IdentityKey, Customer]:
        """The customers behind identities that are known; the identities are locked."""
        ...

    async def customers(self, tx: Tx, keys: Collection[CustomerKey]) -> dict[CustomerKey, Customer]:
        """Customers by their id, not locked."""
        ...

    async def add_customers(self, tx: Tx, customers: Mapping[IdentityKey | UUID, Customer]) -> None:
        """New customers, by the identity that points to them, or by their id where nobody can say who they are.

        Raises Collision where somebody else was faster with an identity.
        """
        ...


class Messages(Protocol):
    """Messages in and out."""

    async def receipts(self, tx: Tx, keys: Collection[DedupeKey]) -> dict[DedupeKey, Receipt]:
        """What became of messages that were received before. One that was refused and not let in has no ticket."""
        ...

    async def add_refusals(self, tx: Tx, refusals: Mapping[DedupeKey, Receipt]) -> None:
        """Messages that a rule lets open no ticket, by what they are known again.

        Raises Collision where somebody else was faster with a dedupe key.
        """
        ...

    async def reopenings(
        self, tx: Tx, tickets: Collection[TicketKey], senders: Collection[CustomerKey], since: datetime
    ) -> Mapping[TicketKey | CustomerKey, int]:
        """How often these tickets were reopened, and these customers reopened any, after a moment."""
        ...

    async def add_messages(self, tx: Tx, messages: Sequence[StoredMessage]) -> None:
        """New inbound messages; their media wait to be fetched.

        Raises Collision where somebody else was faster with a dedupe key.
        """
        ...


class Threads(Protocol):
    """By what messages find their tickets beside what they say themselves."""

    async def threads(self, tx: Tx, keys: Collection[ThreadKey]) -> Mapping[ThreadKey, UUID]:
        """The tickets that these conversations were last about."""
        ...

    async def newest_tickets(
        self, tx: Tx, senders: Collection[SenderKey]
    ) -> Mapping[SenderKey, Sequence[tuple[UUID, str]]]:
        """Tickets of each in the channel that are not closed, the newest first, with their subjects.

        The customers are locked.
        """
        ...

    async def present(self, tx: Tx, asked: Mapping[Presence, UUID | None]) -> set[Presence]:
        """Who of these takes part, as customer or by address, in a ticket or in one that it goes on with.

        asked: with the customers that they are
        """
        ...

    async def add_presences(self, tx: Tx, presences: Collection[Presence]) -> None:
        """These take part from now on."""
        ...

    async def keep_threads(
        self, tx: Tx, threads: Mapping[ThreadKey, UUID], before: Mapping[ThreadKey, UUID]
    ) -> None:
        """The tickets that conversations are about from now on.

        before: what they were about when they were looked up
        Raises Collision where somebody else was faster.
        """
        ...


class NoticePlans(Protocol):
    """What customers will be told without anybody writing it."""

    async def plan_notices(self, tx: Tx, planned: Sequence[Planned]) -> None:
        """Keeps when notices are due. One that was sent stays as it is; one that was not is due anew."""
        ...


class Conversations(Tickets, Customers, Messages, Threads, NoticePlans, Protocol):
    """All that receiving a message touches."""


class Correspondence(Tickets, Customers, NoticePlans, Protocol):
    """What the staff's commands touch."""

    async def add_staff_message(self, tx: Tx, message: StaffMessage) -> None:
        """A reply or a note. A reply that leaves is queued for delivery."""
        ...

    async def opening(self, tx: Tx, key: TicketKey) -> Opening:
        """Of the message that opened a ticket; empty without one."""
        ...

    async def asked_at(self, tx: Tx, key: TicketKey) -> datetime | None:
        """When the customer of a WhatsApp ticket last wrote by its channel."""
        ...

    async def chat_of(self, tx: Tx, key: TicketKey) -> Conversation | None:
        """The conversation by whose state answers to this ticket go."""
        ...

    async def save_subject(self, tx: Tx, ticket: Ticket) -> None:
        """Makes a ticket's subject as it is now one that it is found by."""
        ...


class Workspaces(Protocol):
    """The configuration of workspaces."""

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Mapping[str, Workspace]:
        """The configuration that holds in each workspace, as of this transaction."""
        ...
