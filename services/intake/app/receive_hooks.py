"""Turns providers' calls that were read into messages, receipts and consents; all in one commit.

What cannot be taken is quarantined with its reason. Taken up again, whatever was received the first time is
known by its dedupe key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.intake.app.hook_ports import HookDesk, ReadHook, Said
from services.intake.app.mail_ports import Attachment, Outcome, RawKey, RawState
from services.intake.app.phone import phone_identity
from services.intake.app.ports import Receipt
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.app.record_call_events import CallArrival, record_call_events
from services.intake.app.record_receipts import record_receipts
from services.intake.domain.hook import Brought, Written
from services.intake.domain.message import Disposition, IdentityKind
from services.intake.domain.provider import Meta, Provider, ProviderName, Slack, Twilio
from services.intake.domain.workspace import Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, InvalidInput
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind, MachineClass

_WITH_WORDS = frozenset({ChannelKind.SMS, ChannelKind.WHATSAPP})
"""By these kinds of channel people say STOP."""


async def receive_hooks(items: Sequence[ReadHook], *, tx: Tx, desk: HookDesk) -> list[Outcome]:
    """What became of each call that still waits. The unit of work names their workspaces."""
    waiting = await desk.raws.lock(tx, {item.raw.key for item in items}, RawState.RECEIVED)
    outcomes = await _receive([item for item in items if item.raw.key in waiting], tx, desk)
    await desk.raws.settle(tx, outcomes)
    return outcomes


async def release_hook(item: ReadHook, *, tx: Tx, desk: HookDesk) -> Outcome | None:
    """Makes messages of a quarantined call because a person says so; None where it is not quarantined.

    Raises InvalidInput where a rule refuses it still.
    """
    if not await desk.raws.lock(tx, {item.raw.key}, RawState.QUARANTINED):
        return None
    (outcome,) = await _receive([item], tx, desk)
    if outcome.state is RawState.QUARANTINED:
        raise InvalidInput(f"It cannot be released: {outcome.reason}.")
    released = replace(outcome, state=RawState.RELEASED)
    await desk.raws.settle(tx, [released])
    return released


@dataclass(frozen=True, slots=True)
class _Part:
    """What a call brings, and the channel that it is for."""

    item: ReadHook
    channel: Channel
    brought: Brought

    @property
    def cause(self) -> Cause:
        """What it sets off belongs to the trace in which it came."""
        traceparent = self.item.raw.traceparent
        return Cause(traceparent=traceparent, correlation_id=traceparent.split("-")[1] if traceparent else None)

    def arrivals(self) -> list[tuple[Written, Arrival]]:
        """Its messages, as they are received here."""
        return [
            (
                written,
                Arrival(replace(written.message, channel=self.channel.channel_id, machine=machine), self.cause),
            )
            for written in self.brought.messages
            for machine in [self._machine(written)]
        ]

    def _machine(self, written: Written) -> MachineClass:
        # Nobody waits for an answer to STOP: none is sent, no clock starts and nothing is reopened.
        is_word = written.consent is not None and self.channel.kind in _WITH_WORDS
        return MachineClass.AUTO_GENERATED if is_word else written.message.machine


async def _receive(items: Sequence[ReadHook], tx: Tx, desk: HookDesk) -> list[Outcome]:
    configured = await desk.workspaces.load(tx, {item.raw.workspace_id for item in items})
    parts = {item.raw.key: _parts(item, configured[item.raw.workspace_id]) for item in items}
    # Before all else: a call is locked before whoever calls is.
    refused = await _record_calls([part for of_item in parts.values() for part in of_item], tx, desk)
    arrivals = [
        (part, written, _with_own_id(arrival, number, desk))
        for of_item in parts.values()
        for number, (part, written, arrival) in enumerate(
            (part, written, arrival) for part in of_item for written, arrival in part.arrivals()
        )
    ]
    received = await receive_messages(
        [arrival for _, _, arrival in arrivals],
        tx=tx,
        conversations=desk.conversations,
        workspaces=desk.workspaces,
        ids=desk.ids,
    )
    took = list(zip(arrivals, received, strict=True))
    await _keep_attached(
        [(part.item, receipt) for (part, _, _), receipt in took if isinstance(receipt, Receipt)], tx, desk
    )
    now = await tx.now()
    said = [
        Said(
            workspace_id=arrival.message.workspace_id,
            channel=part.channel.channel_id,
            identity=phone_identity(identity.value, part.channel.region),
            consent=written.consent,
            at=now,
        )
        for (part, written, arrival), receipt in took
        if isinstance(receipt, Receipt)
        and receipt.disposition is not Disposition.DUPLICATE
        and written.consent is not None
        and part.channel.kind in _WITH_WORDS
        and (identity := arrival.message.sender.identity)
        and identity.kind is IdentityKind.PHONE
    ]
    if said:
        await desk.consents.keep(tx, said)
    every = [part for of_item in parts.values() for part in of_item]
    await record_receipts(
        [replace(receipt, channel=part.channel.channel_id) for part in every for receipt in part.brought.receipts],
        tx=tx,
        deliveries=desk.deliveries,
    )
    results: Mapping[object, list[Receipt | DomainError]] = {key: [] for key in parts}
    for (part, _, _), receipt in took:
        results[part.item.raw.key].append(receipt)
    return [
        _outcome(item, parts[item.raw.key], results[item.raw.key], refused.get(item.raw.key)) for item in items
    ]


async def _record_calls(parts: Sequence[_Part], tx: Tx, desk: HookDesk) -> dict[RawKey, DomainError]:
    """Records what is told about telephone calls; why something of it cannot be, by what brought it."""
    arrivals = [
        (
            part.item.raw.key,
            CallArrival(
                workspace_id=part.item.raw.workspace_id,
                channel=part.channel.channel_id,
                event=event,
                cause=part.cause,
            ),
        )
        for part in parts
        for event in part.brought.calls
    ]
    if not arrivals:
        return {}
    receipts = await record_call_events([arrival for _, arrival in arrivals], tx=tx, desk=desk.calls)
    return {
        key: receipt
        for (key, _), receipt in zip(arrivals, receipts, strict=True)
        if isinstance(receipt, DomainError)
    }


def _parts(item: ReadHook, workspace: Workspace) -> list[_Part]:
    """What is for a channel of the workspace. A call may be for several, of the same provider."""
    if isinstance(item.brought, str):
        return []
    first = workspace.channels.get(item.raw.channel)
    others = [channel for channel in workspace.channels.values() if channel is not first]
    return [
        _Part(item, channel, brought)
        for brought in item.brought
        if (
            channel := next(
                (one for one in (first, *others) if one and _is_for(one, brought, item, is_named=one is first)),
                None,
            )
        )
    ]


def _is_for(channel: Channel, brought: Brought, item: ReadHook, *, is_named: bool) -> bool:
    if item.attached is not None:
        return is_named
    provider = channel.provider(ProviderName(item.raw.form))
    if provider is None:
        return False
    account = _account(provider)
    return brought.account == account if account and brought.account else is_named


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


def _with_own_id(arrival: Arrival, number: int, desk: HookDesk) -> Arrival:
    """The first message of a call has the call's own id."""
    return (
        arrival if number == 0 else replace(arrival, message=replace(arrival.message, message_id=desk.ids.new()))
    )


async def _keep_attached(received: Sequence[tuple[ReadHook, Receipt]], tx: Tx, desk: HookDesk) -> None:
    await desk.messages.add_attachments(
        tx,
        [
            Attachment(
                workspace_id=item.raw.workspace_id,
                attachment_id=desk.ids.new(),
                message_id=receipt.message_id,
                file=item.attached,
                sha256=item.raw.sha256,
            )
            for item, receipt in received
            if item.attached is not None and receipt.ticket_id and receipt.disposition is not Disposition.DUPLICATE
        ],
    )


def _outcome(
    item: ReadHook, parts: Sequence[_Part], results: Sequence[Receipt | DomainError], refused: DomainError | None
) -> Outcome:
    if problem := _problem(item, parts, results, refused):
        return Outcome(
            raw=item.raw, state=RawState.QUARANTINED, disposition=Disposition.QUARANTINED, reason=problem
        )
    receipts = [result for result in results if isinstance(result, Receipt)]
    first = next((receipt for receipt in receipts if receipt.disposition is not Disposition.DUPLICATE), None)
    shown = first or next(iter(receipts), None)
    if shown is None:
        reason = next((part.brought.ignored for part in parts if part.brought.ignored), None)
        return Outcome(raw=item.raw, state=RawState.PARSED, disposition=Disposition.DROPPED, reason=reason)
    return Outcome(
        raw=item.raw,
        state=RawState.PARSED if first else RawState.DUPLICATE,
        disposition=shown.disposition,
        reason=shown.reason,
        message_id=shown.message_id if shown.ticket_id else None,
        ticket_id=shown.ticket_id,
        ticket_number=shown.ticket_number,
    )


def _problem(
    item: ReadHook, parts: Sequence[_Part], results: Sequence[Receipt | DomainError], refused: DomainError | None
) -> str | None:
    """Why a person has to look at it."""
    if isinstance(item.brought, str):
        return item.brought
    if len(parts) < len(item.brought):
        return "it is for an account that no channel has"
    if refused is not None:
        return str(refused)
    return next((str(result) for result in results if isinstance(result, DomainError)), None)
