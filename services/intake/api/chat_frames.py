"""The frames of a live chat: small JSON objects, each with its `type`. There are no others."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from shared.http.types import Email
from shared.strict_json import loads

MOST_BYTES = 16_384
"""Of one frame."""

MOST_CHARACTERS = 4000
"""Of one message."""

_CLIENT_MESSAGE_ID = re.compile("[A-Za-z0-9_-]{1,64}")
ClientMessageId = Annotated[str, StringConstraints(pattern=f"^{_CLIENT_MESSAGE_ID.pattern}$")]
Seq = Annotated[int, Field(ge=0, lt=2**53)]


class Frame(BaseModel):
    """A frame: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hello(Frame):
    """The first frame of every connection: which channel's widget this is, and what it had before."""

    type: Literal["hello"]
    public_key: Annotated[str, StringConstraints(max_length=64)]
    visitor_token: Annotated[str, StringConstraints(max_length=4096)] | None = Field(default=None, repr=False)
    resume_token: Annotated[str, StringConstraints(max_length=256)] | None = Field(default=None, repr=False)
    last_seq: Seq = 0
    page: Annotated[str, StringConstraints(max_length=2000)] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$")] | None = None


class Message(Frame):
    """Something the visitor says. The same id says the same once more, and is stored once."""

    type: Literal["message"]
    client_message_id: ClientMessageId
    text: Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=r"\S")] = Field(
        repr=False
    )


class Typing(Frame):
    """Whether the visitor is writing."""

    type: Literal["typing"]
    is_typing: bool = True


class Received(Frame):
    """The visitor's page has everything up to here."""

    type: Literal["received"]
    up_to_seq: Seq


class Read(Frame):
    """The visitor has seen everything up to here."""

    type: Literal["read"]
    up_to_seq: Seq


Wish = Literal["transcript", "end"]
"""What a visitor can ask for. It has an answer, and may be asked for again without one."""


class Transcript(Frame):
    """The visitor wants a transcript by mail when the chat ends."""

    type: Literal["transcript"]
    email: Email | None = Field(default=None, repr=False)


class End(Frame):
    """The visitor is done."""

    type: Literal["end"]


class Ping(Frame):
    """Are you there? Both sides may ask."""

    type: Literal["ping"] = "ping"


class Pong(Frame):
    """Yes."""

    type: Literal["pong"] = "pong"


Asked = Hello | Message | Typing | Received | Read | Transcript | End | Ping | Pong

_ASKED: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="type")])


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """A frame that says something which nobody can take: a message of this id, or a wish."""

    client_message_id: str | None = None
    about: Wish | None = None


def parse(text: str) -> Asked | Unacceptable | None:
    """A visitor's frame; None for anything that is none."""
    try:
        encoded = text.encode()
        return _ASKED.validate_python(loads(encoded)) if len(encoded) <= MOST_BYTES else None
    except (ValidationError, ValueError):
        return _unacceptable(text)


def _unacceptable(text: str) -> Unacceptable | None:
    try:
        value = loads(text.encode(), replaces=True)
    except ValueError:
        return None
    match value:
        case {"type": "message", "client_message_id": str(known)} if _CLIENT_MESSAGE_ID.fullmatch(known):
            return Unacceptable(known)
        case {"type": "transcript"}:
            return Unacceptable(about="transcript")
        case _:
            return None


class ChatSettings(Frame):
    """How the channel wants its widget."""

    name: str | None
    greeting: str
    transcript: bool
    language: str | None
    most_characters: int = MOST_CHARACTERS


class Welcome(Frame):
    """The answer to `hello`. A conversation that the visitor's page does not know begins anew there.

    seq: the number of its last message; open: whether it is going on
    read_up_to: what the staff has read of it
    """

    type: Literal["welcome"] = "welcome"
    conversation_id: str
    resume_token: str = Field(repr=False)
    seq: int
    open: bool
    read_up_to: int
    settings: ChatSettings


class Ack(Frame):
    """A visitor's message is stored for good."""

    type: Literal["ack"] = "ack"
    client_message_id: str
    seq: int
    at: datetime


class Noted(Frame):
    """A visitor's wish is kept."""

    type: Literal["noted"] = "noted"
    about: Wish


class Said(Frame):
    """A message of the conversation: they come in the order of their numbers, without gaps.

    text: plain, to be shown as it is; client_message_id: of the visitor's own
    """

    type: Literal["message"] = "message"
    seq: int
    author_kind: Literal["visitor", "agent", "bot", "system"]
    author_name: str | None
    client_message_id: str | None
    text: str = Field(repr=False)
    at: datetime


class StaffTyping(Frame):
    """Whether somebody is writing an answer."""

    type: Literal["typing"] = "typing"
    is_typing: bool


class StaffRead(Frame):
    """The staff has read everything up to here."""

    type: Literal["read"] = "read"
    up_to_seq: int


class Status(Frame):
    """How the conversation stands."""

    type: Literal["status"] = "status"
    status: Literal["waiting", "joined", "solved", "closed_idle", "ended"]


class Error(Frame):
    """Something was not done. client_message_id: of the message that was not taken; about: the wish that was not

    retry_after_s: when the same may be asked again; without it, never
    """

    type: Literal["error"] = "error"
    code: Literal["unavailable", "rate_limited", "refused", "no_conversation", "busy", "visitor_token"]
    client_message_id: str | None = None
    about: Wish | None = None
    retry_after_s: float | None = None


Told = Welcome | Ack | Noted | Said | StaffTyping | StaffRead | Status | Error | Ping | Pong
