"""A message on its way out, and what can come of an attempt to send it. Blind to the provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.segments import MAX_SEGMENTS, segments
from services.intake.domain.whatsapp import OUTSIDE_WINDOW, WhatsAppTemplate, is_open
from services.intake.domain.workspace import Channel
from shared.vocabulary import AuthorKind, ChannelKind, Purpose

LONGEST = {ChannelKind.WHATSAPP: 4096, ChannelKind.SLACK: 40_000}
"""Characters that a kind of channel takes in one message."""

FILES_BY_MAIL = "files leave by mail only"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file that leaves with a message. content_id: by which its HTML shows it."""

    filename: str
    media_type: str
    sha256: bytes
    size: int
    content_id: str | None = None
    is_inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to send, with what it is made of.

    recipient: whom the answer is for; none where nobody knows
    reply_to: where they want it, as their provider knows them
    thread_key: by what the provider knows the conversation
    asked_at: when the customer last wrote by this channel
    answers: the id of the message that it answers; references: of the conversation so far, the oldest first
    attempts: begun so far, this one included; queued_at: when it was to leave first
    round: how often the staff had it sent again, which starts attempts anew
    """

    workspace_id: str
    message_id: UUID
    ticket_id: UUID
    ticket_number: int
    channel: str
    channel_kind: ChannelKind
    attempts: int
    round: int = 0
    queued_at: datetime
    author_kind: AuthorKind
    purpose: Purpose = Purpose.REPLY
    language: str | None = None
    subject: str = field(repr=False)
    has_subject: bool = False
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    recipient: Identity | None = field(default=None, repr=False)
    reply_to: str | None = field(default=None, repr=False)
    thread_key: str | None = None
    asked_at: datetime | None = None
    answers: str | None = None
    references: tuple[str, ...] = ()
    template: WhatsAppTemplate | None = field(default=None, repr=False)
    files: tuple[OutgoingFile, ...] = ()
    is_opted_out: bool = False

    @property
    def key(self) -> tuple[str, UUID]:
        """Workspace and message."""
        return self.workspace_id, self.message_id

    @property
    def lane(self) -> tuple[str, str]:
        """Workspace and channel."""
        return self.workspace_id, self.channel

    @property
    def to(self) -> str | None:
        """Where it goes."""
        return self.reply_to or (self.recipient.value if self.recipient else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The provider has it.

    provider_id: by what it knows the message, where it says so; what it tells about it later is known by that
    reference: the Message-ID by which answers by mail find it
    """

    provider_id: str | None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """It did not go, or nobody knows; it may in a while.

    after: how long the provider asks us to wait; holds: whether nothing else can leave by this channel till then
    """

    reason: str
    after: timedelta | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """It will not go."""

    reason: str


Outcome = Taken | Later | Never


def obstacle(outgoing: Outgoing, channel: Channel | None, now: datetime) -> Later | Never | None:
    """What keeps a message from leaving before any provider is asked."""
    is_mail = outgoing.channel_kind is ChannelKind.EMAIL
    if channel is not None and channel.has_lost_secrets and not is_mail:
        # Those of a mail channel fetch and receive; what leaves goes through our own server.
        return Later(reason="the channel's secrets were sealed with another key", holds=True)
    if is_mail and (channel is None or channel.address is None):
        return Never(reason="the channel has no address any more")
    if channel is None or not channel.sends:
        return Never(reason="the channel has no provider that sends any more")
    if outgoing.to is None and outgoing.thread_key is None:
        return Never(reason=f"nobody knows the customer's {_WHERE.get(outgoing.channel_kind, 'address')}")
    if outgoing.is_opted_out:
        return Never(reason="the customer has opted out")
    if outgoing.files and not is_mail:
        return Never(reason=FILES_BY_MAIL)
    if problem := text_problem(outgoing.channel_kind, outgoing.text, outgoing.template):
        return Never(reason=problem)
    if outgoing.channel_kind is ChannelKind.WHATSAPP and outgoing.template is None:
        return None if is_open(outgoing.asked_at, now) else Never(reason=OUTSIDE_WINDOW)
    return None


def text_problem(kind: ChannelKind, text: str, template: WhatsAppTemplate | None = None) -> str | None:
    """Why a kind of channel does not take a text, if it does not."""
    if template is not None:
        return None if kind is ChannelKind.WHATSAPP else "only WhatsApp has templates"
    if kind is ChannelKind.SMS and segments(text)[1] > MAX_SEGMENTS:
        return f"the text is longer than {MAX_SEGMENTS} segments"
    if len(text) > LONGEST.get(kind, len(text)):
        return f"the text is longer than {LONGEST[kind]} characters"
    return None


def answerable(kind: ChannelKind, writer: Identity | None, known: Mapping[IdentityKind, str]) -> Identity | None:
    """Whom an answer by a kind of channel is for: who wrote, if they can be reached by it, else who is known."""
    wanted = _REACHED_BY.get(kind)
    if writer is not None and (wanted is None or writer.kind in wanted):
        return writer
    kinds = wanted or (IdentityKind.HANDLE, IdentityKind.PHONE, IdentityKind.EMAIL)
    return next((Identity(kind=one, value=known[one]) for one in kinds if one in known), None)


_NUMBERS = (IdentityKind.PHONE, IdentityKind.HANDLE)
_REACHED_BY = {
    ChannelKind.EMAIL: (IdentityKind.EMAIL,),
    ChannelKind.SMS: _NUMBERS,
    ChannelKind.WHATSAPP: _NUMBERS,
    ChannelKind.SLACK: (IdentityKind.HANDLE,),
}
_WHERE = {ChannelKind.SMS: "number", ChannelKind.WHATSAPP: "number", ChannelKind.SLACK: "Slack channel"}
