"""What intake is told about one workspace, ready to decide by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.intake.domain.chat import ChatOffer
from services.intake.domain.classification import RuleBook
from services.intake.domain.conversation import FOR_EVER
from services.intake.domain.customer import DEFAULT_TIER, Organisation
from services.intake.domain.mailbox import RemoteMailbox
from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.notice_plan import Plan, Reason, SurveyForm
from services.intake.domain.provider import Provider, ProviderName, Sender, as_sender
from services.intake.domain.template import Template
from shared.errors import IllegalTransition, InvalidInput
from shared.vocabulary import ChannelKind

CLOSE_AFTER = timedelta(days=4)
SHORT_ABANDON = timedelta(seconds=5)
UNREADABLE = "The workspace's configuration cannot be read: it has to be applied again."
UNREADABLE_FOR = timedelta(hours=1)
"""What is due meanwhile is put off by this, as often as it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A configured address, number or API by which requests come and answers leave.

    close_after: how long a solved ticket waits for its customer before it is closed
    reopens_within: how long after it was solved a customer's message reopens a ticket
    address: where its mail comes in and from where answers leave, or what names it in the paths of its webhooks
    and chats; lower-case; name: shown beside it
    allows_lists: whether mail of mailing lists opens tickets; threads_by_subject: whether a mail that points
    nowhere joins its sender's newest ticket of the same subject; has_own_tickets: whether its mails join and are
    repeats of nothing of other channels
    providers: who brings requests by webhook; the first one that can takes the answers
    mailboxes: elsewhere, whose mail is its own, too
    has_lost_secrets: whether it has none of both because their secrets were sealed with another key
    short_abandon: who leaves a queue within this time need not be called back
    chat: how it offers live chats, if it does
    notices: what it tells customers without anybody writing it; survey: what it asks them
    """

    channel_id: str
    kind: ChannelKind
    language: str | None = None
    region: str | None = None
    close_after: timedelta = CLOSE_AFTER
    reopens_within: timedelta = FOR_EVER
    address: str | None = None
    name: str | None = None
    allows_lists: bool = False
    threads_by_subject: bool = False
    has_own_tickets: bool = False
    providers: tuple[Provider, ...] = ()
    mailboxes: tuple[RemoteMailbox, ...] = ()
    has_lost_secrets: bool = False
    short_abandon: timedelta = SHORT_ABANDON
    chat: ChatOffer | None = None
    notices: Mapping[Reason, Plan] = field(default_factory=dict)
    survey: SurveyForm | None = None

    def provider(self, name: ProviderName) -> Provider | None:
        """The provider of this name, if the channel has it."""
        return next((provider for provider in self.providers if provider.name is name), None)

    @property
    def sender(self) -> Sender | None:
        """The provider that takes the answers; mail needs none."""
        return next((sender for provider in self.providers if (sender := as_sender(provider))), None)

    @property
    def sends(self) -> bool:
        """Whether its answers leave by mail or by a provider, or will once its secrets can be opened."""
        return self.kind is ChannelKind.EMAIL or self.has_lost_secrets or self.sender is not None


def _nobody_knows(_text: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The workspace's configuration as intake decides by it.

    languages: those that its customers write in, ISO 639-1; language_of: which of them a text is in, if that is
    sure
    staff: the names of agents
    is_readable: whether all this is as it was configured; if not there are no channels, and what would come or
    leave by them waits for a configuration that can be read
    """

    version: int
    channels: Mapping[str, Channel]
    languages: tuple[str, ...] = ()
    language_of: Callable[[str], str | None] = _nobody_knows
    rules: RuleBook = field(default_factory=RuleBook)
    organisations: tuple[Organisation, ...] = ()
    organisation_by_domain: Mapping[str, Organisation] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    staff: Mapping[str, str] = field(default_factory=dict)
    is_readable: bool = True

    def channel(self, channel_id: str) -> Channel:
        """A configured channel. Raises InvalidInput where there is none, IllegalTransition where nobody knows."""
        if channel := self.channels.get(channel_id):
            return channel
        if not self.is_readable:
            raise IllegalTransition(UNREADABLE)
        raise InvalidInput("There is no such channel.", problems=(("/channel", "unknown"),))

    @property
    def mail_addresses(self) -> frozenset[str]:
        """The addresses of all its mail channels."""
        mail = (channel for channel in self.channels.values() if channel.kind is ChannelKind.EMAIL)
        return frozenset(channel.address for channel in mail if channel.address)

    def inbox(self, channel_id: str) -> str:
        """Within what a mail of a channel is one message, and finds its ticket: all channels share one, which is
        empty, but for those that have their own tickets.
        """
        channel = self.channels.get(channel_id)
        return channel_id if channel is not None and channel.has_own_tickets else ""

    @property
    def has_inboxes(self) -> bool:
        """Whether any channel has its own tickets."""
        return any(channel.has_own_tickets for channel in self.channels.values())

    def shares(self, channel_id: str, other_id: str) -> bool:
        """Whether a mail of one channel may join a ticket of the other. Those of no mail channel are open."""
        other = self.channels.get(other_id)
        is_mail = other is not None and other.kind is ChannelKind.EMAIL
        return not is_mail or self.inbox(channel_id) == self.inbox(other_id)

    def close_after(self, channel_id: str) -> timedelta:
        """How long a solved ticket of a channel waits; of one that is no longer configured, the default."""
        channel = self.channels.get(channel_id)
        return channel.close_after if channel else CLOSE_AFTER

    def sends(self, channel_id: str, kind: ChannelKind) -> bool:
        """Whether answers leave by a channel. Mail always does: that its channel is gone is to be seen.

        Raises IllegalTransition where nobody knows.
        """
        if not self.is_readable:
            raise IllegalTransition(UNREADABLE)
        channel = self.channels.get(channel_id)
        return kind is ChannelKind.EMAIL or (channel is not None and channel.sends)

    def organisation_of(self, identity: Identity | None) -> Organisation | None:
        """The organisation that an address belongs to, by its domain."""
        if identity is None or identity.kind is not IdentityKind.EMAIL:
            return None
        return self.organisation_by_domain.get(identity.value.rpartition("@")[2])

    def tier_of(self, organisation: Organisation | None) -> str:
        """The tier of a customer of this organisation."""
        return organisation.tier if organisation else DEFAULT_TIER
