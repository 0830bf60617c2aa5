"""Tickets, messages and timelines as they are shown, and what is asked to change in them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.intake.adapters.watching import Passing
from services.intake.api.schemas import LabelValue, Subject
from services.intake.api.templates import TemplateRequest
from services.intake.app.queries import AttachmentState, Entry, ShownEvent, ShownMessage
from services.intake.domain.message import DeliveryState, Disposition, MessageKind
from services.intake.domain.segments import Encoding
from services.intake.domain.ticket import Ticket
from shared.http.types import Request, Slug
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, MachineClass, Priority, Purpose, TicketStatus

SettableStatus = Literal[
    TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.ON_HOLD, TicketStatus.SOLVED, TicketStatus.CLOSED
]
"""`new` is left once and never set."""

AuthorId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]
VariableValue = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
WrittenHtml = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
AttachmentIds = Annotated[list[UUID], Field(max_length=20, json_schema_extra={"uniqueItems": True})]
WrittenText = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]


class TicketResource(BaseModel):
    """A ticket as it stands. `sources` says who set the priority and each label."""

    ticket_id: UUID
    number: int
    status: TicketStatus
    priority: Priority
    labels: dict[str, str]
    sources: dict[str, str]
    subject: str
    channel: str
    channel_kind: ChannelKind
    customer_id: UUID
    language: str | None
    opened_by: ActorKind
    opened_at: datetime
    updated_at: datetime
    follow_up_of: UUID | None
    merged_into: UUID | None
    first_replied_at: datetime | None
    solved_at: datetime | None
    close_due_at: datetime | None
    closed_at: datetime | None
    assignee_id: str | None
    queue: str | None
    support_tier: int | None
    version: int

    @classmethod
    def of(cls, ticket: Ticket) -> Self:
        """As it is shown."""
        return cls.model_validate(ticket, from_attributes=True)


class TicketPatch(Request):
    """What is to change; what is missing or null stays. Labels are merged, null takes one away."""

    status: SettableStatus | None = None
    priority: Priority | None = None
    labels: Annotated[dict[Slug, LabelValue | None], Field(max_length=50)] = {}
    subject: Subject | None = None


class DeliveryResource(BaseModel):
    """How far a message has got on its way out. `next_attempt_at` is there while it is queued."""

    state: DeliveryState
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None


class AttachmentResource(BaseModel):
    """A file that came with a message; `/v1/tickets/{ticket_id}/attachments/{attachment_id}` has it."""

    attachment_id: UUID
    filename: str
    media_type: str
    size: int
    content_id: str | None
    is_inline: bool
    state: AttachmentState = Field(
        default=AttachmentState.STORED, description="`waiting` and `failed`: its provider has it still."
    )
    problem: str | None = Field(default=None, description="Why it is not here.")


class MessageResource(BaseModel):
    """A message of a customer, a reply, or a note. `text_new` is what was written, without what it quotes."""

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
    text: str
    text_new: str
    html: str | None
    is_damaged: bool = Field(
        default=False,
        description="The text may not be what was written: letters are missing or guessed, as nobody knows the"
        " charset of a mail.",
    )
    disposition: Disposition | None
    sent_at: datetime | None
    created_at: datetime
    delivery: DeliveryResource | None
    delivered_to: list[str] = []
    attachments: list[AttachmentResource] = []

    @classmethod
    def of(cls, message: ShownMessage) -> Self:
        """As it is shown."""
        return cls.model_validate(message, from_attributes=True)


class WhatsAppTemplateRequest(Request):
    """A template of WhatsApp's: free text goes only within 24 hours of the customer's last message."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=512)] = Field(
        description="Meta's name of it, or Twilio's content SID."
    )
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8}){0,3}$")]
    variables: Annotated[dict[VariableName, VariableValue], Field(max_length=50)] = Field(
        default={}, description="By their number, or by their name."
    )


class ReplyRequest(Request):
    """An answer to the customer: a text, HTML, or a template. HTML alone gets a text made of it."""

    text: WrittenText | None = None
    html: WrittenHtml | None = Field(
        default=None, description="Scripts, forms, styles and remote images are taken out of it."
    )
    template: TemplateRequest | None = None
    attachment_ids: AttachmentIds = Field(default=[], description="Of `/v1/attachments`.")
    status: SettableStatus | None = Field(default=None, description="The ticket's status with this answer.")
    author_id: AuthorId | None = Field(default=None, description="The agent who answers; by default the caller.")
    author_kind: Literal[AuthorKind.AGENT, AuthorKind.BOT] = Field(
        default=AuthorKind.AGENT, description="Only an agent's answer stops the clocks of a promised reply."
    )
    whatsapp_template: WhatsAppTemplateRequest | None = Field(
        default=None, description="Sent in the text's place, which is what the timeline shows."
    )


class NoteRequest(Request):
    """A note for the staff: a text, or HTML, which gets a text made of it."""

    text: WrittenText | None = None
    html: WrittenHtml | None = Field(
        default=None, description="Scripts, forms, styles and remote images are taken out of it."
    )
    attachment_ids: AttachmentIds = Field(default=[], description="Of `/v1/attachments`.")
    author_id: AuthorId | None = Field(default=None, description="Who notes it; by default the caller.")


class SegmentsResource(BaseModel):
    """In how many parts a text message is sent."""

    encoding: Encoding
    count: int


class ReplyReceipt(BaseModel):
    """A stored reply or note, and the ticket's status with it. `segments` is there for text messages."""

    message: MessageResource
    delivery: DeliveryResource
    ticket_status: TicketStatus
    segments: SegmentsResource | None = None


class MergeRequest(Request):
    """Where a ticket goes up."""

    into: UUID


class MergeReceipt(BaseModel):
    """Both tickets after the merge."""

    source: TicketResource
    target: TicketResource


class EventResource(BaseModel):
    """What a service told about the ticket."""

    type: str
    service: str
    subject: str
    sequence: int
    data: dict[str, Any]


class EntryResource(BaseModel):
    """A place in a timeline: a message, a note, or an event.

    entry: numbers the entries of one ticket as they were stored; the stream's `id`
    """

    id: UUID
    entry: int
    at: datetime
    kind: Literal["message", "note", "event"]
    ticket_id: UUID
    message: MessageResource | None = None
    event: EventResource | None = None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """As it is shown."""
        message = entry.message
        is_note = message is not None and message.kind is MessageKind.NOTE
        return cls(
            id=entry.entry_id,
            entry=entry.entry,
            at=entry.at,
            kind="note" if is_note else ("message" if message else "event"),
            ticket_id=entry.ticket_id,
            message=MessageResource.of(message) if message else None,
            event=_event(entry.event) if entry.event else None,
        )


class PassingResource(BaseModel):
    """Something that happens at a ticket and is not kept: `is_typing`, or read up to `message_id`."""

    author_kind: Literal[ActorKind.CUSTOMER, ActorKind.AGENT]
    author_id: str | None
    is_typing: bool | None = None
    message_id: UUID | None = None

    @classmethod
    def of(cls, passing: Passing) -> Self:
        """As it is shown."""
        return cls.model_validate(passing, from_attributes=True)


class TypingRequest(Request):
    """Whether somebody of the staff is writing an answer."""

    is_typing: bool = True
    author_id: AuthorId | None = Field(default=None, description="The agent; by default the caller.")


class ReadRequest(Request):
    """Up to where the customer's messages are read."""

    message_id: UUID | None = Field(default=None, description="The newest that is read; by default all.")


def _event(event: ShownEvent) -> EventResource:
    return EventResource(
        type=event.type,
        service=event.service,
        subject=event.subject,
        sequence=event.sequence,
        data=dict(event.data),
    )
