"""The vendors that bring requests and take answers, as a channel is told about them.

`secrets` are what a vendor signs its calls with: up to two, so that one can be replaced while both are live.
`max_per_second` is how much may leave; without it a pace that the vendor allows everybody.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class ProviderName(StrEnum):
    """What a provider is called, in the configuration and in the path of its webhooks."""

    TWILIO_SMS = "twilio-sms"
    TWILIO_VOICE = "twilio-voice"
    WHATSAPP = "whatsapp"
    SLACK = "slack"
    SENDGRID = "sendgrid"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    STANDARD = "standard-webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Twilio:
    """Twilio: texts, WhatsApp through Twilio, or calls. secrets: auth tokens; number: ours, E.164."""

    name: ProviderName
    account_sid: str
    secrets: tuple[str, ...] = field(repr=False)
    number: str
    max_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """WhatsApp's Cloud API. secrets: app secrets; verify_token: answered to the subscription's challenge."""

    phone_number_id: str
    secrets: tuple[str, ...] = field(repr=False)
    access_token: str = field(repr=False)
    verify_token: str = field(repr=False)
    max_per_second: float | None = None

    @property
    def name(self) -> ProviderName:
        """What it is called."""
        return ProviderName.WHATSAPP


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """A Slack app in one Slack workspace. secrets: signing secrets."""

    team_id: str
    secrets: tuple[str, ...] = field(repr=False)
    bot_token: str = field(repr=False)
    max_per_second: float | None = None

    @property
    def name(self) -> ProviderName:
        """What it is called."""
        return ProviderName.SLACK


@dataclass(frozen=True, slots=True, kw_only=True)
class MailWebhook:
    """Mail by SendGrid (secrets: public keys), Mailgun (signing keys) or Postmark (`user:password`)."""

    name: ProviderName
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardWebhook:
    """Anything else, by Standard Webhooks. secrets: `whsec_…`; url: where answers are sent, if anywhere."""

    secrets: tuple[str, ...] = field(repr=False)
    url: str | None = None
    max_per_second: float | None = None

    @property
    def name(self) -> ProviderName:
        """What it is called."""
        return ProviderName.STANDARD


Provider: TypeAlias = Twilio | Meta | Slack | MailWebhook | StandardWebhook

Sender: TypeAlias = Twilio | Meta | Slack | StandardWebhook
"""Those that may take answers."""


def as_sender(provider: Provider) -> Sender | None:
    """The provider, if it takes answers as it is configured."""
    match provider:
        case Twilio():
            return provider if provider.name is ProviderName.TWILIO_SMS else None
        case StandardWebhook():
            return provider if provider.url else None
        case Meta() | Slack():
            return provider
        case MailWebhook():
            return None


def pace_of(sender: Sender | None) -> float:
    """How many messages a second may leave by it; by our mail server where there is none."""
    if sender is None:
        return _MAIL_PER_SECOND
    return sender.max_per_second or _PER_SECOND[sender.name]


_MAIL_PER_SECOND = 20.0
_PER_SECOND = {
    ProviderName.TWILIO_SMS: 10.0,
    ProviderName.WHATSAPP: 20.0,
    ProviderName.SLACK: 1.0,
    ProviderName.STANDARD: 10.0,
}
