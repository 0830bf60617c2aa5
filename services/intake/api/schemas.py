"""Intake's requests and answers."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from services.intake.domain.message import Disposition
from shared.http.types import Request, Slug
from shared.vocabulary import Priority

Email = Annotated[str, StringConstraints(pattern=r"^[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,189}$")]
Labels = Annotated[dict[Slug, Annotated[str, StringConstraints(max_length=200)]], Field(max_length=50)]


class From(Request):
    """Who a message is from: at least one of these."""

    email: Email | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ().\-/]{3,30}$")] | None = None
    handle: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.phone or self.handle or self.name):
            raise ValueError("one of email, phone, handle or name is needed")
        return self


class MessageRequest(Request):
    """One normalised message."""

    channel: Slug = Field(description="The configured channel; `api` is always there.")
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=400)] | None = Field(
        default=None, description="Recognises a repeat: unique in its channel."
    )
    sender: From = Field(alias="from")
    subject: Annotated[str, StringConstraints(max_length=1000)] = ""
    text: Annotated[str, StringConstraints(max_length=500_000)]
    html: Annotated[str, StringConstraints(max_length=500_000)] | None = None
    labels: Labels = {}
    priority: Priority | None = None
    ticket_id: UUID | None = None
    sent_at: AwareDatetime | None = None


class MessageReceipt(BaseModel):
    """What became of a message."""

    ticket_id: UUID | None
    ticket_number: int | None
    message_id: UUID
    disposition: Disposition
    reason: str | None = None
