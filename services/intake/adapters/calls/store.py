"""Calls and what was told about them, in PostgreSQL: a statement a table, however many rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.intake.adapters.calls import tables
from services.intake.adapters.messages import add_words
from services.intake.adapters.tickets import pairs
from services.intake.app.call_ports import Call, CallKey
from services.intake.app.ports import TicketKey
from services.intake.domain.call import CallEvent, CallEventKind, CallPhase, CallSummary
from services.intake.domain.call_follow_up import Owed
from services.intake.domain.search import words_of
from services.intake.domain.ticket import Ticket
from shared.db.sets import insert_new_set, transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.vocabulary import CallOutcome

_CALL = tuple(column.name for column in tables.call.columns)
_EVENT = tuple(column.name for column in tables.call_event.columns)
_SUMMARY = tuple(field.name for field in fields(CallSummary))

_SAVE_CALLS = upsert_set(tables.call, _CALL)
_ADD_EVENTS = insert_new_set(tables.call_event, _EVENT)
# A lock of its own kind, taken before all others and only here: it has its place in everybody's order.
_LOCK = text(
    "SELECT pg_advisory_xact_lock(w.n) FROM (SELECT DISTINCT hashtextextended("
    "concat_ws('/', 'call', workspace_id, channel, provider_call_id), 0) AS n"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:calls AS text[]))"
    " AS w (workspace_id, channel, provider_call_id)"
    " ORDER BY 1) AS w"
)
_FIND = text(
    "SELECT c.*, (SELECT count(*) FROM call_event e WHERE e.workspace_id = c.workspace_id"
    " AND e.channel = c.channel AND e.provider_call_id = c.provider_call_id) AS told"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:calls AS text[]))"
    " AS w (workspace_id, channel, provider_call_id)"
    " JOIN call c USING (workspace_id, channel, provider_call_id)"
)
_EVENTS = text(
    "SELECT e.*"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:calls AS text[]))"
    " AS w (workspace_id, channel, provider_call_id)"
    " JOIN call_event e USING (workspace_id, channel, provider_call_id)"
)
# However many calls a ticket has, it is asked for one of them, and whether there is any.
_OTHERS = text(
    "SELECT w.workspace_id, w.ticket_id, o.call_id, o.ended_at, o.outcome"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " LEFT JOIN LATERAL (SELECT c.call_id, c.ended_at, c.outcome FROM call c"
    " WHERE c.workspace_id = w.workspace_id AND c.ticket_id = w.ticket_id AND c.is_owed"
    " AND c.call_id <> ALL (CAST(:than AS uuid[]))"
    " ORDER BY c.ended_at DESC, c.call_id DESC LIMIT 1) o ON true"
    " WHERE EXISTS (SELECT 1 FROM call c WHERE c.workspace_id = w.workspace_id AND c.ticket_id = w.ticket_id"
    " AND c.call_id <> ALL (CAST(:than AS uuid[])))"
)
_WITH_MESSAGES = text(
    "SELECT w.workspace_id, w.ticket_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " WHERE EXISTS (SELECT 1 FROM message m WHERE m.workspace_id = w.workspace_id AND m.ticket_id = w.ticket_id)"
)
_UNSETTLE = text(
    "UPDATE call c SET settles_at = NULL"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:calls AS text[]))"
    " AS w (workspace_id, channel, provider_call_id)"
    " WHERE c.workspace_id = w.workspace_id"
    " AND c.channel = w.channel AND c.provider_call_id = w.provider_call_id"
)
_RETELL = text(
    "UPDATE message m SET text = w.said, text_new = w.said"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:keys AS text[]),"
    " CAST(:said AS text[])) AS w (workspace_id, channel, dedupe_key, said)"
    " WHERE m.workspace_id = w.workspace_id AND m.channel = w.channel AND m.dedupe_key = w.dedupe_key"
    " AND m.text <> w.said RETURNING m.workspace_id, m.message_id, m.ticket_id, m.subject, m.text"
)


class PostgresCalls:
    """Implements the port `Calls`."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    async def lock(self, tx: Tx, keys: Collection[CallKey]) -> None:
        """Lets nobody else record about these calls until the commit. Before all other locks."""
        if keys:
            await tx.execute(_LOCK, _columns(keys))

    async def find(self, tx: Tx, keys: Collection[CallKey]) -> dict[CallKey, tuple[Call, int]]:
        """Those that are known, with how many events were told about them."""
        if not keys:
            return {}
        rows = (await tx.execute(_FIND, _columns(keys))).mappings()
        return {_key(row): (to_call(row), row["told"]) for row in rows}

    async def events(self, tx: Tx, keys: Collection[CallKey]) -> dict[CallKey, list[CallEvent]]:
        """What was told about calls."""
        told: dict[CallKey, list[CallEvent]] = {key: [] for key in keys}
        for row in (await tx.execute(_EVENTS, _columns(keys))).mappings() if keys else ():
            told[_key(row)].append(_to_event(row))
        return told

    async def others(
        self, tx: Tx, tickets: Collection[TicketKey], than: Collection[UUID]
    ) -> dict[TicketKey, Owed | None]:
        """Those of these tickets that have calls other than these, with the last of them that is followed up."""
        if not tickets:
            return {}
        rows = await tx.execute(_OTHERS, {**pairs(tickets), "than": sorted(than)})
        return {
            (row.workspace_id, row.ticket_id): Owed(
                ended_at=row.ended_at, call_id=row.call_id, outcome=CallOutcome(row.outcome)
            )
            if row.call_id
            else None
            for row in rows
        }

    async def with_messages(self, tx: Tx, keys: Collection[TicketKey]) -> set[TicketKey]:
        """Those of these tickets in which somebody has written something."""
        if not keys:
            return set()
        return {(row.workspace_id, row.ticket_id) for row in await tx.execute(_WITH_MESSAGES, pairs(keys))}

    async def add_events(self, tx: Tx, events: Sequence[tuple[CallKey, CallEvent]], now: datetime) -> None:
        """What was told; what stands there already stays."""
        if events:
            rows = [_event_row(key, event, now) for key, event in events]
            await tx.execute(_ADD_EVENTS, transposed(rows, _EVENT))

    async def save_calls(self, tx: Tx, calls: Sequence[Call]) -> None:
        """New and changed calls."""
        if calls:
            await tx.execute(_SAVE_CALLS, transposed(map(self._row, calls), _CALL))

    async def unsettle(self, tx: Tx, keys: Collection[CallKey]) -> None:
        """Nothing is waited for any more."""
        if keys:
            await tx.execute(_UNSETTLE, _columns(keys))

    async def save_subjects(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """Makes the subjects of new tickets ones that they are found by."""
        if tickets:
            await add_words(
                tx, ((of.workspace_id, of.ticket_id, of.ticket_id, words_of(of.subject)) for of in tickets)
            )

    async def retell(self, tx: Tx, texts: Mapping[tuple[str, str, str], str]) -> None:
        """What is said in messages, by workspace, channel and dedupe key, that were stored before it was known."""
        if not texts:
            return
        workspaces, channels, keys = map(list, zip(*texts, strict=True))
        parameters = {"workspaces": workspaces, "channels": channels, "keys": keys, "said": list(texts.values())}
        retold = (await tx.execute(_RETELL, parameters)).all()
        if retold:
            await add_words(
                tx,
                (
                    (row.workspace_id, row.message_id, row.ticket_id, words_of(row.subject or "", row.text))
                    for row in retold
                ),
            )

    def _row(self, call: Call) -> dict[str, object]:
        summary: Mapping[str, object] = asdict(call.summary) if call.summary else {}
        row: dict[str, object] = {name: getattr(call, name, None) for name in _CALL}
        row |= {name: summary.get(name) for name in _SUMMARY if name != "started_at"}
        return {**row, "shard": shard_of(call.workspace_id, self._shards)}


def to_call(row: RowMapping) -> Call:
    """A call of a row."""
    summary = None
    if row["outcome"] is not None:
        summary = CallSummary(**{**{name: row[name] for name in _SUMMARY}, "outcome": CallOutcome(row["outcome"])})
    kept = {field.name: row[field.name] for field in fields(Call) if field.name != "summary"}
    return Call(**{**kept, "phase": CallPhase(row["phase"]), "summary": summary})


def _key(row: RowMapping) -> CallKey:
    return row["workspace_id"], row["channel"], row["provider_call_id"]


def _columns(keys: Iterable[CallKey]) -> dict[str, object]:
    workspaces, channels, calls = map(list, zip(*sorted(keys), strict=True))
    return {"workspaces": workspaces, "channels": channels, "calls": calls}


def _event_row(key: CallKey, event: CallEvent, now: datetime) -> dict[str, object]:
    return {
        **dict(zip(("workspace_id", "channel", "provider_call_id"), key, strict=True)),
        "seq": event.seq,
        "kind": event.kind,
        "at": event.at,
        "caller": event.from_,
        "name": event.name,
        "called": event.to,
        "agent": event.agent,
        "outcome": event.outcome,
        "recording_url": event.recording_url,
        "transcript": event.transcript,
        "received_at": now,
        "provider": event.provider,
    }


def _to_event(row: RowMapping) -> CallEvent:
    return CallEvent(
        kind=CallEventKind(row["kind"]),
        call_id=row["provider_call_id"],
        seq=row["seq"],
        at=row["at"],
        from_=row["caller"],
        name=row["name"],
        to=row["called"],
        agent=row["agent"],
        outcome=CallOutcome(row["outcome"]) if row["outcome"] else None,
        recording_url=row["recording_url"],
        transcript=row["transcript"],
        provider=row["provider"],
    )
