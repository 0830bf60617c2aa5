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
    "ticket_event": "ids, attributes and words of ours",
    "ticket_number": "a count",
    "address": "our own addresses",
    "refusal": "hashes, by which a repeat is still known",
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
# Each table is asked by what leads into it: an OR, or a list of ids as a condition, may end in a look at all
# that there is of the workspace.
_ADDRESSES = text(
    "SELECT DISTINCT lower(value) AS address FROM identity"
    " WHERE workspace_id = :workspace_id AND customer_id = :customer_id"
)
_MESSAGES = text(
    "SELECT message_id AS id FROM message WHERE workspace_id = :workspace_id AND customer_id = :customer_id"
    " UNION SELECT m.message_id FROM unnest(CAST(:tickets AS uuid[])) AS t (ticket_id)"
    " JOIN message m ON m.workspace_id = :workspace_id AND m.ticket_id = t.ticket_id"
)
_RAWS = text(
    "SELECT r.raw_id AS id FROM unnest(CAST(:tickets AS uuid[])) AS t (ticket_id)"
    " JOIN raw r ON r.workspace_id = :workspace_id AND r.ticket_id = t.ticket_id"
    " UNION SELECT r.raw_id FROM unnest(CAST(:messages AS uuid[])) AS m (message_id)"
    " JOIN raw r ON r.workspace_id = :workspace_id AND r.message_id = m.message_id"
    " UNION SELECT p.raw_id FROM unnest(CAST(:addresses AS text[])) AS a (address)"
    " JOIN raw_person p ON p.workspace_id = :workspace_id AND p.address = a.address"
    " UNION SELECT raw_id FROM raw WHERE workspace_id = :workspace_id AND state = 'received'"
    " AND lower(sender) = ANY (CAST(:addresses AS text[]))"
)
_CALLS = text(
    "SELECT c.call_id AS id FROM unnest(CAST(:tickets AS uuid[])) AS t (ticket_id)"
    " JOIN call c ON c.workspace_id = :workspace_id AND c.ticket_id = t.ticket_id"
    " UNION SELECT c.call_id FROM identity i"
    " JOIN call c ON c.workspace_id = :workspace_id AND c.caller = i.value"
    " WHERE i.workspace_id = :workspace_id AND i.customer_id = :customer_id"
)
_CHATS = text(
    "SELECT c.conversation_id AS id FROM identity i JOIN chat_conversation c"
    " ON c.workspace_id = :workspace_id AND c.identity_kind = i.kind AND c.identity_value = i.value"
    " WHERE i.workspace_id = :workspace_id AND i.customer_id = :customer_id"
    " UNION SELECT e.conversation_id FROM unnest(CAST(:messages AS uuid[])) AS w (message_id)"
    " JOIN message m ON m.workspace_id = :workspace_id AND m.message_id = w.message_id"
    " JOIN chat_entry e ON e.workspace_id = :workspace_id AND e.message_id = m.message_id"
    " WHERE m.customer_id = :customer_id"
    # A chat's ticket may be another customer's by then, as that of a chat is in which somebody else wrote.
    " UNION SELECT c.conversation_id FROM unnest(CAST(:tickets AS uuid[])) AS t (ticket_id)"
    " JOIN chat_conversation c ON c.workspace_id = :workspace_id AND c.ticket_id = t.ticket_id"
    " WHERE NOT EXISTS (SELECT 1 FROM identity i"
    " WHERE i.workspace_id = c.workspace_id AND i.customer_id <> :customer_id"
    " AND i.kind = c.identity_kind AND i.value = c.identity_value)"
)
_BYTES = text(
    "SELECT a.sha256 FROM unnest(CAST(:messages AS uuid[])) AS m (message_id)"
    " JOIN attachment a ON a.workspace_id = :workspace_id AND a.message_id = m.message_id"
    " UNION SELECT r.sha256 FROM unnest(CAST(:raws AS uuid[])) AS w (raw_id)"
    " JOIN raw r ON r.workspace_id = :workspace_id AND r.raw_id = w.raw_id"
)

_FORGET: Mapping[str, TextClause] = {
    "ticket_words": text(
        "DELETE FROM ticket_words WHERE workspace_id = :workspace_id"
        " AND source_id = ANY (CAST(:tickets AS uuid[]) || CAST(:messages AS uuid[]))"
    ),
    "attachment": text(
        "DELETE FROM attachment WHERE workspace_id = :workspace_id"
        " AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "participant": text(
        "DELETE FROM participant p USING (SELECT address, ticket_id FROM unnest(CAST(:tickets AS uuid[]))"
        " AS t (ticket_id) JOIN participant USING (ticket_id) WHERE workspace_id = :workspace_id"
        " UNION SELECT o.address, o.ticket_id FROM unnest(CAST(:addresses AS text[])) AS a (address)"
        " JOIN participant o ON o.workspace_id = :workspace_id AND o.address = a.address) AS w"
        " WHERE p.workspace_id = :workspace_id AND p.address = w.address AND p.ticket_id = w.ticket_id"
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
    "chat_conversation": text(
        "UPDATE chat_conversation SET identity_value = 'erased/' || conversation_id, visitor_name = NULL,"
        " visitor_email = NULL, page = NULL, wants_transcript = false, due_at = NULL, state = 'left'"
        " WHERE workspace_id = :workspace_id AND conversation_id = ANY (CAST(:chats AS uuid[]))"
    ),
    "delivery": text(
        "UPDATE delivery SET last_error = NULL, recipient = NULL, provider_id = NULL,"
        # What is under way meanwhile finds nothing to tell of any more.
        " failed_at = CASE WHEN state = 'queued' THEN clock_timestamp() ELSE failed_at END,"
        " state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END"
        " WHERE workspace_id = :workspace_id"
        " AND message_id = ANY (CAST(:messages AS uuid[]))"
    ),
    "raw_person": text(
        "DELETE FROM raw_person WHERE workspace_id = :workspace_id AND raw_id = ANY (CAST(:raws AS uuid[]))"
    ),
    "raw": text(
        "UPDATE raw SET sender = NULL, recipients = '[]', headers = '{}', reason = NULL,"
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
        " AND c.call_id = ANY (CAST(:calls AS uuid[]))"
        " AND e.workspace_id = c.workspace_id AND e.channel = c.channel"
        " AND e.provider_call_id = c.provider_call_id"
    ),
    "call": text(
        "UPDATE call SET caller = NULL, name = NULL, called = NULL"
        " WHERE workspace_id = :workspace_id AND call_id = ANY (CAST(:calls AS uuid[]))"
    ),
    "survey": text(
        "UPDATE survey SET comment = '' WHERE workspace_id = :workspace_id"
        " AND ticket_id = ANY (CAST(:tickets AS uuid[]))"
    ),
    # What is answered to messages says nothing about anybody, and there is too much of it to look through.
    "idempotency": text(
        "DELETE FROM idempotency WHERE workspace_id = :workspace_id"
        " AND route NOT IN ('POST /v1/messages', 'POST /v1/messages/batch') AND EXISTS ("
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
        named["addresses"] = [row.address for row in await tx.execute(_ADDRESSES, named)]
        named["messages"] = await _ids(tx, _MESSAGES, named)
        named["raws"] = await _ids(tx, _RAWS, named)
        named["calls"] = await _ids(tx, _CALLS, named)
        named["chats"] = await _ids(tx, _CHATS, named)
        sha256s = [row.sha256 for row in await tx.execute(_BYTES, named)]
        for statement in _FORGET.values():
            await tx.execute(statement, named)
        await self._blobs.delete(tx, key[0], sha256s)


async def _ids(tx: Tx, query: TextClause, named: Mapping[str, object]) -> Collection[UUID]:
    return [row.id for row in await tx.execute(query, named)]
