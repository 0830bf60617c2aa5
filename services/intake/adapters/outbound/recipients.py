"""Where answers go: one rule for what is sent and for what is only considered."""

from sqlalchemy import Row, TextClause, text

from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.outgoing import answerable
from shared.vocabulary import ChannelKind

KINDS = {"kinds": list(IdentityKind)}
"""What statements with `{recipient}` are executed with."""

# By mail, whichever channel it came by; otherwise by the channel itself.
_ASKED = (
    "SELECT i.provider_message_id, i.reply_to, i.author_id, i.thread_key, i.channel_kind, i.created_at"
    " FROM message i"
    " WHERE i.workspace_id = t.workspace_id AND i.ticket_id = t.ticket_id AND i.kind = 'inbound' AND i.is_public"
    " AND i.machine IN ('none', 'auto_generated', 'bulk')"
    " AND CASE WHEN {kind} = 'email' THEN i.author_id LIKE '%_@_%' ELSE i.channel = {channel} END"
    " ORDER BY i.created_at DESC LIMIT 1"
)
_REPLY_TO = "CASE WHEN asked.channel_kind = {kind} THEN asked.reply_to END"
_RECIPIENT = (
    "asked.author_id,"
    " (SELECT y.kind FROM identity y WHERE y.workspace_id = t.workspace_id"
    " AND y.kind = ANY (CAST(:kinds AS text[])) AND y.value = asked.author_id ORDER BY y.kind DESC LIMIT 1)"
    " AS author_as,"
    " (SELECT jsonb_object_agg(k.kind, k.value) FROM (SELECT y.kind, min(y.value) AS value FROM identity y"
    " WHERE y.workspace_id = t.workspace_id AND y.customer_id = t.customer_id"
    " AND y.kind = ANY (CAST(:kinds AS text[])) GROUP BY y.kind) k) AS known"
)
# Wherever the customer wrote: a channel without threads has one conversation, however many tickets.
_ASKED_AT = (
    "SELECT max(i.created_at) FROM ticket o JOIN message i"
    " ON i.workspace_id = o.workspace_id AND i.ticket_id = o.ticket_id"
    " WHERE {kind} = 'whatsapp' AND o.workspace_id = t.workspace_id AND o.customer_id = t.customer_id"
    " AND i.kind = 'inbound' AND i.channel = {channel} AND i.author_id = asked.author_id"
)


def statement(sql: str, *, of: str) -> TextClause:
    """A statement over a ticket `t`.

    {asked}: the customer's newest message that an answer goes to; as `asked` the other parts need it
    {reply_to}: where that message wants the answer; {recipient}: what `recipient` reads
    {asked_at}: when they last wrote, where that decides what may be sent
    of: the row whose channel is meant
    """
    for name, part in {
        "asked": _ASKED,
        "reply_to": _REPLY_TO,
        "recipient": _RECIPIENT,
        "asked_at": _ASKED_AT,
        "kind": f"{of}.channel_kind",
        "channel": f"{of}.channel",
    }.items():
        sql = sql.replace(f"{{{name}}}", part)
    return text(sql)


def recipient(row: Row[tuple[object, ...]]) -> Identity | None:
    """Whom an answer is for, unless it says so itself or the message wants it elsewhere."""
    kind = ChannelKind(row.channel_kind)
    known = {IdentityKind(name): value for name, value in (row.known or {}).items()}
    if row.author_id is None:
        return answerable(kind, None, known)
    is_mail = kind is ChannelKind.EMAIL
    written_as = IdentityKind.EMAIL if is_mail else IdentityKind(row.author_as or IdentityKind.HANDLE)
    return answerable(kind, Identity(kind=written_as, value=row.author_id), known)
