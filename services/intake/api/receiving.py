"""From requests to the use-case: normalises senders, gathers messages into commits, gives each its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from fastapi import Response

from services.intake.adapters.group_commit import GroupCommit
from services.intake.api.schemas import From, MessageReceipt, MessageRequest
from services.intake.app.ports import Conversations, Receipt, Workspaces
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.domain.message import Disposition, Identity, IdentityKind, InboundMessage, Sender
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DomainError, InvalidInput, WaypostError
from shared.http.auth import Principal
from shared.http.context import request_cause
from shared.http.idempotency import Answer, Answered, Once, find, store
from shared.ids import IdFactory


@dataclass(frozen=True, slots=True)
class _Submission:
    arrival: Arrival
    once: Once


class Receiving:
    """Receives messages over HTTP."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        workspaces: Workspaces,
        seen: SeenWorkspaces,
        ids: IdFactory,
        *,
        group_max: int,
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._workspaces = workspaces
        self._seen = seen
        self._ids = ids
        self._group: GroupCommit[_Submission, Answer] = GroupCommit(self._commit, key=_key, most=group_max)

    async def receive(self, request: MessageRequest, principal: Principal, once: Once) -> Response:
        """The answer to one message, after its commit."""
        arrival = Arrival(self._normalised(request, principal), request_cause())
        return (await self._group.submit(_Submission(arrival, once))).response()

    def _normalised(self, request: MessageRequest, principal: Principal) -> InboundMessage:
        return InboundMessage(
            workspace_id=principal.workspace_id,
            message_id=self._ids.new(),
            channel=request.channel,
            sender=_sender(request.sender),
            subject=request.subject,
            text=request.text,
            text_new=request.text,
            html=request.html,
            labels=request.labels,
            priority=request.priority,
            dedupe_key=request.external_id,
            ticket_id=request.ticket_id,
            sent_at=request.sent_at,
        )

    async def _commit(self, items: Sequence[_Submission]) -> list[Answer | WaypostError]:
        workspaces = {item.once.principal.workspace_id for item in items}

        async def unit(tx: Tx) -> list[Answer | WaypostError]:
            await self._seen.remember(tx, workspaces)
            answered = await find(tx, [item.once for item in items])
            fresh = [item for item, before in zip(items, answered, strict=True) if before is None]
            receipts = await receive_messages(
                [item.arrival for item in fresh],
                tx=tx,
                conversations=self._conversations,
                workspaces=self._workspaces,
                ids=self._ids,
            )
            answers = [_answer(receipt) for receipt in receipts]
            await store(
                tx,
                [
                    (item.once, answer)
                    for item, answer in zip(fresh, answers, strict=True)
                    if isinstance(answer, Answer)
                ],
            )
            news = iter(answers)
            return [
                next(news) if before is None else _again(before, item.once)
                for item, before in zip(items, answered, strict=True)
            ]

        return await self._database.transact(unit, workspaces=workspaces)


def _key(item: _Submission) -> tuple[str, ...] | None:
    """Two requests with one Idempotency-Key never share a commit: the second has to find the first's answer."""
    return item.once.name if item.once.key is not None else None


def _answer(receipt: Receipt | DomainError) -> Answer | WaypostError:
    if not isinstance(receipt, Receipt):
        return receipt
    status = 200 if receipt.disposition is Disposition.DUPLICATE else 201
    model = MessageReceipt(
        ticket_id=receipt.ticket_id,
        ticket_number=receipt.ticket_number,
        message_id=receipt.message_id,
        disposition=receipt.disposition,
        reason=receipt.reason,
    )
    return Answer.of(status, model)


def _again(before: Answered, once: Once) -> Answer | WaypostError:
    try:
        return before.unless_other(once)
    except InvalidInput as refusal:
        return refusal


def _sender(sender: From) -> Sender:
    return Sender(identity=_identity(sender), name=sender.name, is_verified=False)


def _identity(sender: From) -> Identity | None:
    """The strongest thing that the sender is known by. Raises InvalidInput for a number that is none."""
    if sender.email:
        local, _, domain = sender.email.rpartition("@")
        return Identity(kind=IdentityKind.EMAIL, value=f"{local}@{domain.lower()}")
    if sender.phone:
        try:
            number = phonenumbers.parse(sender.phone, None)
        except phonenumbers.NumberParseException:
            raise InvalidInput(
                "The number cannot be read.", problems=(("/from/phone", "write it as +49301234567"),)
            ) from None
        return Identity(
            kind=IdentityKind.PHONE, value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        )
    if sender.handle:
        return Identity(kind=IdentityKind.HANDLE, value=sender.handle)
    return None
