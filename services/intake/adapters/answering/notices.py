"""Notices in PostgreSQL: when they are due, what is known about who gets them, what has become of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.replies import chats_of
from services.intake.adapters.email.reachability import reachability
from services.intake.adapters.outbound.opt_outs import Asked, opted_out
from services.intake.adapters.outbound.recipients import KINDS, recipient, statement
from services.intake.adapters.tickets import pairs
from services.intake.app.answering_ports import Notice, NoticeKey, NoticeState
from services.intake.app.phone import line_of
from services.intake.app.ports import IdentityKey, TicketKey
from services.intake.domain.call_follow_up import UNREACHED
from services.intake.domain.calling_back import Line
from services.intake.domain.message import Identity, IdentityKind, email_identity
from services.intake.domain.notice import MOST_UNANSWERED, Circumstances, Planned
from services.intake.domain.notice_plan import Reason
from services.intake.domain.outgoing import answerable
from services.intake.domain.reachability import Reachability
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.vocabulary import ChannelKind, MachineClass

_PLAN = text(
    "INSERT INTO notice AS n (workspace_id, ticket_id, reason, shard, state, since, due_at, why, is_verified)"
    " SELECT w.workspace_id, w.ticket_id, w.reason, w.shard,"
    " CASE WHEN w.why IS NULL THEN 'due' ELSE 'withheld' END, w.since, w.due_at, w.why, w.is_verified"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:reasons AS text[]),"
    " CAST(:shards AS smallint[]), CAST(:sinces AS timestamptz[]), CAST(:dues AS timestamptz[]),"
    " CAST(:whys AS text[]), CAST(:verified AS boolean[]))"
    " AS w (workspace_id, ticket_id, reason, shard, since, due_at, why, is_verified)"
    " ON CONFLICT (workspace_id, ticket_id, reason) DO UPDATE"
    " SET state = excluded.state, since = excluded.since, due_at = excluded.due_at, why = NULL"
    " WHERE n.state <> 'sent'"
)
_LOCK = text(
    "SELECT n.workspace_id, n.ticket_id, n.reason, n.since, n.due_at, n.times"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:reasons AS text[]))"
    " AS w (workspace_id, ticket_id, reason) JOIN notice n USING (workspace_id, ticket_id, reason)"
    " WHERE n.state = 'due' AND n.due_at <= :now"
    " ORDER BY n.workspace_id, n.ticket_id, n.reason FOR UPDATE OF n"
)
_CIRCUMSTANCES = statement(
    "SELECT t.workspace_id, t.ticket_id, t.channel, t.channel_kind, {recipient}, {reply_to} AS reply_to,"
    " opening.machine, first.why, COALESCE(first.is_verified, false) AS is_verified, past.unanswered,"
    " asked_before.surveyed_at, past.last_state, past.last_queued_at, asked.created_at AS asked_at,"
    " called.caller, called.called AS own_number,"
    " COALESCE(called.is_owed AND called.outcome = ANY (:unreached), false) AS has_reached_nobody,"
    " (SELECT m.created_at FROM message m WHERE m.workspace_id = t.workspace_id AND m.ticket_id = t.ticket_id"
    " AND m.kind = 'outbound' ORDER BY m.created_at DESC LIMIT 1) AS written_at,"
    " (SELECT CAST(e.data ->> 'due_at' AS timestamptz) FROM ticket_event e WHERE e.workspace_id = t.workspace_id"
    " AND e.ticket_id = t.ticket_id AND e.type = 'sla.clock_started' AND e.data ->> 'metric' = 'first_reply'"
    " ORDER BY e.at DESC LIMIT 1) AS reply_due_at,"
    " (SELECT CASE e.data ->> 'actor_kind' WHEN 'agent' THEN e.data ->> 'actor_id' END FROM ticket_event e"
    " WHERE e.workspace_id = t.workspace_id AND e.ticket_id = t.ticket_id AND e.type = 'ticket.status_changed'"
    " AND e.data ->> 'status' = 'solved' ORDER BY e.at DESC, e.entry DESC LIMIT 1) AS solved_by"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
    " LEFT JOIN notice first ON first.workspace_id = t.workspace_id AND first.ticket_id = t.ticket_id"
    " AND first.reason = 'received'"
    " LEFT JOIN LATERAL (SELECT i.machine FROM message i WHERE i.workspace_id = t.workspace_id"
    " AND i.ticket_id = t.ticket_id AND i.kind = 'inbound' ORDER BY i.created_at, i.entry LIMIT 1) AS opening"
    " ON true"
    " LEFT JOIN LATERAL ({asked}) AS asked ON true"
    " LEFT JOIN LATERAL (SELECT c.caller, c.called, c.is_owed, c.outcome FROM call c"
    " WHERE c.workspace_id = t.workspace_id AND c.ticket_id = t.ticket_id"
    " ORDER BY c.started_at DESC, c.call_id DESC LIMIT 1) AS called ON true"
    " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE o.number < t.number AND o.first_replied_at IS NULL"
    " AND o.status NOT IN ('solved', 'closed')) AS unanswered,"
    " (array_agg(sent.state ORDER BY sent.queued_at DESC) FILTER (WHERE sent.state IS NOT NULL))[1] AS last_state,"
    " max(sent.queued_at) AS last_queued_at"
    " FROM (SELECT o.workspace_id, o.ticket_id, o.number, o.status, o.first_replied_at,"
    " row_number() OVER (ORDER BY o.number DESC) AS place FROM ticket o WHERE o.workspace_id = t.workspace_id"
    " AND o.customer_id = t.customer_id AND o.number <= t.number ORDER BY o.number DESC LIMIT :tickets) o"
    " LEFT JOIN LATERAL (SELECT d.state, d.queued_at FROM message m JOIN delivery d"
    " ON d.workspace_id = m.workspace_id AND d.message_id = m.message_id WHERE o.place <= 5"
    " AND m.workspace_id = o.workspace_id AND m.ticket_id = o.ticket_id AND m.kind = 'outbound'"
    " AND d.state <> 'queued' ORDER BY m.created_at DESC LIMIT 1) AS sent ON true) AS past"
    " CROSS JOIN LATERAL (SELECT max(s.sent_at) AS surveyed_at FROM (SELECT o.workspace_id, o.ticket_id"
    " FROM ticket o WHERE o.workspace_id = t.workspace_id AND o.customer_id = t.customer_id"
    " ORDER BY o.number DESC LIMIT :tickets) o JOIN survey s USING (workspace_id, ticket_id)) AS asked_before",
    of="t",
)
_SETTLE = text(
    "UPDATE notice n SET state = w.state, due_at = w.due_at, times = w.times, why = w.why, decided_at = :now"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:reasons AS text[]),"
    " CAST(:states AS text[]), CAST(:dues AS timestamptz[]), CAST(:times AS integer[]), CAST(:whys AS text[]))"
    " AS w (workspace_id, ticket_id, reason, state, due_at, times, why)"
    " WHERE n.workspace_id = w.workspace_id AND n.ticket_id = w.ticket_id AND n.reason = w.reason"
)

_LOOKED_AT = 100
"""So many of a customer's newest tickets say how it stands with them."""

_UNDELIVERED = ("bounced", "failed")


class PostgresNoticePlans:
    """Implements the port `NoticePlans`."""

    def __init__(self, shards: int, bells: Bells) -> None:
        self._notice_shards = shards
        self._notice_bells = bells

    async def plan_notices(self, tx: Tx, planned: Sequence[Planned]) -> None:
        """Keeps when notices are due. One that was sent stays as it is; one that was not is due anew."""
        if not planned:
            return
        last = {(item.workspace_id, item.ticket_id, item.reason): item for item in planned}
        ordered = [last[key] for key in sorted(last)]
        await tx.execute(
            _PLAN,
            {
                "workspaces": [item.workspace_id for item in ordered],
                "ids": [item.ticket_id for item in ordered],
                "reasons": [item.reason.value for item in ordered],
                "shards": [shard_of(item.workspace_id, self._notice_shards) for item in ordered],
                "sinces": [item.since for item in ordered],
                "dues": [item.due_at for item in ordered],
                "whys": [item.withheld for item in ordered],
                "verified": [item.is_verified for item in ordered],
            },
        )
        if any(item.withheld is None for item in ordered):
            await self._notice_bells.ring_after(tx, {item.workspace_id for item in ordered})


class PostgresNotices:
    """Implements the port `Notices`."""

    async def lock_due(self, tx: Tx, keys: Collection[NoticeKey], now: datetime) -> list[Notice]:
        """Those of these that are due, locked."""
        rows = await tx.execute(_LOCK, {**_columns(sorted(keys)), "now": now})
        return [
            Notice(
                key=(row.workspace_id, row.ticket_id, Reason(row.reason)),
                state=NoticeState.DUE,
                since=row.since,
                due_at=row.due_at,
                times=row.times,
            )
            for row in rows
        ]

    async def circumstances(
        self, tx: Tx, keys: Collection[TicketKey], by: Mapping[TicketKey, tuple[str, ChannelKind]]
    ) -> dict[TicketKey, Circumstances]:
        """What is known about the customers of tickets. by: other channels than theirs, to reach callers"""
        named = {**pairs(keys), **KINDS, "tickets": _LOOKED_AT, "unreached": list(UNREACHED)}
        rows = {(row.workspace_id, row.ticket_id): row for row in await tx.execute(_CIRCUMSTANCES, named)}
        chats = await chats_of(tx, keys)
        gone = {key: chat.visitor for key, chat in chats.items() if chat.mail_to}
        goes_to: dict[TicketKey, str | None] = {key: visitor.email for key, visitor in gone.items()}
        asked: dict[TicketKey, Asked] = {}
        lines: dict[TicketKey, Line] = {}
        for key, row in rows.items():
            if key in gone:
                continue
            channel, kind = by.get(key, (row.channel, None))
            identity = _caller(row, kind) if kind else recipient(row)
            wanted = None if kind else row.reply_to
            goes_to[key] = wanted or (identity.value if identity else None)
            if identity:
                asked[key] = key[0], channel, identity
                if kind and identity.kind is IdentityKind.PHONE:
                    lines[key] = line_of(identity.value)
        addresses = {
            (key[0], email_identity(address)) for key, address in goes_to.items() if address and "@" in address
        }
        flagged = await reachability(tx, addresses)
        refused = await opted_out(tx, set(asked.values()))
        return {
            key: Circumstances(
                recipient=goes_to[key],
                is_only_named=key in gone and not gone[key].has_own_email,
                is_undeliverable=_has_failed(row) or _is_flagged(key[0], goes_to[key], flagged),
                is_opted_out=asked.get(key) in refused,
                has_reached_nobody=row.has_reached_nobody,
                line=lines.get(key),
                own_region=line_of(row.own_number).region if key in lines and row.own_number else None,
                opened_by_machine=row.machine not in (None, MachineClass.NONE),
                withheld=row.why,
                is_verified=row.is_verified,
                unanswered=min(row.unanswered, MOST_UNANSWERED),
                written_at=row.written_at,
                solved_by=row.solved_by,
                surveyed_at=row.surveyed_at,
                reply_due_at=row.reply_due_at,
            )
            for key, row in rows.items()
        }

    async def settle(self, tx: Tx, notices: Sequence[Notice], now: datetime) -> None:
        """Keeps what has become of them."""
        await tx.execute(
            _SETTLE,
            {
                **_columns([notice.key for notice in notices]),
                "states": [notice.state.value for notice in notices],
                "dues": [notice.due_at for notice in notices],
                "times": [notice.times for notice in notices],
                "whys": [notice.why for notice in notices],
                "now": now,
            },
        )


def _has_failed(row: Row[Any]) -> bool:
    """Whether the last message did not arrive, and they have not written since."""
    if row.last_state not in _UNDELIVERED:
        return False
    return row.asked_at is None or bool(row.asked_at <= row.last_queued_at)


def _caller(row: Row[Any], kind: ChannelKind) -> Identity | None:
    """As whom the ticket's last caller is reached by another channel; none where nobody knows."""
    if kind is ChannelKind.EMAIL:
        return answerable(kind, None, {IdentityKind(name): value for name, value in (row.known or {}).items()})
    is_number = (row.caller or "").startswith("+")
    return Identity(kind=IdentityKind.PHONE, value=row.caller) if is_number else None


def _is_flagged(workspace_id: str, address: str | None, flagged: Mapping[IdentityKey, Reachability]) -> bool:
    known = flagged.get((workspace_id, email_identity(address))) if address else None
    return known is not None and not known.is_deliverable


def _columns(keys: Sequence[NoticeKey]) -> dict[str, object]:
    return {
        "workspaces": [key[0] for key in keys],
        "ids": [key[1] for key in keys],
        "reasons": [key[2].value for key in keys],
    }
