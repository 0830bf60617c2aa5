"""What a call brings, and which channel each part of it is for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import MESSAGE
from services.intake.app.record_call_events import CallArrival
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Brought, Consent
from services.intake.domain.message import InboundMessage
from services.intake.domain.provider import Meta, Provider, ProviderName, Slack, Twilio
from services.intake.domain.workspace import Channel, Workspace
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind, MachineClass

_WITH_WORDS = frozenset({ChannelKind.SMS, ChannelKind.WHATSAPP})
"""By these kinds of channel people say STOP."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a call brings for one account, and the channel that has it."""

    item: ReadHook
    channel: Channel
    brought: Brought

    @property
    def cause(self) -> Cause:
        """What it sets off belongs to the trace in which it came."""
        traceparent = self.item.raw.traceparent
        return Cause(traceparent=traceparent, correlation_id=traceparent.split("-")[1] if traceparent else None)

    def messages(self) -> Iterator[tuple[InboundMessage, Consent | None]]:
        """Its messages, and what they say about consent where that counts."""
        for written in self.brought.messages:
            message = replace(written.message, channel=self.channel.channel_id)
            if written.consent is None or self.channel.kind not in _WITH_WORDS:
                yield message, None
            else:
                # Nobody waits for an answer to STOP: none is sent, no clock starts and nothing is reopened.
                yield replace(message, machine=MachineClass.AUTO_GENERATED), written.consent

    def receipts(self) -> Iterator[DeliveryReceipt]:
        """What it tells about messages of ours."""
        return (replace(receipt, channel=self.channel.channel_id) for receipt in self.brought.receipts)

    def calls(self) -> Iterator[CallArrival]:
        """What it tells about telephone calls."""
        for event in self.brought.calls:
            yield CallArrival(
                workspace_id=self.item.raw.workspace_id,
                channel=self.channel.channel_id,
                event=event,
                cause=self.cause,
            )


def parts_of(item: ReadHook, workspace: Workspace) -> list[Part]:
    """What is for a channel of the workspace: the one that was called, or the one that has the account."""
    if isinstance(item.brought, str):
        return []
    called = workspace.channels.get(item.raw.channel)
    others = [channel for channel in workspace.channels.values() if channel is not called]
    found = []
    for brought in item.brought:
        fitting = (
            channel
            for channel in (called, *others)
            if channel and _is_for(channel, brought, item, is_called=channel is called)
        )
        if channel := next(fitting, None):
            found.append(Part(item, channel, brought))
    return found


def _is_for(channel: Channel, brought: Brought, item: ReadHook, *, is_called: bool) -> bool:
    if item.attached is not None or item.raw.form == MESSAGE:
        return is_called
    provider = channel.provider(ProviderName(item.raw.form))
    if provider is None:
        return False
    account = _account(provider)
    return brought.account == account if account and brought.account else is_called


def _account(provider: Provider) -> str | None:
    match provider:
        case Twilio():
            return provider.account_sid
        case Meta():
            return provider.phone_number_id
        case Slack():
            return provider.team_id
        case _:
            return None
