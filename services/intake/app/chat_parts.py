"""How a channel's chats are configured."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, WithJsonSchema

from services.intake.domain.chat import ChatOffer
from shared.configuration import Problem
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.secrets import MOST_OF_A_SECRET, Secret
from shared.vocabulary import ChannelKind

Origin = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://[a-zA-Z0-9.-]{1,253}(:[0-9]{1,5})?$|^https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?$"
    ),
]

SHORTEST = timedelta(seconds=30)
"""Whether a visitor is there is noted every twenty seconds."""


_SHORTEST_SECRET = 32


def _long_enough(secret: Secret) -> Secret:
    # A sealed one is longer than what it holds, which was checked when it was written.
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"has at least {_SHORTEST_SECRET} characters")
    return secret


SiteSecret = Annotated[
    Secret,
    AfterValidator(_long_enough),
    WithJsonSchema({"type": "string", "minLength": _SHORTEST_SECRET, "maxLength": MOST_OF_A_SECRET}),
]


class ChatPart(Request):
    """Live chat on web pages."""

    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")] = Field(
        description="What the widget's script tag shows: it says that a page means this channel, and no more."
    )
    origins: Annotated[tuple[Origin, ...], Field(min_length=1, max_length=50)] = Field(
        description="The sites on which the widget may stand, as `https://www.example.com`."
    )
    secrets: Annotated[tuple[SiteSecret, ...], Field(max_length=2)] = Field(
        default=(), description="What the site signs its visitors' tokens with, 32 characters or more."
    )
    greeting: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="", description="Shown before the first message."
    )
    subject: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        default="Chat", description="Of its tickets, and of mails about them."
    )
    idle_after: Duration = Field(
        default=timedelta(minutes=15), description="How long a chat waits for its visitor until it ends."
    )
    abandon_after: Duration = Field(
        default=timedelta(minutes=2),
        description="How long a visitor may be gone before the first human reply until the chat is abandoned.",
    )
    transcript: StrictBool = Field(default=False, description="Whether visitors may have a transcript by mail.")
    mail_channel: Slug | None = Field(
        default=None, description="By which transcripts leave, and answers to visitors who have gone."
    )
    agent_names: Annotated[
        dict[Slug, Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=1000)
    ] = Field(default={}, description="By what visitors know agents; without one, by the channel's name.")


def to_offer(part: ChatPart | None, opened: Callable[[Secret], str]) -> ChatOffer | None:
    """What decides. Raises ValueError where a secret cannot be opened."""
    if part is None:
        return None
    return ChatOffer(
        public_key=part.public_key,
        origins=frozenset(origin.lower() for origin in part.origins),
        secrets=tuple(map(opened, part.secrets)),
        greeting=part.greeting,
        subject=part.subject,
        idle_after=part.idle_after,
        abandon_after=part.abandon_after,
        offers_transcript=part.transcript,
        mail_channel=part.mail_channel,
        agent_names=part.agent_names,
    )


def chat_problems(
    at: str, kind: ChannelKind, address: str | None, part: ChatPart, mail: set[str]
) -> Iterator[Problem]:
    """What is wrong with a channel's chats.

    mail: the channels of mail
    """
    if kind is not ChannelKind.CHAT:
        yield f"{at}/chat", "only a channel of kind chat has chats"
    if address is None:
        yield f"{at}/address", "chats need a word for their path"
    if part.mail_channel is not None and part.mail_channel not in mail:
        yield f"{at}/chat/mail_channel", "is no channel of kind email"
    if part.transcript and part.mail_channel is None:
        yield f"{at}/chat/mail_channel", "transcripts need one"
    for name in ("idle_after", "abandon_after"):
        if getattr(part, name) < SHORTEST:
            yield f"{at}/chat/{name}", "is at least 30s"
