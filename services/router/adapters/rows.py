"""The engine's memory in PostgreSQL: loaded whole when a shard is taken, a statement a table at each commit."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Table, select, text

from services.router.adapters import erasure, order_rows, tables
from services.router.adapters.logged import payload_of
from services.router.adapters.memory import (
    BASE,
    CLOCKS,
    DEPARTURES,
    EARLY,
    FACTS,
    ITEM,
    MEMORY,
    OFFER,
    STEPS,
    complete_all,
    empty,
    last_decided,
    portions,
    selected,
    to_ticket,
)
from services.router.adapters.row_json import to_json
from services.router.app.configuration import RouterPart
from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.work_orders import OrderMessage
from services.router.domain import decision as d
from services.router.domain.policy import Requirements, Step
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Departure, Offer, Ticket, WorkItem
from shared.db import configuration
from shared.db.sets import insert_set, transposed, upsert_set
from shared.db.unit_of_work import Tx

_TICKETS = text(
    f"SELECT {selected(tables.ticket, 't')} FROM"  # noqa: S608 - our own names
    " unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
)

WORK_DECISIONS: Mapping[str, TypeAdapter[d.Decision]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        d.WorkQueued,
        d.StepOpened,
        d.WorkOffered,
        d.WorkAssigned,
        d.OfferEnded,
        d.WorkRequeued,
        d.Expedited,
        d.PriorityChanged,
        d.HoldEnded,
        d.EscalationRefused,
        d.WrapUpStarted,
        d.WorkCompleted,
        d.WorkCancelled,
        d.LoadParked,
        d.LoadReturned,
        d.ReturnScheduled,
    )
}
"""By the kind that a record names."""


class PostgresRoutingRows:
    """Implements the port `RoutingRows`."""

    async def load(self, tx: Tx, workspaces: Collection[str], now: datetime) -> list[RoutingState]:
        """The whole routing state of these workspaces, as it was when something was decided last.

        now: taken for that where nothing has been decided yet
        """
        await tx.take_time()
        parts = await configuration.load(tx, workspaces)

        def configured() -> dict[str, RoutingState]:
            return {name: empty(name, parts.get(name)) for name in sorted(workspaces)}

        states = await asyncio.to_thread(configured)
        for source in MEMORY:
            async for rows in portions(tx, source, workspaces):
                for row in rows:
                    source.put(states[row["workspace_id"]], row)
        decided_at = await last_decided(tx, workspaces, now)
        await asyncio.to_thread(complete_all, list(states.values()), decided_at)
        return list(states.values())

    async def add_tickets(
        self, tx: Tx, states: Mapping[str, RoutingState], tickets: Mapping[str, Collection[UUID]]
    ) -> None:
        """Brings tickets into memory that have no live work, if they are known at all; by workspace."""
        pairs = [(workspace_id, ticket_id) for workspace_id, ids in tickets.items() for ticket_id in ids]
        columns = {"workspaces": [pair[0] for pair in pairs], "ids": [pair[1] for pair in pairs]}
        for row in (await tx.execute(_TICKETS, columns)).mappings():
            states[row["workspace_id"]].tickets[row["ticket_id"]] = to_ticket(row)

    async def offer_exists(self, tx: Tx, workspace_id: str, offer_id: UUID, agent_id: str | None) -> bool:
        """Whether this agent, or with none anybody, was ever made such an offer."""
        t = tables.offer.c
        query = select(t.offer_id).where(t.workspace_id == workspace_id, t.offer_id == offer_id)
        if agent_id is not None:
            query = query.where(t.agent_id == agent_id)
        return (await tx.execute(query)).first() is not None

    async def save(
        self,
        tx: Tx,
        states: Sequence[RoutingState],
        inputs: Sequence[LoggedInput],
        decisions: Sequence[LoggedDecision],
    ) -> None:
        """Stores what has changed since the last commit, the input log and the decision records."""
        for table, rows in rows_of(states, inputs, decisions):
            if rows:
                columns = tuple(rows[0])
                statement = (insert_set if table in _APPENDED else upsert_set)(table, columns)
                await tx.execute(statement, transposed(rows, columns))

    async def forget_words(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> None:
        """Takes what people typed about tickets out of all that is recorded; each as workspace and ticket."""
        await erasure.forget_words(tx, tickets)

    async def add_order_messages(self, tx: Tx, messages: Sequence[OrderMessage]) -> None:
        """Stores what partners are to be told of their work orders."""
        await order_rows.add(tx, messages)

    async def save_configuration(self, tx: Tx, workspace_id: str, version: int, part: RouterPart, by: str) -> None:
        """Stores a workspace's configuration."""
        await configuration.save(tx, workspace_id, version, part.model_dump(mode="json"), by)


def rows_of(
    states: Sequence[RoutingState], inputs: Sequence[LoggedInput], decisions: Sequence[LoggedDecision]
) -> list[tuple[Table, list[dict[str, object]]]]:
    """What one commit writes: the rows of each table, all with the same columns."""
    return [
        (
            tables.ticket,
            [
                _ticket_row(state.workspace_id, state.tickets[ticket_id])
                for state in states
                for ticket_id in sorted(state.touched.tickets)
            ],
        ),
        (tables.reconsidering, [_reconsidering_row(state) for state in states if state.touched.is_reconsidering]),
        (tables.agent, [_agent_row(state, name) for state in states for name in sorted(state.touched.agents)]),
        (
            tables.work_item,
            # What has ended first: a ticket has one live item at any moment, also within a statement.
            [
                _item_row(state, item)
                for state in states
                for item in sorted(state.touched.items.values(), key=_ended)
            ],
        ),
        (
            tables.offer,
            [_offer_row(state, offer) for state in states for _, offer in sorted(state.touched.offers.items())],
        ),
        (tables.decision, [_decision_row(logged) for logged in decisions]),
        (tables.input_log, [_input_row(logged) for logged in inputs]),
    ]


_APPENDED = (tables.decision, tables.input_log)


def _agent_row(state: RoutingState, agent_id: str) -> dict[str, object]:
    agent = state.agents.get(agent_id) or state.retired[agent_id]
    return {
        "workspace_id": state.workspace_id,
        "agent_id": agent_id,
        "is_removed": agent_id not in state.agents,
        "state": agent.state,
        "reason": agent.reason,
        "state_since": agent.state_since,
        "idle_since": agent.idle_since,
        "activity": agent.activity,
        "used": agent.used,
        "items": json.dumps({kind: count for kind, count in agent.items.items() if count}),
        "last_assigned": json.dumps({kind: at.isoformat() for kind, at in agent.last_assigned.items()}),
        "is_connected": agent.is_connected,
        "disconnected_at": agent.disconnected_at,
        "lost_from": agent.lost_from,
        "missed": agent.missed,
        "off_duty": agent.standing.off_duty,
        "availability": agent.availability,
        "sequence": agent.sequence,
        "last_event_at": agent.last_event_at,
    }


def _ticket_row(workspace_id: str, ticket: Ticket) -> dict[str, object]:
    return {
        "workspace_id": workspace_id,
        "ticket_id": ticket.ticket_id,
        "facts": FACTS.dump_json(ticket.facts).decode() if ticket.facts else None,
        "status": ticket.status,
        "last_agent_id": ticket.last_agent_id,
        "work_id": ticket.work_id,
        "early": EARLY.dump_json(ticket.early).decode(),
        "clocks": CLOCKS.dump_json(ticket.clocks).decode(),
        "ended_call": ticket.ended_call,
    }


@lru_cache(8192)
def _base_text(base: Requirements) -> str:
    return BASE.dump_json(base).decode()


@lru_cache(8192)
def _steps_text(steps: tuple[Step, ...]) -> str:
    return STEPS.dump_json(steps).decode()


@lru_cache(1024)
def _departures_text(departures: tuple[Departure, ...]) -> str:
    return DEPARTURES.dump_json(departures).decode()


def _item_row(state: RoutingState, item: WorkItem) -> dict[str, object]:
    now = item.requirements
    return {
        **{name: getattr(item, name) for name in ITEM},
        "workspace_id": state.workspace_id,
        "queue": now.queue,
        "support_tier": now.support_tier,
        "base": _base_text(item.base),
        "steps": _steps_text(item.steps),
        "departures": _departures_text(item.departures),
        "refused_by": json.dumps(item.refused_by),
    }


def _reconsidering_row(state: RoutingState) -> dict[str, object]:
    going_on = state.reconsidering
    return {
        "workspace_id": state.workspace_id,
        "until": going_on.until if going_on else None,
        "after": going_on.after if going_on else None,
        "due_at": going_on.due_at if going_on else None,
        "is_over": going_on is None,
    }


def _ended(item: WorkItem) -> tuple[bool, UUID]:
    return item.ended_at is None, item.work_id


def _offer_row(state: RoutingState, offer: Offer) -> dict[str, object]:
    return {
        "workspace_id": state.workspace_id,
        **{name: getattr(offer, name) for name in OFFER},
    }


def record_of(decision: d.Decision) -> dict[str, object]:
    """A decision about work as it is recorded."""
    record: dict[str, object] = _adapter(decision).dump_python(decision, mode="json")
    return record


def _adapter(decision: d.Decision) -> TypeAdapter[d.Decision]:
    return WORK_DECISIONS[type(decision).__name__]


def _decision_row(logged: LoggedDecision) -> dict[str, object]:
    return {
        "workspace_id": logged.workspace_id,
        "ticket_id": logged.ticket_id,
        "work_id": logged.work_id,
        "decided_at": logged.decided_at,
        "kind": type(logged.decision).__name__,
        "record": _adapter(logged.decision).dump_json(logged.decision).decode(),
    }


def _input_row(logged: LoggedInput) -> dict[str, object]:
    brought = None
    if logged.brought is not None:
        brought = json.dumps(to_json(tables.ticket, _ticket_row(logged.workspace_id, logged.brought)))
    return {
        "workspace_id": logged.workspace_id,
        "decided_at": logged.decided_at,
        "seed": logged.seed,
        "kind": type(logged.current).__name__,
        "payload": payload_of(logged),
        "brought": brought,
        "decisions": logged.decisions,
    }
