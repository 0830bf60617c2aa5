"""Turns mails that were read into messages: screened, put in their place, recorded; all in one commit.

What cannot become a message is quarantined with its reason; nothing is lost and nothing is tried for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.intake.app.attachment_ids import in_order
from services.intake.app.delivery_ports import Deliveries
from services.intake.app.mail_pointers import pointed_tickets
from services.intake.app.mail_ports import (
    Attachment,
    MailMessages,
    Outcome,
    RawKey,
    Raws,
    RawState,
    ReadMail,
    ReferenceKey,
    References,
    Referred,
)
from services.intake.app.ports import Conversations, Receipt, Workspaces
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.app.screened_mail import ScreenedMail, screened, to_message
from services.intake.domain.message import Disposition, Identity, IdentityKind
from services.intake.domain.screening import REPORTS
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput
from shared.ids import IdFactory
from shared.vocabulary import MachineClass


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDesk:
    """What receiving mail needs."""

    conversations: Conversations
    workspaces: Workspaces
    raws: Raws
    references: References
    messages: MailMessages
    deliveries: Deliveries
    ids: IdFactory
    secret: bytes


async def receive_mails(items: Sequence[ReadMail], *, tx: Tx, desk: MailDesk) -> list[Outcome]:
    """What became of each mail that still waits. The unit of work names their workspaces."""
    waiting = await desk.raws.lock(tx, {item.raw.key for item in items}, RawState.RECEIVED)
    outcomes = await _Group(tx, desk).receive([item for item in items if item.raw.key in waiting])
    await desk.raws.settle(tx, outcomes)
    return outcomes


async def release_mail(item: ReadMail, *, tx: Tx, desk: MailDesk) -> Outcome | None:
    """Makes a message of a quarantined mail because a person says so; None where it is not quarantined.

    Raises InvalidInput where a rule refuses it still.
    """
    if not await desk.raws.lock(tx, {item.raw.key}, RawState.QUARANTINED):
        return None
    (outcome,) = await _Group(tx, desk, is_released=True).receive([item])
    if outcome.state is RawState.QUARANTINED:
        raise InvalidInput(f"The mail cannot be released: {outcome.reason}.")
    released = replace(outcome, state=RawState.RELEASED)
    await desk.raws.settle(tx, [released])
    return released


class _Group:
    """The mails of one commit."""

    def __init__(self, tx: Tx, desk: MailDesk, *, is_released: bool = False) -> None:
        self._tx = tx
        self._desk = desk
        self._is_released = is_released
        self._outcomes: dict[RawKey, Outcome] = {}

    async def receive(self, items: Sequence[ReadMail]) -> list[Outcome]:
        """What becomes of each."""
        configured = await self._desk.workspaces.load(self._tx, {item.raw.workspace_id for item in items})
        good = [found for item in items if (found := self._screen(item, configured[item.raw.workspace_id]))]
        known = await self._desk.references.find(self._tx, {key for item in good for key in item.asks_for()})
        fresh = [item for item in good if item.repeat not in known]
        await self._record_repeats({item: known[item.repeat] for item in good if item.repeat in known})
        self._drop_reports([item for item in fresh if item.verdict.machine in REPORTS])
        await self._receive([item for item in fresh if item.verdict.machine not in REPORTS], known)
        return [replace(self._outcomes[item.raw.key], people=item.people()) for item in items]

    def _screen(self, item: ReadMail, workspace: Workspace) -> ScreenedMail | None:
        found = screened(item, workspace, self._desk.secret, is_released=self._is_released)
        if isinstance(found, str):
            self._quarantine(item, found)
            return None
        return found

    def _quarantine(self, item: ReadMail, reason: str) -> None:
        self._outcomes[item.raw.key] = Outcome(
            raw=item.raw, state=RawState.QUARANTINED, disposition=Disposition.QUARANTINED, reason=reason
        )

    async def _record_repeats(self, repeats: Mapping[ScreenedMail, Referred]) -> None:
        """A mail that came before, by another way or to another of our addresses, is the same message."""
        if not repeats:
            return
        tickets = {(item.workspace_id, first.ticket_id) for item, first in repeats.items()}
        numbers = await self._desk.references.numbers(self._tx, tickets)
        for item, first in repeats.items():
            self._outcomes[item.item.raw.key] = Outcome(
                raw=item.item.raw,
                state=RawState.DUPLICATE,
                disposition=Disposition.DUPLICATE,
                message_id=first.message_id,
                ticket_id=first.ticket_id,
                ticket_number=numbers.get((item.workspace_id, first.ticket_id)),
            )
        await self._desk.messages.add_recipients(
            self._tx,
            {(item.workspace_id, first.message_id): item.delivered_to() for item, first in repeats.items()},
        )

    def _drop_reports(self, reports: Sequence[ScreenedMail]) -> None:
        """What servers tell about a mail of ours was recorded before (`record_bounces.py`). It opens nothing."""
        for item in reports:
            self._outcomes[item.item.raw.key] = Outcome(
                raw=item.item.raw,
                state=RawState.PARSED,
                disposition=Disposition.DROPPED,
                reason=item.verdict.machine,
            )

    async def _receive(self, items: Sequence[ScreenedMail], known: Mapping[ReferenceKey, Referred]) -> None:
        desk = self._desk
        threads = await pointed_tickets(items, known, tx=self._tx, references=desk.references, secret=desk.secret)
        arrivals = [
            Arrival(replace(to_message(item, *thread), is_released=self._is_released), item.cause)
            for item, thread in zip(items, threads, strict=True)
        ]
        receipts = await receive_messages(
            arrivals,
            tx=self._tx,
            conversations=self._desk.conversations,
            workspaces=self._desk.workspaces,
            ids=self._desk.ids,
        )
        stored: dict[RawKey, tuple[ScreenedMail, Receipt]] = {}
        for item, receipt in zip(items, receipts, strict=True):
            if not isinstance(receipt, Receipt):
                self._quarantine(item.item, str(receipt))
                continue
            if receipt.disposition is Disposition.QUARANTINED:
                self._quarantine(item.item, receipt.reason or "")
                continue
            is_repeat = receipt.disposition is Disposition.DUPLICATE
            self._outcomes[item.item.raw.key] = Outcome(
                raw=item.item.raw,
                state=RawState.DUPLICATE if is_repeat else RawState.PARSED,
                disposition=receipt.disposition,
                reason=receipt.reason,
                message_id=receipt.message_id if receipt.ticket_id else None,
                ticket_id=receipt.ticket_id,
                ticket_number=receipt.ticket_number,
            )
            if receipt.ticket_id and not is_repeat:
                stored[item.item.raw.key] = item, receipt
        await self._keep(list(stored.values()), known)

    async def _keep(
        self, stored: Sequence[tuple[ScreenedMail, Receipt]], known: Mapping[ReferenceKey, Referred]
    ) -> None:
        """By what later mails find these messages, and their files; and that their senders can be written to."""
        await self._desk.messages.record_writers(
            self._tx,
            {
                (item.workspace_id, Identity(kind=IdentityKind.EMAIL, value=item.mail.sender.address))
                for item, _ in stored
                if item.mail.sender and item.verdict.machine is MachineClass.NONE
            },
        )
        await self._desk.references.add(
            self._tx,
            {
                key: Referred(ticket_id=receipt.ticket_id, message_id=receipt.message_id)
                for item, receipt in stored
                if receipt.ticket_id
                for key in item.kept_keys(known)
            },
        )
        await self._desk.messages.add_attachments(
            self._tx,
            [
                Attachment(
                    workspace_id=item.workspace_id,
                    attachment_id=attachment_id,
                    message_id=receipt.message_id,
                    file=file,
                    sha256=sha256,
                )
                for item, receipt in stored
                for attachment_id, sha256, file in zip(
                    in_order(self._desk.ids, len(item.mail.attachments)),
                    item.item.sha256s,
                    item.mail.attachments,
                    strict=True,
                )
            ],
        )
