"""Tickets, clocks, escalations and timers in PostgreSQL: a statement a table, however many rows."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.escalation.adapters import finding, rows, tables
from services.escalation.adapters.saving import save_escalations
from services.escalation.adapters.telling.book import NotificationBook
from services.escalation.adapters.waking import wake
from services.escalation.app.inbound import to_happening
from services.escalation.app.ports import Case, Histories, Saving, TicketKey, Window
from services.escalation.domain.clock_record import ClockRecord, Timer
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.happening import Happening
from services.escalation.domain.promise import Measure
from services.escalation.domain.stand_in import StandIn
from services.escalation.domain.ticket import Ticket
from shared.db.bells import ShardBells
from shared.db.read_ahead import read_ahead
from shared.db.sets import insert_new_set, transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.events.catalog import TOPIC_OF, TOPICS, shard_of
from shared.events.codec import decode, encode
from shared.events.contract import Contract
from shared.events.envelope import Event

_OF = " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
_LOCK = (
    "SELECT workspace_id, ticket_id, CAST(t.state AS text) AS state"
    + _OF
    + " JOIN tracked_ticket t USING (workspace_id, ticket_id) ORDER BY 1, 2 FOR UPDATE OF t"
)
_LOCKED = text(_LOCK)
_LOCKED_IF_FREE = text(_LOCK + " SKIP LOCKED")
_CLOCKS = "SELECT c.*" + _OF + " JOIN sla_clock c USING (workspace_id, ticket_id)"
_ALL_CLOCKS = text(_CLOCKS)
_NEWEST_CLOCKS = text(_CLOCKS + " WHERE c.is_newest")
_BRIEF_CLOCKS = text(
    "SELECT ticket_id, "
    + ", ".join("c." + name for name in rows.BRIEF_CLOCK)
    + ", CASE WHEN c.history -> -1 ->> 'cause' = 'no_target' THEN jsonb_build_array(c.history -> -1) END"
    " AS history" + _OF + " JOIN sla_clock c USING (workspace_id, ticket_id) WHERE c.is_newest"
)
_OPEN_TICKETS = text(
    "SELECT ticket_id, CAST(state AS text) AS state FROM tracked_ticket"
    " WHERE workspace_id = :workspace AND ticket_id > :after"
    " AND is_live ORDER BY ticket_id LIMIT :most"
)
_LIVE_ESCALATIONS = text(
    "SELECT e.*" + _OF + " JOIN escalation e USING (workspace_id, ticket_id)"
    " WHERE e.state <> 'resolved' ORDER BY e.escalation_id"
)
_TIMERS = text("SELECT t.*" + _OF + " JOIN timer t USING (workspace_id, ticket_id)")
_EVENTS = text("SELECT e.*" + _OF + " JOIN tracked_event e USING (workspace_id, ticket_id)")
_ESCALATION = text("SELECT * FROM escalation WHERE workspace_id = :workspace AND escalation_id = :id")
_LIVE_ON = text(
    "SELECT count(*) FROM escalation WHERE workspace_id = :workspace AND policy = :policy AND state <> 'resolved'"
)
_TOLD_ON_CALL = text(
    "SELECT DISTINCT ticket_id, watch FROM escalation WHERE workspace_id = :workspace AND state <> 'resolved'"
    " AND hand_off_at IS NOT NULL AND jsonb_exists(on_call, :rotation)"
)
_SEEN = text(
    "SELECT CAST(state AS text) AS state FROM tracked_ticket"
    " WHERE workspace_id = :workspace AND ticket_id = :ticket"
)
_FORGET_REASONS = text(
    "UPDATE escalation e SET reason = NULL"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " WHERE e.workspace_id = w.workspace_id AND e.ticket_id = w.ticket_id AND e.reason IS NOT NULL"
)
_BEGUN = text(
    # In the order of one index only: a young table is not read by its key either.
    "SELECT w.workspace_id, w.policy, w.per, (SELECT count(*) FROM (SELECT 1 FROM escalation e"
    " WHERE e.workspace_id = w.workspace_id AND e.policy = w.policy"
    " AND e.started_at > CAST(:now AS timestamptz) - w.per ORDER BY e.started_at LIMIT w.most)"
    " AS counted) AS times"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:policies AS text[]), CAST(:pers AS interval[]),"
    " CAST(:most AS integer[])) AS w (workspace_id, policy, per, most)"
)
_LIVE = text(
    "SELECT ticket_id FROM tracked_ticket WHERE workspace_id = :workspace AND ticket_id > :after AND is_live"
    " ORDER BY ticket_id LIMIT :most"
)
_FORGET_TIMERS = text(
    "DELETE FROM timer t USING unnest(CAST(:workspace_id AS text[]), CAST(:ticket_id AS uuid[]),"
    " CAST(:owner_id AS uuid[]), CAST(:generation AS integer[]), CAST(:kind AS text[]),"
    " CAST(:level AS smallint[]))"
    " AS gone (workspace_id, ticket_id, owner_id, generation, kind, level)"
    " WHERE (t.workspace_id, t.ticket_id, t.owner_id, t.generation, t.kind, t.level)"
    " = (gone.workspace_id, gone.ticket_id, gone.owner_id, gone.generation, gone.kind, gone.level)"
)

_EVENT = tuple(column.name for column in tables.tracked_event.columns)
_SAVE_TICKETS = upsert_set(tables.tracked_ticket, rows.TICKET)
_SAVE_CLOCKS = upsert_set(tables.sla_clock, rows.CLOCK)
_SAVE_TIMERS = upsert_set(tables.timer, rows.TIMER)
_KEEP_EVENTS = insert_new_set(tables.tracked_event, _EVENT)
_TIMER_KEY = rows.TIMER[:6]
_AHEAD = 200
"""Open tickets that are read at once."""


class PostgresTracking:
    """Implements the port `Tracking`."""

    def __init__(self, shards: int, timers: ShardBells, notifications: NotificationBook) -> None:
        self._shards = shards
        self._timers = timers
        self._notifications = notifications

    async def lock(
        self, tx: Tx, keys: Collection[TicketKey], *, is_patient: bool = True
    ) -> dict[TicketKey, Ticket]:
        """Tickets that are known, locked."""
        if not keys:
            return {}
        found = (await tx.execute(_LOCKED if is_patient else _LOCKED_IF_FREE, _pairs(keys))).mappings()
        return {(row["workspace_id"], row["ticket_id"]): rows.to_ticket(row["state"]) for row in found}

    async def cases(
        self, tx: Tx, tickets: Mapping[TicketKey, Ticket], histories: Histories
    ) -> dict[TicketKey, Case]:
        """Tickets that are locked, with their newest clocks and live escalations."""
        if not tickets:
            return {}
        clocks: dict[TicketKey, list[ClockRecord]] = defaultdict(list)
        for row in (await tx.execute(_NEWEST_CLOCKS, _pairs(tickets))).mappings():
            key = row["workspace_id"], row["ticket_id"]
            clocks[key].append(rows.to_clock(row, histories[key[0]]))
        escalations: dict[TicketKey, list[Escalation]] = defaultdict(list)
        for row in (await tx.execute(_LIVE_ESCALATIONS, _pairs(tickets))).mappings():
            key = row["workspace_id"], row["ticket_id"]
            escalations[key].append(rows.to_escalation(row, histories[key[0]]))
        return {key: Case(ticket, tuple(clocks[key]), tuple(escalations[key])) for key, ticket in tickets.items()}

    async def all_clocks(
        self, tx: Tx, keys: Collection[TicketKey], histories: Histories
    ) -> dict[TicketKey, tuple[ClockRecord, ...]]:
        """Every clock that these tickets ever had."""
        clocks: dict[TicketKey, tuple[ClockRecord, ...]] = defaultdict(tuple)
        for row in (await tx.execute(_ALL_CLOCKS, _pairs(keys))).mappings():
            key = row["workspace_id"], row["ticket_id"]
            clocks[key] = (*clocks[key], rows.to_clock(row, histories[key[0]]))
        return clocks

    async def keep(self, tx: Tx, events: Sequence[tuple[TicketKey, Event]]) -> None:
        """Keeps events for the day when their ticket is folded anew."""
        kept = [_event_row(key, event) for key, event in events]
        await tx.execute(_KEEP_EVENTS, transposed(kept, _EVENT))

    async def happenings(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, list[Happening]]:
        """Everything that has happened to these tickets."""
        found: dict[TicketKey, list[Happening]] = defaultdict(list)
        for row in await tx.execute(_EVENTS, _pairs(keys)):
            if happening := to_happening(decode(row.value, TOPICS[row.topic])):
                found[row.workspace_id, row.ticket_id].append(happening)
        return found

    async def timers(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, set[Timer]]:
        """The timers that stand in the table."""
        standing: dict[TicketKey, set[Timer]] = defaultdict(set)
        if keys:
            for row in (await tx.execute(_TIMERS, _pairs(keys))).mappings():
                standing[row["workspace_id"], row["ticket_id"]].add(rows.to_timer(row))
        return standing

    async def begun(self, tx: Tx, windows: Mapping[Window, int], now: datetime) -> Mapping[Window, int]:
        """How often each policy was set off in the time up to now, counted up to so many."""
        if not windows:
            return {}
        workspaces, policies, pers = zip(*windows, strict=True)
        asked = {
            "workspaces": list(workspaces),
            "policies": list(policies),
            "pers": list(pers),
            "most": list(windows.values()),
            "now": now,
        }
        return {(row.workspace_id, row.policy, row.per): row.times for row in await tx.execute(_BEGUN, asked)}

    async def stand_ins(
        self, tx: Tx, workspaces: Collection[str], start: datetime, until: datetime
    ) -> Sequence[StandIn]:
        """Overrides between two instants."""
        return await finding.stand_ins(tx, workspaces, start, until)

    async def lock_turns(self, tx: Tx, teams: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """By workspace and team who had the last turn; nobody else takes one until this transaction is over."""
        return await finding.lock_turns(tx, teams)

    async def save_turns(self, tx: Tx, taken: Mapping[tuple[str, str], str]) -> None:
        """Stores who had the last turn."""
        if taken:
            await finding.save_turns(tx, taken)

    async def turns(self, tx: Tx, workspace_id: str) -> Mapping[str, str]:
        """Who had the last turn in each team, to look at only."""
        return await finding.turns(tx, workspace_id)

    async def live_on(self, tx: Tx, workspace_id: str, policy: str) -> int:
        """How many live escalations run on a policy."""
        found = await tx.execute(_LIVE_ON, {"workspace": workspace_id, "policy": policy})
        return int(found.scalar_one())

    async def seen(self, tx: Tx, key: TicketKey) -> Ticket | None:
        """One ticket, to look at only."""
        found = await tx.execute(_SEEN, {"workspace": key[0], "ticket": key[1]})
        row = found.one_or_none()
        return None if row is None else rows.to_ticket(row.state)

    async def told_on_call(self, tx: Tx, workspace_id: str, rotation: str) -> list[UUID | str]:
        """The tickets, and what is watched, with escalations that told somebody on call for a rotation."""
        found = await tx.execute(_TOLD_ON_CALL, {"workspace": workspace_id, "rotation": rotation})
        return [row.ticket_id or row.watch for row in found]

    async def root_of(self, tx: Tx, workspace_id: str, escalation_id: UUID) -> UUID | str | None:
        """Whose lock guards an escalation: its ticket's, or that of what is watched; none: it is not there."""
        found = await tx.execute(_ESCALATION, {"workspace": workspace_id, "id": escalation_id})
        row = found.one_or_none()
        return None if row is None else row.ticket_id or row.watch

    async def forget_reasons(self, tx: Tx, keys: Collection[TicketKey]) -> None:
        """Takes out what people gave as the reasons of these tickets' escalations."""
        await tx.execute(_FORGET_REASONS, _pairs(keys))

    async def escalation(
        self, tx: Tx, workspace_id: str, escalation_id: UUID, histories: Histories
    ) -> Escalation | None:
        """One escalation, whatever became of it."""
        found = await tx.execute(_ESCALATION, {"workspace": workspace_id, "id": escalation_id})
        row = found.mappings().one_or_none()
        return None if row is None else rows.to_escalation(row, histories[workspace_id])

    async def live(self, tx: Tx, workspace_id: str, after: UUID | None, most: int) -> list[TicketKey]:
        """Tickets with a running clock, in the order of their ids, after one of them."""
        wanted = {"workspace": workspace_id, "after": after or UUID(int=0), "most": most}
        return [(workspace_id, row.ticket_id) for row in await tx.execute(_LIVE, wanted)]

    async def open_cases(
        self, tx: Tx, workspace_id: str, *, most: int, histories: Histories, with_history: bool
    ) -> AsyncGenerator[Mapping[TicketKey, Case]]:
        """All open tickets with their newest clocks, to look at only, so many at a time."""
        to_clock = rows.to_clock if with_history else rows.to_brief_clock
        history = histories[workspace_id]
        async with aclosing(read_ahead(_open_pages(tx, workspace_id, with_history=with_history))) as pages:
            async for tickets, clocks in pages:
                for start in range(0, len(tickets), most):
                    # Meanwhile what was read is taken in, and more is asked for.
                    await asyncio.sleep(0)
                    cases = {}
                    for row in tickets[start : start + most]:
                        ticket_id = row["ticket_id"]
                        found = tuple(to_clock(clock, history) for clock in clocks[ticket_id])
                        cases[workspace_id, ticket_id] = Case(rows.to_ticket(row["state"]), found)
                    yield cases

    async def save(self, tx: Tx, savings: Sequence[Saving]) -> None:
        """Stores what has changed, and the timers that follow from it."""
        ordered = sorted(savings, key=lambda saving: saving.after.key)
        tickets = [row for saving in ordered if (row := _ticket_row(saving))]
        if tickets:
            await tx.execute(_SAVE_TICKETS, transposed(tickets, rows.TICKET))
        clocks = [row for saving in ordered for row in _clock_rows(saving)]
        if clocks:
            await tx.execute(_SAVE_CLOCKS, transposed(clocks, rows.CLOCK))
        await save_escalations(tx, [item for saving in ordered for item in _changed_escalations(saving)])
        await self._save_timers(tx, ordered)
        await self._notifications.add(tx, [item for saving in ordered for item in saving.notifications])

    async def _save_timers(self, tx: Tx, savings: Sequence[Saving]) -> None:
        gone: list[dict[str, object]] = []
        new: list[dict[str, object]] = []
        earliest: dict[int, datetime] = {}
        for saving in savings:
            ticket = saving.after.ticket
            shard = shard_of(ticket.workspace_id, self._shards)
            standing = saving.before.timers() if saving.timers is None else saving.timers
            wanted = saving.after.timers()
            gone.extend(rows.timer_row(ticket, timer, shard) for timer in standing - wanted)
            for timer in wanted - standing:
                new.append(rows.timer_row(ticket, timer, shard))
                earliest[shard] = min(timer.due_at, earliest.get(shard, timer.due_at))
        if gone:
            await tx.execute(_FORGET_TIMERS, transposed(gone, _TIMER_KEY))
        if new:
            await tx.execute(_SAVE_TIMERS, transposed(new, rows.TIMER))
            await wake(tx, self._timers, earliest)


async def _open_pages(
    tx: Tx, workspace_id: str, *, with_history: bool
) -> AsyncGenerator[tuple[Sequence[RowMapping], Mapping[UUID, Sequence[RowMapping]]]]:
    """The rows of all open tickets, and by ticket of their newest clocks."""
    statement = _NEWEST_CLOCKS if with_history else _BRIEF_CLOCKS
    after = UUID(int=0)
    while True:
        wanted = {"workspace": workspace_id, "after": after, "most": _AHEAD}
        tickets = (await tx.execute(_OPEN_TICKETS, wanted)).mappings().all()
        if not tickets:
            return
        keys = [(workspace_id, row["ticket_id"]) for row in tickets]
        clocks: dict[UUID, list[RowMapping]] = defaultdict(list)
        for row in (await tx.execute(statement, _pairs(keys))).mappings():
            clocks[row["ticket_id"]].append(row)
        yield tickets, clocks
        after = keys[-1][1]


def _changed_escalations(saving: Saving) -> Iterator[Escalation]:
    return (item for item in saving.after.escalations if item not in saving.before.escalations)


def _ticket_row(saving: Saving) -> dict[str, object] | None:
    before, after = saving.before, saving.after
    is_live = _is_live(after)
    # A ticket that nothing was folded into yet has no row.
    if before.ticket.last is not None and before.ticket == after.ticket and _is_live(before) == is_live:
        return None
    return rows.ticket_row(after.ticket, is_live=is_live)


def _is_live(case: Case) -> bool:
    return case.ticket.is_unsolved or any(record.clock.is_live for record in case.clocks)


def _clock_rows(saving: Saving) -> Iterator[dict[str, object]]:
    before = {record.told.clock_id: record for record in saving.before.clocks}
    was_newest, is_newest = _newest(saving.before), _newest(saving.after)
    for record in saving.after.clocks:
        clock_id = record.told.clock_id
        if before.get(clock_id) != record or (clock_id in was_newest) != (clock_id in is_newest):
            yield rows.clock_row(saving.after.ticket, record, is_newest=clock_id in is_newest)


def _newest(case: Case) -> set[UUID]:
    newest: dict[Measure, ClockRecord] = {}
    for record in case.clocks:
        measure = record.clock.measure
        if measure not in newest or newest[measure].clock.generation < record.clock.generation:
            newest[measure] = record
    return {record.told.clock_id for record in newest.values()}


def _event_row(key: TicketKey, event: Event) -> dict[str, object]:
    assert isinstance(event.data, Contract)
    return {
        "workspace_id": key[0],
        "ticket_id": key[1],
        "subject": event.subject,
        "sequence": event.sequence,
        "topic": TOPIC_OF[type(event.data)].name,
        "value": encode(event),
    }


def _pairs(keys: Collection[TicketKey]) -> dict[str, object]:
    ordered = sorted(keys)
    return {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}
