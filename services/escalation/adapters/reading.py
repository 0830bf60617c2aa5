"""What people ask to see: clocks of a ticket, escalations, notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select, text

from services.escalation.adapters import rows, tables
from services.escalation.app.ports import ServiceLevels
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.evidence import Segment, segments
from services.escalation.domain.sla_clock import Entry
from services.escalation.domain.sla_policy import PolicyHistory
from shared.calendar import ALWAYS, Calendar
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.vocabulary import EscalationState

_IS_OPENED = text(
    "SELECT state->>'opened' IS NOT NULL AS is_opened FROM tracked_ticket"
    " WHERE workspace_id = :workspace AND ticket_id = :ticket"
)
_CLOCKS = text(
    "SELECT * FROM sla_clock WHERE workspace_id = :workspace AND ticket_id = :ticket ORDER BY started_at, clock_id"
)
_ESCALATION = text("SELECT * FROM escalation WHERE workspace_id = :workspace AND escalation_id = :id")


@dataclass(frozen=True, slots=True)
class ShownClock:
    """A clock, and its time piece by piece."""

    record: ClockRecord
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class TicketClocks:
    """The clocks of a ticket as of a moment."""

    now: datetime
    clocks: Sequence[ShownClock]


async def ticket_clocks(tx: Tx, workspace_id: str, ticket_id: UUID, levels: ServiceLevels) -> TicketClocks:
    """Every clock that a ticket has had. Raises NotFound."""
    wanted = {"workspace": workspace_id, "ticket": ticket_id}
    if not (await tx.execute(_IS_OPENED, wanted)).scalar_one_or_none():
        raise NotFound
    found = (await tx.execute(_CLOCKS, wanted)).mappings().all()
    # After the clocks: the newest version that one of them names is there by now.
    history = (await levels.load(tx, [workspace_id]))[workspace_id]
    now = await tx.now()
    return TicketClocks(now, [_shown(rows.to_clock(row, history), now, history) for row in found])


def _shown(record: ClockRecord, now: datetime, history: PolicyHistory) -> ShownClock:
    def calendar_of(entry: Entry) -> Calendar:
        return history.version(entry.policy_version).calendars[entry.calendar] if entry.calendar else ALWAYS

    return ShownClock(record, list(segments(record.clock, now, calendar_of)))


async def escalation(tx: Tx, workspace_id: str, escalation_id: UUID) -> RowMapping:
    """One escalation. Raises NotFound."""
    found = await tx.execute(_ESCALATION, {"workspace": workspace_id, "id": escalation_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


async def escalations(
    tx: Tx,
    workspace_id: str,
    state: EscalationState | None,
    ticket_id: UUID | None,
    before: UUID | None,
    *,
    most: int,
) -> Sequence[RowMapping]:
    """Escalations, the newest first."""
    return (await tx.execute(listing(workspace_id, state, ticket_id, before, most))).mappings().all()


def listing(
    workspace_id: str, state: EscalationState | None, ticket_id: UUID | None, before: UUID | None, most: int
) -> Select[Any]:
    """What lists escalations, the newest first: along the index of their ticket, of live ones or of their key."""
    t = tables.escalation.c
    query = select(tables.escalation).where(t.workspace_id == workspace_id)
    # Between, and not equal: then only the index that is meant has the order that is asked for.
    if ticket_id is not None:
        query = query.where(t.ticket_id.between(ticket_id, ticket_id)).order_by(t.ticket_id.desc())
        query = query if state is None else query.where(t.state == state)
    elif state not in (None, EscalationState.RESOLVED):
        live = query.where(text("state IN ('raised', 'acknowledged')"), t.state.between(state, state))
        query = live.order_by(t.state.desc())
    elif state is not None:
        query = query.where(t.state == state)
    if before is not None:
        query = query.where(t.escalation_id < before)
    return query.order_by(t.escalation_id.desc()).limit(most)
