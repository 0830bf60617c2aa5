"""The larger statements about what waits to leave."""

from sqlalchemy import text

from services.intake.adapters.outbound.recipients import statement

# Skips from channel to channel: a long queue of one costs the others nothing.
WAITING = text(
    "WITH RECURSIVE lane AS ("
    "(SELECT workspace_id, channel FROM delivery WHERE shard = :shard AND state = 'queued'"
    " ORDER BY workspace_id, channel LIMIT 1)"
    " UNION ALL SELECT following.workspace_id, following.channel FROM lane CROSS JOIN LATERAL ("
    "SELECT d.workspace_id, d.channel FROM delivery d WHERE d.shard = :shard AND d.state = 'queued'"
    " AND (d.workspace_id, d.channel) > (lane.workspace_id, lane.channel)"
    " ORDER BY d.workspace_id, d.channel LIMIT 1) AS following)"
    " SELECT lane.workspace_id, lane.channel, earliest.next_attempt_at FROM lane CROSS JOIN LATERAL ("
    "SELECT d.next_attempt_at FROM delivery d WHERE d.shard = :shard AND d.state = 'queued'"
    " AND d.workspace_id = lane.workspace_id AND d.channel = lane.channel"
    " ORDER BY d.next_attempt_at LIMIT 1) AS earliest ORDER BY earliest.next_attempt_at"
)

# A message waits for an earlier one of its ticket only until that one has failed for the first time, or is tried
# again after a crash. As a join, which it would be without LIMIT, it may be looked for among all that its
# workspace has waiting. `attempts <= 1` is what the index `delivery_begun` holds.
TAKE = text(
    "UPDATE delivery d SET attempts = d.attempts + 1, next_attempt_at = :again"
    " FROM (SELECT due.workspace_id, due.message_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:rooms AS integer[]))"
    " AS w (workspace_id, channel, room) CROSS JOIN LATERAL ("
    "SELECT q.workspace_id, q.message_id FROM delivery q WHERE q.shard = :shard AND q.state = 'queued'"
    " AND q.workspace_id = w.workspace_id AND q.channel = w.channel AND q.next_attempt_at <= :now"
    " AND (SELECT true FROM delivery e WHERE e.workspace_id = q.workspace_id AND e.ticket_id = q.ticket_id"
    " AND e.state = 'queued' AND e.attempts <= 1 AND e.last_error IS NULL"
    " AND e.message_id < q.message_id AND e.channel = q.channel"
    " LIMIT 1) IS NULL"
    " ORDER BY q.next_attempt_at LIMIT w.room FOR UPDATE SKIP LOCKED) AS due) AS taken"
    " WHERE d.workspace_id = taken.workspace_id AND d.message_id = taken.message_id"
    " RETURNING d.workspace_id, d.message_id"
)

OUTGOING = statement(
    "SELECT d.workspace_id, d.message_id, d.ticket_id, d.channel, d.channel_kind, d.attempts, d.round,"
    " d.queued_at, d.template, m.text, m.html, m.author_kind, m.purpose, t.number, t.language,"
    " COALESCE(m.subject, t.subject) AS subject, m.subject IS NOT NULL AS has_subject,"
    " {recipient}, asked.thread_key,"
    " CASE WHEN asked.channel_kind = d.channel_kind THEN asked.provider_message_id END AS answers,"
    " COALESCE(m.delivered_to ->> 0, {reply_to}) AS reply_to,"
    " ({asked_at}) AS asked_at,"
    " ARRAY(SELECT e.provider_message_id FROM message e WHERE e.workspace_id = d.workspace_id"
    " AND e.ticket_id = d.ticket_id AND e.provider_message_id IS NOT NULL AND e.is_public"
    " AND e.channel_kind = 'email'"
    " ORDER BY e.created_at DESC LIMIT 10) AS newest"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, message_id)"
    " JOIN delivery d USING (workspace_id, message_id)"
    " JOIN message m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id"
    " JOIN ticket t ON t.workspace_id = d.workspace_id AND t.ticket_id = d.ticket_id"
    " LEFT JOIN LATERAL ({asked}) AS asked ON true",
    of="d",
)
"""What messages are made of.

The newest message of the customer's says where the answer goes, unless it says so itself; by mail, whichever
channel that came by.
"""

ASKED_AT = statement(
    "SELECT ({asked_at}) FROM ticket t LEFT JOIN LATERAL ({asked}) AS asked ON true"
    " WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id",
    of="t",
)
