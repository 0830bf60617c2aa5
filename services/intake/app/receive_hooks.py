"""Turns providers' calls that were read into messages, receipts and consents.

Receipts have commits of their own, before all else: they lock messages of ours and their tickets, and all else
locks whoever writes before any ticket. Recorded again after a crash they change nothing; the rest is one commit.
What cannot be taken is quarantined with its reason. Taken up again, whatever was received the first time is
known by its dedupe key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.intake.app.hook_parts import Part, parts_of
from services.intake.app.hook_ports import HookDesk, ReadHook, Said
from services.intake.app.mail_ports import Attachment, Outcome, RawKey, RawState
from services.intake.app.phone import caller_identity, phone_identity
from services.intake.app.place_in_chat import place_in_chat, with_ticket
from services.intake.app.ports import Receipt
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.app.record_call_events import record_call_events
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Consent
from services.intake.domain.message import Disposition, IdentityKind
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, InvalidInput


async def receive_hooks(items: Sequence[ReadHook], *, tx: Tx, desk: HookDesk) -> list[Outcome]:
    """What became of each call that still waits. The unit of work names their workspaces."""
    waiting = await desk.raws.lock(tx, {item.raw.key for item in items}, RawState.RECEIVED)
    outcomes = await _Group(tx, desk).receive([item for item in items if item.raw.key in waiting])
    await desk.raws.settle(tx, outcomes)
    # One call may be about several people: once it is read, what came of it is kept, and it is not.
    read = [outcome.raw for outcome in outcomes if outcome.state is not RawState.QUARANTINED]
    for workspace_id in sorted({raw.workspace_id for raw in read}):
        sha256s = [raw.sha256 for raw in read if raw.workspace_id == workspace_id]
        await desk.blobs.delete(tx, workspace_id, sha256s)
    return outcomes


async def receipts_in(items: Sequence[ReadHook], *, tx: Tx, desk: HookDesk) -> list[DeliveryReceipt]:
    """What these tell about messages of ours. The unit of work names their workspaces."""
    configured = await desk.workspaces.load(tx, {item.raw.workspace_id for item in items})
    parts = [part for item in items for part in parts_of(item, configured[item.raw.workspace_id])]
    return [receipt for part in parts for receipt in part.receipts()]


async def release_hook(item: ReadHook, *, tx: Tx, desk: HookDesk) -> Outcome | None:
    """Makes messages of a quarantined call because a person says so; None where it is not quarantined.

    Raises InvalidInput where a rule refuses it still.
    """
    if not await desk.raws.lock(tx, {item.raw.key}, RawState.QUARANTINED):
        return None
    (outcome,) = await _Group(tx, desk, is_released=True).receive([item])
    if outcome.state is RawState.QUARANTINED:
        raise InvalidInput(f"It cannot be released: {outcome.reason}.")
    released = replace(outcome, state=RawState.RELEASED)
    await desk.raws.settle(tx, [released])
    return released


@dataclass(frozen=True, slots=True)
class _Taken:
    """A message of a call, and what became of it."""

    part: Part
    arrival: Arrival
    consent: Consent | None
    result: Receipt | DomainError

    @property
    def receipt(self) -> Receipt | None:
        """What became of it, where that happens for the first time."""
        is_first = isinstance(self.result, Receipt) and self.result.disposition is not Disposition.DUPLICATE
        return self.result if is_first and isinstance(self.result, Receipt) else None


class _Group:
    """The calls of one commit."""

    def __init__(self, tx: Tx, desk: HookDesk, *, is_released: bool = False) -> None:
        self._tx = tx
        self._desk = desk
        self._is_released = is_released

    async def receive(self, items: Sequence[ReadHook]) -> list[Outcome]:
        """What becomes of each."""
        configured = await self._desk.workspaces.load(self._tx, {item.raw.workspace_id for item in items})
        parts = {item.raw.key: parts_of(item, configured[item.raw.workspace_id]) for item in items}
        refused = await self._record_calls(parts)
        taken = await self._receive_messages(parts)
        await self._keep_attached(taken)
        await self._keep_consents(taken)
        await self._keep_in_chats(taken)
        results: dict[RawKey, list[Receipt | DomainError]] = {key: [] for key in parts}
        for one in taken:
            results[one.part.item.raw.key].append(one.result)
        return [
            self._outcome(item, parts[key], results[key], refused.get(key), called.region if called else None)
            for item in items
            for key in [item.raw.key]
            for called in [configured[item.raw.workspace_id].channels.get(item.raw.channel)]
        ]

    async def _record_calls(self, parts: Mapping[RawKey, Sequence[Part]]) -> dict[RawKey, str]:
        """Records what is told about telephone calls; why something of it cannot be, by what brought it.

        Before all else: a call is locked before whoever calls is.
        """
        arrivals = [
            (key, arrival) for key, of_item in parts.items() for part in of_item for arrival in part.calls()
        ]
        if not arrivals:
            return {}
        receipts = await record_call_events(
            [arrival for _, arrival in arrivals], tx=self._tx, desk=self._desk.calls
        )
        return {
            key: str(receipt)
            for (key, _), receipt in zip(arrivals, receipts, strict=True)
            if isinstance(receipt, DomainError)
        }

    async def _receive_messages(self, parts: Mapping[RawKey, Sequence[Part]]) -> list[_Taken]:
        found = [
            (part, await self._with_ticket(arrival), consent)
            for of_item in parts.values()
            for part, arrival, consent in self._arrivals(of_item)
        ]
        results = await receive_messages(
            [arrival for _, arrival, _ in found],
            tx=self._tx,
            conversations=self._desk.conversations,
            workspaces=self._desk.workspaces,
            ids=self._desk.ids,
        )
        return [_Taken(*one, result) for one, result in zip(found, results, strict=True)]

    def _arrivals(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Arrival, Consent | None]]:
        """The messages of one call."""
        for part in parts:
            for message, consent in part.messages():
                own = message if part.item.lends_its_id else replace(message, message_id=self._desk.ids.new())
                # No rule refuses who says STOP or START: what is kept is known again when it is repeated.
                own = replace(own, is_released=self._is_released or consent is not None)
                yield part, Arrival(own, part.cause), consent

    async def _with_ticket(self, arrival: Arrival) -> Arrival:
        desk = self._desk
        message = await with_ticket(
            arrival.message, tx=self._tx, conversations=desk.conversations, chats=desk.chats
        )
        return replace(arrival, message=message)

    async def _keep_in_chats(self, taken: Sequence[_Taken]) -> None:
        for one in taken:
            if one.receipt:
                message, channel = one.arrival.message, one.part.channel
                await place_in_chat(message, one.receipt, channel, tx=self._tx, chats=self._desk.chats)

    async def _keep_attached(self, taken: Sequence[_Taken]) -> None:
        await self._desk.messages.add_attachments(
            self._tx,
            [
                Attachment(
                    workspace_id=item.raw.workspace_id,
                    attachment_id=self._desk.ids.new(),
                    message_id=one.receipt.message_id,
                    file=item.attached,
                    sha256=item.raw.sha256,
                )
                for one in taken
                for item in [one.part.item]
                if item.attached is not None and one.receipt and one.receipt.ticket_id
            ],
        )

    async def _keep_consents(self, taken: Sequence[_Taken]) -> None:
        """What was said for the first time: a repeat of STOP does not outdo the START behind it."""
        now = await self._tx.now()
        said = [
            Said(
                workspace_id=one.arrival.message.workspace_id,
                channel=one.part.channel.channel_id,
                identity=phone_identity(identity.value, one.part.channel.region),
                consent=one.consent,
                at=now,
            )
            for one in taken
            if one.consent and one.receipt
            if (identity := one.arrival.message.sender.identity) and identity.kind is IdentityKind.PHONE
        ]
        if said:
            await self._desk.consents.keep(self._tx, said)

    def _outcome(
        self,
        item: ReadHook,
        parts: Sequence[Part],
        results: Sequence[Receipt | DomainError],
        refused: str | None,
        region: str | None,
    ) -> Outcome:
        if problem := refused or self._problem(item, parts, results):
            return Outcome(
                raw=item.raw,
                state=RawState.QUARANTINED,
                disposition=Disposition.QUARANTINED,
                reason=problem,
                people=_people(item, parts, region),
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
        self, item: ReadHook, parts: Sequence[Part], results: Sequence[Receipt | DomainError]
    ) -> str | None:
        """Why a person has to look at it."""
        if isinstance(item.brought, str):
            return item.brought
        if len(parts) < len(item.brought):
            return "it is for an account that no channel has"
        if problem := next((each.unreadable for each in item.brought if each.unreadable), None):
            return f"a part of it cannot be read: {problem}"
        for result in results:
            if isinstance(result, DomainError):
                return str(result)
            if result.disposition is Disposition.QUARANTINED:
                return result.reason
        return None


def _people(item: ReadHook, parts: Sequence[Part], region: str | None) -> frozenset[str]:
    """By what those are known who write or call in it. region: of the channel that it came to"""
    found = {*item.named, *(phone_identity(name, region).value for name in item.named if name.isdecimal())}
    if isinstance(item.brought, str):
        return frozenset(value.lower() for value in found)
    # Of what is for no channel nobody knows the region.
    regions = {id(part.brought): part.channel.region for part in parts}
    for brought in item.brought:
        region = regions.get(id(brought))
        for written in brought.messages:
            if identity := written.message.sender.identity:
                is_phone = identity.kind is IdentityKind.PHONE
                found.add(phone_identity(identity.value, region).value if is_phone else identity.value)
        for event in brought.calls:
            if event.from_:
                found.add(caller_identity(event.from_, region).value)
    return frozenset(value.lower() for value in found)
