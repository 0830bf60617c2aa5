"""What intake shows: tickets by what they are, their timelines, customers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.intake.app.client_ports import CustomerHistory
from services.intake.app.ports import CustomerKey, TicketKey
from services.intake.domain.customer import Customer
from services.intake.domain.message import DeliveryState, Disposition, Identity, MessageKind
from services.intake.domain.reachability import Reachability
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, MachineClass, Priority, Purpose, TicketStatus

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Which tickets are asked for: those that fit every part that is given.

    labels: each as key and value; text: words that stand in the subject or in one message, all of them
    """

    number: int | None = None
    statuses: Sequence[TicketStatus] = ()
    queue: str | None = None
    assignee_id: str | None = None
    customer_id: UUID | None = None
    labels: Collection[tuple[str, str]] = ()
    priorities: Collection[Priority] = ()
    channel: str | None = None
    text: str | None = None
    opened_after: datetime | None = None
    opened_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How far a message has got on its way out. next_attempt_at: while it is queued"""

    state: DeliveryState
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None


class AttachmentState(StrEnum):
    """Whether a file is here: it may still be with its provider, or never come."""

    STORED = "stored"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttachment:
    """A file that came with a message. content_id: by which its HTML shows it.

    problem: why it is not here, after the first attempt to fetch it
    """

    attachment_id: UUID
    filename: str
    media_type: str
    size: int
    content_id: str | None
    is_inline: bool
    state: AttachmentState = AttachmentState.STORED
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message as it is shown. Its text is personal data: it is never logged.

    is_damaged: whether its text may not be what was written
    delivered_to: those of our addresses that it was sent to
    """

    message_id: UUID
    ticket_id: UUID
    kind: MessageKind
    channel: str
    channel_kind: ChannelKind
    author_kind: ActorKind | AuthorKind
    author_id: str | None
    author_name: str | None
    customer_id: UUID | None
    is_public: bool
    machine: MachineClass
    purpose: Purpose | None
    subject: str | None
    text: str = field(repr=False)
    text_new: str = field(repr=False)
    html: str | None = field(repr=False)
    is_damaged: bool
    disposition: Disposition | None
    sent_at: datetime | None
    created_at: datetime
    delivery: Delivery | None
    delivered_to: Sequence[str] = ()
    attachments: Sequence[ShownAttachment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvent:
    """What a service told about a ticket."""

    type: str
    service: str
    subject: str
    sequence: int
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in a timeline: a message, or an event.

    entry: numbers the entries of one ticket in the order in which they were stored
    """

    at: datetime
    entry: int
    ticket_id: UUID
    entry_id: UUID
    message: ShownMessage | None = None
    event: ShownEvent | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """What timelines are sorted by."""
        return (self.at - EPOCH) // _MICROSECOND, self.entry, str(self.ticket_id)


class Tickets(Protocol):
    """Tickets to look at."""

    async def find(
        self, tx: Tx, workspace_id: str, wanted: TicketFilter, before: int | None, most: int
    ) -> list[Ticket]:
        """The newest tickets that fit, of those with a number below `before`."""
        ...

    async def get(self, tx: Tx, key: TicketKey) -> Ticket:
        """One ticket. Raises NotFound."""
        ...


class Timelines(Protocol):
    """What happened to tickets."""

    async def page(self, tx: Tx, key: TicketKey, after: tuple[int, int, str] | None, most: int) -> list[Entry]:
        """The next entries by time, with the messages of tickets that went up in this one."""
        ...

    async def news(self, tx: Tx, key: TicketKey, after: int, most: int) -> list[Entry]:
        """The entries that were stored after this one, in that order."""
        ...

    async def message(self, tx: Tx, key: tuple[str, UUID]) -> ShownMessage:
        """One message. Raises NotFound."""
        ...


class Customers(Protocol):
    """Customers to look at."""

    async def find(
        self, tx: Tx, workspace_id: str, values: Collection[str] | None, before: UUID | None, most: int
    ) -> list[tuple[Customer, list[Identity]]]:
        """The newest customers, or those with an identity of one of these values; before one of them."""
        ...

    async def get(self, tx: Tx, key: CustomerKey) -> tuple[Customer, list[Identity]]:
        """One customer, or who they turned out to be. Raises NotFound."""
        ...

    async def reachability(
        self, tx: Tx, workspace_id: str, identities: Collection[Identity]
    ) -> Mapping[Identity, Reachability]:
        """Which of these cannot be mailed, or not by itself."""
        ...

    async def history(self, tx: Tx, key: CustomerKey) -> list[CustomerHistory]:
        """What was done to a customer as a whole, the oldest first."""
        ...
