"""What became of messages on their way, in PostgreSQL: attempts, receipts, what could not be delivered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.references import PostgresReferences
from services.intake.adapters.happenings import Happenings
from services.intake.adapters.outbound import bounces, receipts
from services.intake.adapters.outbound.losses import loss
from services.intake.app.delivery_ports import DeliveryKey, ListedDelivery, ReceiptKey, Step
from services.intake.app.mail_ports import Bounce, Referred
from services.intake.domain.mail_threads import id_key
from services.intake.domain.message import DeliveryState
from services.intake.domain.outgoing import Outgoing
from services.intake.domain.progress import UNDELIVERED, Progress
from shared.db.unit_of_work import Tx
from shared.errors import Conflict, NotFound
from shared.vocabulary import ChannelKind

_KEPT_FOR = timedelta(days=7)
"""Receipts of messages that we never knew: somebody else sends by the same number."""

_SETTLE = text(
    "UPDATE delivery SET state = :state, last_error = :error, next_attempt_at = :next, provider_id = :provider_id,"
    " sent_at = :sent_at, delivered_at = :delivered_at, read_at = :read_at, failed_at = :failed_at,"
    " recipient = :recipient"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id AND state = 'queued' RETURNING ticket_id"
)
_NAME = text(
    "UPDATE message SET provider_message_id = :reference"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id"
)
_LIST = text(
    "SELECT d.*, t.number FROM delivery d JOIN ticket t USING (workspace_id, ticket_id)"
    " WHERE d.workspace_id = :workspace_id AND d.state IN ('queued', 'failed', 'bounced')"
    " AND d.state = ANY (CAST(:states AS text[])) AND (CAST(:channel AS text) IS NULL OR d.channel = :channel)"
    " AND (CAST(:before AS uuid) IS NULL OR d.message_id < :before) ORDER BY d.message_id DESC LIMIT :most"
)
_ONE = text(
    "SELECT d.*, t.number FROM delivery d JOIN ticket t USING (workspace_id, ticket_id)"
    " WHERE d.workspace_id = :workspace_id AND d.message_id = :message_id FOR UPDATE OF d"
)
_PROVIDER_ID = text(
    "SELECT channel, provider_id FROM delivery WHERE workspace_id = :workspace_id AND message_id = :message_id"
)
_AGAIN = text(
    "UPDATE delivery SET state = 'queued', attempts = 0, round = round + 1, queued_at = :now,"
    " next_attempt_at = :now, last_error = NULL, provider_id = NULL, sent_at = NULL, delivered_at = NULL,"
    " read_at = NULL, failed_at = NULL"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of trying to send.

    next_attempt_at: when it is tried again, where it stays queued
    reference: the Message-ID by which answers by mail find it
    """

    progress: Progress
    provider_id: str | None = None
    reference: str | None = None
    next_attempt_at: datetime


class PostgresDeliveries:
    """Implements the port `Deliveries`, and keeps what comes of attempts."""

    def __init__(self, references: PostgresReferences, happenings: Happenings, bells: Bells) -> None:
        self._references = references
        self._happenings = happenings
        self._bells = bells

    async def settle(self, tx: Tx, outgoing: Outgoing, attempt: Attempt) -> Progress:
        """Keeps what came of an attempt, joined with receipts that came before; how far the message has got."""
        progress = attempt.progress
        if attempt.provider_id is not None:
            key = outgoing.workspace_id, outgoing.channel, attempt.provider_id
            await receipts.lock_names(tx, [key])
            if early := await receipts.take_kept(tx, key):
                progress = progress.joined(early)
        if progress.is_undelivered:
            await self._happenings.lock(tx, [(outgoing.workspace_id, outgoing.ticket_id)])
        named = {"workspace_id": outgoing.workspace_id, "message_id": outgoing.message_id}
        settled = await tx.execute(
            _SETTLE,
            {
                **named,
                **receipts.columns(progress),
                "error": progress.reason,
                "next": attempt.next_attempt_at,
                "provider_id": attempt.provider_id,
                "recipient": outgoing.to if outgoing.channel_kind is ChannelKind.EMAIL else None,
            },
        )
        if settled.one_or_none() is None:
            return progress
        if attempt.reference is not None:
            await tx.execute(_NAME, {**named, "reference": attempt.reference})
            referred = Referred(ticket_id=outgoing.ticket_id, message_id=outgoing.message_id)
            await self._references.add(tx, {(outgoing.workspace_id, id_key(attempt.reference)): referred})
        if progress.is_undelivered:
            ticket = outgoing.workspace_id, outgoing.ticket_id
            await self._happenings.tell(tx, [loss(ticket, outgoing.message_id, outgoing.channel, progress.state)])
        return progress

    async def lock_sent(
        self, tx: Tx, keys: Collection[ReceiptKey], lost: Collection[ReceiptKey]
    ) -> dict[ReceiptKey, Progress]:
        """How far those are that we know; nobody else learns of any of them meanwhile."""
        await receipts.lock_names(tx, keys)
        if lost:
            await self._happenings.lock(tx, await receipts.tickets_of(tx, lost))
        return await receipts.lock_known(tx, keys)

    async def save_progress(self, tx: Tx, steps: Mapping[ReceiptKey, Step]) -> None:
        """Keeps how far locked ones have got. What is lost shows on its ticket."""
        if not steps:
            return
        saved = await receipts.save(tx, {key: step.after for key, step in steps.items()})
        lost = [
            loss((row.workspace_id, row.ticket_id), row.message_id, row.channel, step.after.state)
            for row in saved
            if (step := steps[row.workspace_id, row.channel, row.provider_id]).is_loss
        ]
        if lost:
            await self._happenings.tell(tx, lost)

    async def keep_told(self, tx: Tx, told: Mapping[ReceiptKey, Progress]) -> None:
        """Keeps what is told about messages that we do not know yet."""
        if told:
            await receipts.keep(tx, told)

    async def mark_bounced(self, tx: Tx, told: Sequence[Bounce]) -> None:
        """Keeps what servers tell about mail that they took. What is lost shows on its ticket."""
        await self._happenings.lock(tx, await bounces.tickets_of(tx, told))
        lost = [
            loss((row.workspace_id, row.ticket_id), row.message_id, row.channel, DeliveryState(row.state))
            for row in await bounces.save(tx, told)
            if row.state in UNDELIVERED and row.before not in UNDELIVERED
        ]
        if lost:
            await self._happenings.tell(tx, lost)

    async def listed(
        self,
        tx: Tx,
        workspace_id: str,
        states: Sequence[DeliveryState],
        channel: str | None,
        before: UUID | None,
        most: int,
    ) -> list[ListedDelivery]:
        """What is not delivered, the newest first; before one of them."""
        wanted = {"workspace_id": workspace_id, "states": list(states), "channel": channel}
        return [_listed(row) for row in await tx.execute(_LIST, {**wanted, "before": before, "most": most})]

    async def again(self, tx: Tx, key: DeliveryKey) -> ListedDelivery:
        """Has a message sent again that could not be delivered. Raises NotFound and Conflict."""
        named = {"workspace_id": key[0], "message_id": key[1]}
        seen = (await tx.execute(_PROVIDER_ID, named)).one_or_none()
        if seen is None:
            raise NotFound("There is no such delivery.")
        # What is told about the first time says nothing about this one. Where nobody heard a yes there is no id
        # of the provider's, and one that knows messages by ours may have told all the same.
        names = {(key[0], seen.channel, known_as) for known_as in (seen.provider_id, str(key[1])) if known_as}
        await receipts.lock_names(tx, names)
        for name in sorted(names):
            await receipts.take_kept(tx, name)
        row = (await tx.execute(_ONE, named)).one()
        if row.state not in UNDELIVERED:
            raise Conflict(f"The message is {row.state}.")
        await tx.execute(_AGAIN, {**named, "now": await tx.now()})
        await self._bells.ring_after(tx, [key[0]])
        return _listed((await tx.execute(_ONE, named)).one())


async def forget_unknown(tx: Tx) -> bool:
    """Deletes receipts whose messages we never came to know: a chore of housekeeping."""
    return await receipts.forget(tx, await tx.now() - _KEPT_FOR)


def _listed(row: Row[tuple[object, ...]]) -> ListedDelivery:
    state = DeliveryState(row.state)
    return ListedDelivery(
        message_id=row.message_id,
        ticket_id=row.ticket_id,
        ticket_number=row.number,
        channel=row.channel,
        channel_kind=ChannelKind(row.channel_kind),
        state=state,
        attempts=row.attempts,
        queued_at=row.queued_at,
        next_attempt_at=row.next_attempt_at if state is DeliveryState.QUEUED else None,
        failed_at=row.failed_at,
        last_error=row.last_error,
    )
