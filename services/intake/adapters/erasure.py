"""Where personal data lies in PostgreSQL, and how it is taken out.

Every table is named here: with what forgets a customer in it, or with why it need not. A test holds this list
against the tables that there are.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import TextClause, text

from services.intake.app.mail_ports import Blobs
from services.intake.app.ports import CustomerKey
from shared.db.unit_of_work import Tx

NOT_PERSONAL: Mapping[str, str] = {
    "customer": "its own row is erased by the use-case",
    "customer_history": "ids",
    "identity": "removed by the use-case",
    "ticket": "its subject is erased by the use-case",
    "ticket_event": "what topics carry, which is ids and attributes",
    "ticket_number": "a count",
    "address": "our own addresses",
    "mail_reference": "hashes, by which a repeat is still known",
    "delivery_receipt": "what providers told about messages that we do not know",
    "chat_entry": "ids, of messages that are erased",
    "used_token": "tokens of a provider",
    "notice": "ids, and when",
    "recipient_turn": "keyed hashes of addresses, for an hour",
    "upload": "files of the staff that no message has, for a day",
    "blob": "deleted where nothing refers to it any more",
    "blob_home": "an id",
    "blob_waste": "hashes of bytes that are being removed",
    "mailbox": "accounts of our own",
}
"""Tables in which nothing has to be forgotten, and why."""

_TICKETS = text(
    "SELECT ticket_id AS id FROM ticket WHERE workspace_id = :workspace_id AND customer_id = :customer_id"
)
_MESSAGES = text(
    "SELECT message_id AS id FROM message WHERE workspace_id = :workspace_id"
    " AND (customer_id = :customer_id OR ticket_id = ANY (CAST(:tickets AS uuid[])))"
)
_RAWS = text(
    "SELECT r.raw_id AS id FROM raw r WHERE r.workspace_id = :workspace_id"
    " AND (r.ticket_id = ANY (CAST(:tickets AS uuid[])) OR r.message_id = ANY (CAST(:messages AS uuid[]))"
    " OR EXISTS (SELECT 1 FROM identity i WHERE i.workspace_id = :workspace_id AND i.customer_id = :customer_id"
    " AND (lower(r.sender) = lower(i.value) OR r.people @> to_jsonb(lower(i.value)))))"
)
_BYTES = text(
    "SELECT sha256 FROM attachment WHERE workspace_id = :workspace_id"
    " AND message_id = ANY (CAST(:messages AS uuid[]))"
    " UNION SELECT sha256 FROM raw WHERE workspace_id = :workspace_id"
    " AND raw_id = ANY (CAST(:raws AS uuid[]))"
)

_FORGET: Mapping[str, TextClause] = {
    "ticket_words": text(
        "DELETE FROM ticket_words WHERE workspace_id = :workspace_id"
        " AND (ticket_id = ANY (CAST(:tickets AS uuid[])) OR source_id = ANY (CAST(:messages AS uuid[])))"
    ),
    "attachment": text(
        "DELETE FROM attachment WHERE workspace_id = :workspace_id"
        " AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "participant": text(
        "DELETE FROM participant WHERE workspace_id = :workspace_id"
        " AND (ticket_id = ANY (CAST(:tickets AS uuid[])) OR address IN (SELECT lower(value) FROM identity"
        " WHERE workspace_id = :workspace_id AND customer_id = :customer_id))"
    ),
    "media_fetch": text(
        "DELETE FROM media_fetch WHERE workspace_id = :workspace_id"
        " AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "thread": text(
        "DELETE FROM thread WHERE workspace_id = :workspace_id AND ticket_id = ANY (CAST(:tickets AS uuid[]))"
    ),
    "opt_out": text(
        "DELETE FROM opt_out o USING identity i WHERE o.workspace_id = :workspace_id"
        " AND i.workspace_id = :workspace_id AND i.customer_id = :customer_id"
        " AND i.kind = o.kind AND i.value = o.value"
    ),
    # A chat's ticket may be another customer's by then, as that of a chat is in which somebody else wrote.
    "chat_conversation": text(
        "UPDATE chat_conversation c SET identity_value = 'erased/' || c.conversation_id, visitor_name = NULL,"
        " visitor_email = NULL, page = NULL, wants_transcript = false, due_at = NULL, state = 'left'"
        " WHERE c.workspace_id = :workspace_id AND (EXISTS (SELECT 1 FROM identity i"
        " WHERE i.workspace_id = c.workspace_id AND i.customer_id = :customer_id"
        " AND i.kind = c.identity_kind AND i.value = c.identity_value)"
        " OR c.conversation_id IN (SELECT e.conversation_id FROM message m JOIN chat_entry e"
        " ON e.workspace_id = m.workspace_id AND e.message_id = m.message_id"
        " WHERE m.workspace_id = :workspace_id AND m.message_id = ANY (CAST(:messages AS uuid[]))"
        " AND m.customer_id = :customer_id)"
        " OR (c.ticket_id = ANY (CAST(:tickets AS uuid[])) AND NOT EXISTS (SELECT 1 FROM identity i"
        " WHERE i.workspace_id = c.workspace_id AND i.customer_id <> :customer_id"
        " AND i.kind = c.identity_kind AND i.value = c.identity_value)))"
    ),
    "delivery": text(
        "UPDATE delivery SET last_error = NULL, recipient = NULL, provider_id = NULL,"
        # What is under way meanwhile finds nothing to tell of any more.
        " failed_at = CASE WHEN state = 'queued' THEN clock_timestamp() ELSE failed_at END,"
        " state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END"
        " WHERE workspace_id = :workspace_id"
        " AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "raw": text(
        "UPDATE raw SET sender = NULL, people = '[]', recipients = '[]', headers = '{}', reason = NULL,"
        " state = 'erased'"
        " WHERE workspace_id = :workspace_id AND raw_id = ANY (CAST(:raws AS uuid[]))"
    ),
    "message": text(
        "UPDATE message SET subject = NULL, text = '', text_new = '', html = NULL, author_name = NULL,"
        " author_id = CASE WHEN kind = 'inbound' THEN NULL ELSE author_id END, provider_message_id = NULL,"
        " reply_to = NULL, delivered_to = NULL, thread_key = NULL,"
        " dedupe_key = 'sha256:' || encode(sha256(convert_to(dedupe_key, 'UTF8')), 'hex')"
        " WHERE workspace_id = :workspace_id AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "call_event": text(
        "UPDATE call_event e SET caller = NULL, name = NULL, called = NULL, recording_url = NULL,"
        " transcript = NULL FROM call c WHERE c.workspace_id = :workspace_id"
        " AND (c.ticket_id = ANY (CAST(:tickets AS uuid[])) OR c.caller IN (SELECT value FROM identity"
        " WHERE workspace_id = :workspace_id AND customer_id = :customer_id))"
        " AND e.workspace_id = c.workspace_id AND e.channel = c.channel"
        " AND e.provider_call_id = c.provider_call_id"
    ),
    "call": text(
        "UPDATE call SET caller = NULL, name = NULL, called = NULL"
        " WHERE workspace_id = :workspace_id AND (ticket_id = ANY (CAST(:tickets AS uuid[]))"
        " OR caller IN (SELECT value FROM identity"
        " WHERE workspace_id = :workspace_id AND customer_id = :customer_id))"
    ),
    "survey": text(
        "UPDATE survey SET comment = '' WHERE workspace_id = :workspace_id"
        " AND ticket_id = ANY (CAST(:tickets AS uuid[]))"
    ),
    "idempotency": text(
        "DELETE FROM idempotency WHERE workspace_id = :workspace_id AND EXISTS ("
        "SELECT 1 FROM unnest(array_append(CAST(:tickets AS uuid[]), CAST(:customer_id AS uuid))) AS named (id)"
        " WHERE position(convert_to(CAST(named.id AS text), 'UTF8') IN body) > 0)"
    ),
}

FORGOTTEN = frozenset(_FORGET)


class PostgresErasure:
    """Implements the port `Erasure`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def forget(self, tx: Tx, key: CustomerKey) -> None:
        """Takes everything personal of a customer out of every table but their own row and their tickets'."""
        named: dict[str, object] = {"workspace_id": key[0], "customer_id": key[1]}
        named["tickets"] = await _ids(tx, _TICKETS, named)
        named["messages"] = await _ids(tx, _MESSAGES, named)
        named["raws"] = await _ids(tx, _RAWS, named)
        sha256s = [row.sha256 for row in await tx.execute(_BYTES, named)]
        for statement in _FORGET.values():
            await tx.execute(statement, named)
        await self._blobs.delete(tx, key[0], sha256s)


async def _ids(tx: Tx, query: TextClause, named: Mapping[str, object]) -> Collection[UUID]:
    return [row.id for row in await tx.execute(query, named)]
