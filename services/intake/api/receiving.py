"""From requests to the use-case: normalises senders, gathers messages into commits, gives each its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Response

from services.intake.adapters.hooks.own import SetAside
from services.intake.api.schemas import From, MessageReceipt, MessageRequest
from services.intake.app.ports import Conversations, Receipt, Workspaces
from services.intake.app.receive_batch import receive_batch
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.domain.message import (
    Disposition,
    Identity,
    IdentityKind,
    InboundMessage,
    Sender,
    email_identity,
)
from shared.db.group_commit import GroupCommit
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DomainError, WaypostError
from shared.events.envelope import Cause
from shared.http.auth import Principal
from shared.http.context import request_cause
from shared.http.idempotency import Answer, Once, find, store
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
        aside: SetAside,
        *,
        group_max: int,
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._workspaces = workspaces
        self._seen = seen
        self._ids = ids
        self._aside = aside
        self._group: GroupCommit[_Submission, Answer] = GroupCommit(self._commit, key=_key, most=group_max)

    async def receive(self, request: MessageRequest, principal: Principal, once: Once) -> Response:
        """The answer to one message, after its commit."""
        return (await self._group.submit(_Submission(self._arrival(request, principal), once))).response()

    async def receive_batch(
        self, tx: Tx, requests: Sequence[MessageRequest], principal: Principal, cause: Cause
    ) -> list[Receipt | WaypostError]:
        """What becomes of each of these messages in this transaction."""
        await self._seen.remember(tx, {principal.workspace_id})
        arrivals = [Arrival(self._message(request, principal), cause) for request in requests]
        results = await receive_batch(
            arrivals, tx=tx, conversations=self._conversations, workspaces=self._workspaces, ids=self._ids
        )
        await self._aside.keep(tx, arrivals, results)
        return results

    def _arrival(self, request: MessageRequest, principal: Principal) -> Arrival:
        return Arrival(self._message(request, principal), request_cause())

    def _message(self, request: MessageRequest, principal: Principal) -> InboundMessage:
        return InboundMessage(
            workspace_id=principal.workspace_id,
            message_id=self._ids.new(),
            channel=request.channel,
            sender=Sender(identity=_identity(request.sender), name=request.sender.name, is_verified=False),
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
            arrivals = [item.arrival for item in fresh]
            receipts = await receive_messages(
                arrivals, tx=tx, conversations=self._conversations, workspaces=self._workspaces, ids=self._ids
            )
            await self._aside.keep(tx, arrivals, receipts)
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
                next(news) if before is None else before.checked(item.once)
                for item, before in zip(items, answered, strict=True)
            ]

        return await self._database.transact(unit, workspaces=workspaces)


def _key(item: _Submission) -> tuple[str, ...] | None:
    """Two requests with one Idempotency-Key never share a commit: the second has to find the first's answer."""
    return item.once.name if item.once.key is not None else None


def _answer(receipt: Receipt | DomainError) -> Answer | WaypostError:
    if not isinstance(receipt, Receipt):
        return receipt
    return Answer.of(200 if receipt.disposition is Disposition.DUPLICATE else 201, MessageReceipt.of(receipt))


def _identity(sender: From) -> Identity | None:
    """The strongest thing that the sender is known by. Numbers are read later, as their channel writes them."""
    if sender.email:
        return email_identity(sender.email)
    if sender.phone:
        return Identity(kind=IdentityKind.PHONE, value=sender.phone)
    if sender.handle:
        return Identity(kind=IdentityKind.HANDLE, value=sender.handle)
    return None
