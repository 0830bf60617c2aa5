"""Requests and answers about inbound messages."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.intake.app.ports import Receipt
from services.intake.domain.message import Disposition
from shared.http.problems import FieldProblem
from shared.http.types import Email, Instant, Request, Slug
from shared.vocabulary import Priority

Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ().\-/]{1,28}[0-9]$")]
Handle = Annotated[str, StringConstraints(min_length=1, max_length=200)]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Subject = Annotated[str, StringConstraints(max_length=1000)]
Body = Annotated[str, StringConstraints(max_length=500_000)]
LabelValue = Annotated[str, StringConstraints(max_length=200)]
Labels = Annotated[dict[Slug, LabelValue], Field(max_length=50)]

_KNOWN_BY = ("email", "phone", "handle", "name")


class From(Request):
    """Who a message is from: at least one of these. The first that is there says who it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in _KNOWN_BY]
        }
    )

    email: Email | None = None
    phone: Phone | None = None
    handle: Handle | None = None
    name: PersonName | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.phone or self.handle or self.name):
            raise ValueError("one of email, phone, handle or name is needed")
        return self


class MessageRequest(Request):
    """One normalised message."""

    channel: Slug = Field(description="The configured channel; `api` is there until channels are configured.")
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=400)] | None = Field(
        default=None, description="Recognises a repeat: unique in its channel."
    )
    sender: From = Field(alias="from")
    subject: Subject = ""
    text: Body
    html: Body | None = None
    labels: Labels = {}
    priority: Priority | None = None
    ticket_id: UUID | None = Field(
        default=None, description="The ticket that it belongs to; a closed one is continued by a new one."
    )
    sent_at: Instant | None = Field(default=None, description="What the sender says; shown only.")


class MessageReceipt(BaseModel):
    """What became of a message."""

    ticket_id: UUID | None
    ticket_number: int | None
    message_id: UUID
    disposition: Disposition
    reason: str | None = None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """As it is answered."""
        return cls(
            ticket_id=receipt.ticket_id,
            ticket_number=receipt.ticket_number,
            message_id=receipt.message_id,
            disposition=receipt.disposition,
            reason=receipt.reason,
        )


class BatchOutcome(BaseModel):
    """What became of one item of a batch. A rejected one says why, and left nothing behind."""

    disposition: Disposition
    ticket_id: UUID | None = None
    ticket_number: int | None = None
    message_id: UUID | None = None
    reason: str | None = None
    errors: list[FieldProblem] = []


class BatchReceipt(BaseModel):
    """An outcome for each item, in their order."""

    items: list[BatchOutcome]
