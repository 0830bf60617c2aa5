"""Channels as they are configured: what is written, checked, and turned into what decides."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from services.intake.app.chat_parts import ChatPart, chat_problems, to_offer
from services.intake.app.mailbox_parts import Mailboxes, mailbox_problems, to_mailbox
from services.intake.app.template_parts import Language, NoticesPart, SurveyPart
from services.intake.domain.conversation import FOR_EVER, NEVER
from services.intake.domain.provider import (
    MailWebhook,
    Meta,
    Provider,
    ProviderName,
    Slack,
    StandardWebhook,
    Twilio,
)
from services.intake.domain.workspace import CLOSE_AFTER, SHORT_ABANDON, Channel
from shared.configuration import Problem, repeated
from shared.durations import Duration
from shared.http.types import SLUG_PATTERN, Request, Slug
from shared.secrets import Secret
from shared.standard_webhooks import hmac_key
from shared.vocabulary import ChannelKind

MAIL_ADDRESS = r"^[a-zA-Z0-9._=#&'*-]{1,30}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63}){0,6}$"

Address = Annotated[str, StringConstraints(pattern=f"{MAIL_ADDRESS}|{SLUG_PATTERN}")]
Secrets = Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]
Number = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{3,14}$")]
Token = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
PerSecond = Annotated[
    float | None,
    Field(gt=0, le=1000, description="How many messages a second leave by it at most; a default for each vendor."),
]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[!$-.0->A-~]+[!$-~]*$", max_length=2000)]


class TwilioPart(Request):
    """Texts, WhatsApp or calls by Twilio."""

    name: Literal["twilio-sms", "twilio-voice"]
    account_sid: Token
    secrets: Secrets = Field(description="Auth tokens; the first is used for sending.")
    number: Number = Field(description="Ours.")
    max_per_second: PerSecond = None


class MetaPart(Request):
    """WhatsApp's Cloud API."""

    name: Literal["whatsapp"]
    phone_number_id: Token
    secrets: Secrets = Field(description="App secrets.")
    access_token: Secret
    verify_token: Secret = Field(description="What the subscription's challenge must bring.")
    max_per_second: PerSecond = None


class SlackPart(Request):
    """A Slack app."""

    name: Literal["slack"]
    team_id: Token
    secrets: Secrets = Field(description="Signing secrets.")
    bot_token: Secret
    max_per_second: PerSecond = None


class MailWebhookPart(Request):
    """A provider that posts the mail it receives."""

    name: Literal["sendgrid", "mailgun", "postmark"]
    secrets: Secrets = Field(
        description="SendGrid: verification keys; Mailgun: signing keys; Postmark: `user:password`."
    )


class StandardWebhookPart(Request):
    """Anything else, by signed webhooks (Standard Webhooks)."""

    name: Literal["standard-webhook"]
    secrets: Secrets = Field(description="`whsec_…`; the first signs what we send.")
    url: HttpUrl | None = Field(default=None, description="Where answers are sent.")
    max_per_second: PerSecond = None


ProviderPart = Annotated[
    TwilioPart | MetaPart | SlackPart | MailWebhookPart | StandardWebhookPart, Field(discriminator="name")
]

_FITS_HEADER = re.compile("[!-~]+")

PROVIDERS: dict[ChannelKind, frozenset[str]] = {
    ChannelKind.EMAIL: frozenset({"sendgrid", "mailgun", "postmark"}),
    ChannelKind.SMS: frozenset({"twilio-sms", "standard-webhook"}),
    ChannelKind.WHATSAPP: frozenset({"whatsapp", "twilio-sms", "standard-webhook"}),
    ChannelKind.VOICE: frozenset({"twilio-voice", "standard-webhook"}),
    ChannelKind.CHAT: frozenset({"standard-webhook"}),
    ChannelKind.SLACK: frozenset({"slack", "standard-webhook"}),
    ChannelKind.API: frozenset({"standard-webhook"}),
}
"""Which providers serve which kind of channel."""


class ChannelPart(Request):
    """A way by which requests come in."""

    id: Slug
    kind: ChannelKind
    language: Language | None = None
    region: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="Of phone numbers without prefix.")
    close_after: Duration = Field(
        default=CLOSE_AFTER, description="How long a solved ticket waits for its customer before it is closed."
    )
    follow_up: Literal["reopen", "new_linked"] = Field(
        default="reopen",
        description="Whether a customer's message reopens a solved ticket, or opens a new one linked to it.",
    )
    reopen_within: Duration | None = Field(
        default=None, description="How long after it was solved a message still reopens; without it, until closed."
    )
    address: Address | None = Field(
        default=None,
        description="By what the world names the channel, in this whole installation: a mail channel's mail"
        " address; a word in the path of the webhooks or chats of any other.",
    )
    name: str | None = Field(default=None, min_length=1, max_length=100, description="Shown beside the address.")
    allows_lists: StrictBool = Field(default=False, description="Whether mail of mailing lists opens tickets.")
    thread_by_subject: StrictBool = Field(
        default=False,
        description="Whether a mail that points to no ticket joins its sender's newest one with the same subject.",
    )
    own_tickets: StrictBool = Field(
        default=False,
        description="Whether a mail that also went to another channel's address is a message of its own here, in a"
        " ticket of this channel. By default it is one message, wherever it came first.",
    )
    short_abandon: Duration = Field(
        default=SHORT_ABANDON, description="Of a voice channel: who leaves so soon need not be called back."
    )
    providers: tuple[ProviderPart, ...] = Field(
        default=(),
        max_length=8,
        description="Who brings requests by webhook; the first one that can takes the answers.",
    )
    chat: ChatPart | None = Field(default=None, description="Live chat, of a channel of kind chat.")
    mailboxes: Mailboxes = Field(default=(), description="Whose mail is the channel's, too.")
    notices: NoticesPart | None = None
    survey: SurveyPart | Literal["off"] | None = Field(
        default=None, description="Without it, the workspace's; `off` for none."
    )


def to_channel(item: ChannelPart, opened: Callable[[Secret], str]) -> Channel:
    """The channel. One whose secrets cannot be opened goes on without providers, chats and mailboxes."""
    try:
        providers = tuple(_provider(part, opened) for part in item.providers)
        mailboxes = tuple(to_mailbox(part, opened) for part in item.mailboxes)
        chat, has_lost_secrets = to_offer(item.chat, opened), False
    except ValueError:
        providers, mailboxes, chat, has_lost_secrets = (), (), None, True
    return Channel(
        channel_id=item.id,
        kind=item.kind,
        language=item.language,
        region=item.region,
        close_after=item.close_after,
        reopens_within=_reopens_within(item),
        address=item.address.lower() if item.address else None,
        name=item.name,
        allows_lists=item.allows_lists,
        threads_by_subject=item.thread_by_subject,
        has_own_tickets=item.own_tickets,
        providers=providers,
        mailboxes=mailboxes,
        has_lost_secrets=has_lost_secrets,
        short_abandon=item.short_abandon,
        chat=chat,
    )


def channel_problems(channels: tuple[ChannelPart, ...]) -> Iterator[Problem]:
    """What is wrong with these channels."""
    yield from repeated("/channels", [item.id for item in channels])
    addresses: set[str] = set()
    mail = {channel.id for channel in channels if channel.kind is ChannelKind.EMAIL}
    for index, channel in enumerate(channels):
        at = f"/channels/{index}"
        if channel.follow_up == "new_linked" and channel.reopen_within is not None:
            yield f"{at}/reopen_within", "says nothing where no message reopens"
        is_mail = channel.kind is ChannelKind.EMAIL
        if is_mail and "@" not in (channel.address or ""):
            yield f"{at}/address", "a mail channel has a mail address"
        if not is_mail and "@" in (channel.address or ""):
            yield f"{at}/address", "only a mail channel has a mail address"
        if not is_mail and channel.providers and channel.address is None:
            yield f"{at}/address", "webhooks need a word for their path"
        if channel.address and channel.address.lower() in addresses:
            yield f"{at}/address", "stands twice"
        addresses.add((channel.address or "").lower())
        if channel.chat is not None:
            yield from chat_problems(at, channel.kind, channel.address, channel.chat, mail)
        if not is_mail and channel.mailboxes:
            yield f"{at}/mailboxes", "only a mail channel has mailboxes"
        yield from mailbox_problems(f"{at}/mailboxes", channel.mailboxes)
        yield from repeated(f"{at}/providers", [part.name for part in channel.providers], "name")
        for number, part in enumerate(channel.providers):
            if part.name not in PROVIDERS[channel.kind]:
                yield f"{at}/providers/{number}/name", f"serves no channel of kind {channel.kind}"
            if isinstance(part, StandardWebhookPart) and part.url is not None and not _can_sign(part.secrets[0]):
                yield (
                    f"{at}/providers/{number}/secrets/0",
                    "signs answers: `whsec_` and a key in Base64",
                )
            for field, token in _bearers(part):
                if not token.is_sealed and not _FITS_HEADER.fullmatch(token):
                    yield f"{at}/providers/{number}/{field}", "is sent in a header: visible ASCII characters only"


def _bearers(part: ProviderPart) -> Iterator[tuple[str, Secret]]:
    """The tokens that requests to the provider carry, by their fields."""
    match part:
        case MetaPart():
            yield "access_token", part.access_token
        case SlackPart():
            yield "bot_token", part.bot_token


def _can_sign(secret: Secret) -> bool:
    # A sealed one was looked at when it was written.
    return secret.is_sealed or hmac_key(secret) is not None


def _reopens_within(channel: ChannelPart) -> timedelta:
    if channel.follow_up == "new_linked":
        return NEVER
    return FOR_EVER if channel.reopen_within is None else channel.reopen_within


def _provider(part: ProviderPart, opened: Callable[[Secret], str]) -> Provider:
    secrets = tuple(map(opened, part.secrets))
    match part:
        case TwilioPart():
            return Twilio(
                name=ProviderName(part.name),
                account_sid=part.account_sid,
                secrets=secrets,
                number=part.number,
                max_per_second=part.max_per_second,
            )
        case MetaPart():
            return Meta(
                phone_number_id=part.phone_number_id,
                secrets=secrets,
                access_token=opened(part.access_token),
                verify_token=opened(part.verify_token),
                max_per_second=part.max_per_second,
            )
        case SlackPart():
            return Slack(
                team_id=part.team_id,
                secrets=secrets,
                bot_token=opened(part.bot_token),
                max_per_second=part.max_per_second,
            )
        case MailWebhookPart():
            return MailWebhook(name=ProviderName(part.name), secrets=secrets)
        case StandardWebhookPart():
            return StandardWebhook(secrets=secrets, url=part.url, max_per_second=part.max_per_second)
