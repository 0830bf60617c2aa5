"""The engine's memory, made of rows: what is immutable and repeats from row to row is made once and shared."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, Table, TextClause, text

from services.router.adapters import tables
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.outbound import presence
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.facts import Facts
from services.router.domain.hours import OffDuty, Standing
from services.router.domain.policy import Requirements, Step
from services.router.domain.reconfigure import restore
from services.router.domain.reconsidering import Reconsidering
from services.router.domain.settling import note_settled
from services.router.domain.sla_clock import SlaClock
from services.router.domain.state import RoutingState, Touched
from services.router.domain.work_item import Departure, Offer, OfferState, Raised, Ticket, WorkItem
from shared.db import configuration
from shared.db.unit_of_work import Tx
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus, WorkState

Row = Mapping[str, Any] | RowMapping
"""A row of one of our tables, its JSON as text."""

BASE = TypeAdapter(Requirements)
STEPS = TypeAdapter(tuple[Step, ...])
DEPARTURES = TypeAdapter(tuple[Departure, ...])
FACTS = TypeAdapter(Facts)
EARLY = TypeAdapter(tuple[Raised, ...])
CLOCKS = TypeAdapter(tuple[SlaClock, ...])

_PORTION = 500
"""Rows that are made into memory at a time: a few milliseconds, in which nothing else happens."""

# Of hundreds of thousands of items most ask for the same; a ticket's facts repeat less.
_base = lru_cache(8192)(BASE.validate_json)
_steps = lru_cache(8192)(STEPS.validate_json)
_departures = lru_cache(1024)(DEPARTURES.validate_json)
_facts = lru_cache(8192)(FACTS.validate_json)
_KINDS = {kind.value: kind for kind in ChannelKind}
_PRIORITIES = {priority.value: priority for priority in Priority}
_STATES = {state.value: state for state in WorkState}
_STATUSES = {status.value: status for status in TicketStatus}

OFFER = tuple(field.name for field in fields(Offer))
"""What an offer and its row have both."""
ITEM = tuple(sorted({field.name for field in fields(WorkItem)} & set(tables.work_item.columns.keys())))
"""What a work item and its row have both."""
_OF_ROW_ONLY = tuple(sorted(set(tables.work_item.columns.keys()).difference(ITEM)))


def selected(table: Table, name: str = "") -> str:
    """All columns of a table, or of what stands for it in a query, with JSON as text."""
    return ", ".join(
        f"CAST({name or table.name}.{column.name} AS text) AS {column.name}"
        if isinstance(column.type, tables.JsonText)
        else f"{name or table.name}.{column.name}"
        for column in table.columns
    )


_OF_WORKSPACES = "workspace_id = ANY (CAST(:workspaces AS text[]))"
_AGENTS = text(
    f"SELECT {selected(tables.agent)} FROM agent"  # noqa: S608 - our own names
    f" WHERE {_OF_WORKSPACES}"
)
_LIVE_ITEMS = text(
    f"SELECT {selected(tables.work_item)} FROM work_item"  # noqa: S608 - our own names
    f" WHERE {_OF_WORKSPACES} AND {tables.LIVE_STATES}"
)
_LIVE_TICKETS = text(
    f"SELECT {selected(tables.ticket, 't')} FROM work_item w"  # noqa: S608 - our own names
    " JOIN ticket t ON t.workspace_id = w.workspace_id AND t.ticket_id = w.ticket_id"
    f" WHERE w.{_OF_WORKSPACES} AND w.{tables.LIVE_STATES}"
)
_PENDING_OFFERS = text(
    f"SELECT {selected(tables.offer)} FROM offer"  # noqa: S608 - our own names
    f" WHERE {_OF_WORKSPACES} AND state = 'pending'"
)
_RECONSIDERING = text(
    f"SELECT {selected(tables.reconsidering)} FROM reconsidering"  # noqa: S608 - our own names
    f" WHERE {_OF_WORKSPACES} AND NOT is_over"
)

_LAST_DECIDED = text(
    "SELECT w.workspace_id, COALESCE("
    "(SELECT decided_at FROM input_log WHERE workspace_id = w.workspace_id ORDER BY id DESC LIMIT 1),"
    " (SELECT taken_at FROM checkpoint WHERE workspace_id = w.workspace_id ORDER BY input_id DESC LIMIT 1)"
    ") AS decided_at FROM unnest(CAST(:workspaces AS text[])) AS w (workspace_id)"
)
"""By the log; where all of it has been deleted, by the checkpoint with which it ended."""


def empty(workspace_id: str, stored: tuple[int, object] | None) -> RoutingState:
    """A workspace as configured, without anything of its rows.

    stored: version and body, none where it was never configured
    """
    version, body = stored or (0, {})
    return RoutingState(
        workspace_id, to_configuration(version, configuration.part_of(RouterPart, body), is_stored=True)
    )


def to_agent(row: Row, profile: AgentProfile | None) -> Agent:
    """An agent of a row, with nothing in hand yet; without profile, one who was removed."""
    assigned = json.loads(row["last_assigned"])
    return Agent(
        profile=profile or AgentProfile(agent_id=row["agent_id"], name=""),
        state=AgentState(row["state"]),
        reason=row["reason"],
        state_since=row["state_since"],
        idle_since=row["idle_since"],
        last_assigned={ChannelKind(kind): datetime.fromisoformat(at) for kind, at in assigned.items()},
        is_connected=row["is_connected"],
        disconnected_at=row["disconnected_at"],
        lost_from=AgentState(row["lost_from"]) if row["lost_from"] else None,
        missed=row["missed"],
        standing=Standing(off_duty=OffDuty(row["off_duty"]) if row["off_duty"] else None, until=None),
        availability=row["availability"],
        sequence=row["sequence"],
        last_event_at=row["last_event_at"],
    )


def to_item(row: Row) -> WorkItem:
    """A work item of a row, without its pending offers."""
    values = dict(row)
    for name in _OF_ROW_ONLY:
        del values[name]
    values["channel"] = intern(values["channel"])
    values["channel_kind"] = _KINDS[values["channel_kind"]]
    values["state"] = _STATES[values["state"]]
    values["base"] = _base(values["base"])
    values["steps"] = _steps(values["steps"])
    values["rule"] = intern(values["rule"])
    values["priority"] = _PRIORITIES[values["priority"]]
    values["departures"] = _departures(values["departures"])
    values["refused_by"] = json.loads(values["refused_by"]) if values["refused_by"] != "{}" else {}
    queued_at = values["queued_at"]
    for name in ("started_at", "stint_at", "last_event_at"):
        if values[name] == queued_at:
            values[name] = queued_at
    return WorkItem(**values)


def to_ticket(row: Row) -> Ticket:
    """A ticket of a row."""
    return Ticket(
        ticket_id=row["ticket_id"],
        facts=_facts(row["facts"]) if row["facts"] is not None else None,
        status=_STATUSES[row["status"]],
        last_agent_id=row["last_agent_id"],
        work_id=row["work_id"],
        early=EARLY.validate_json(row["early"]) if row["early"] != "[]" else (),
        clocks=CLOCKS.validate_json(row["clocks"]) if row["clocks"] != "[]" else (),
        ended_call=row["ended_call"],
    )


def _put_agent(state: RoutingState, row: Row) -> None:
    agent_id = row["agent_id"]
    profile = state.configuration.agents.get(agent_id)
    (state.agents if profile else state.retired)[agent_id] = to_agent(row, profile)


def _put_item(state: RoutingState, row: Row) -> None:
    item = to_item(row)
    state.items[item.work_id] = item
    ticket = state.tickets[item.ticket_id]
    item.ticket_id, ticket.work_id = ticket.ticket_id, item.work_id  # of each id one object is enough
    if item.agent_id is not None:
        agent = state.agents[item.agent_id]
        agent.work.add(item.work_id)
        agent.wrapping += item.state is WorkState.WRAPPING
        if item.bears_load:
            agent.bear(item.channel_kind)


def _put_offer(state: RoutingState, row: Row) -> None:
    offer = Offer(**{**{name: row[name] for name in OFFER}, "state": OfferState.PENDING})
    item = state.items[offer.work_id]
    state.offers[offer.offer_id] = offer
    item.offers[offer.offer_id] = offer.agent_id
    agent = state.agents[offer.agent_id]
    agent.offers.add(offer.offer_id)
    agent.bear(item.channel_kind)


def _put_ticket(state: RoutingState, row: Row) -> None:
    state.tickets[row["ticket_id"]] = to_ticket(row)


def _put_reconsidering(state: RoutingState, row: Row) -> None:
    state.reconsidering = Reconsidering(until=row["until"], after=row["after"], due_at=row["due_at"])


@dataclass(frozen=True, slots=True)
class Source:
    """A table that the engine's memory is made from: which rows of workspaces, and where each of them goes."""

    table: Table
    query: TextClause
    put: Callable[[RoutingState, Row], None]


MEMORY = (
    Source(tables.agent, _AGENTS, _put_agent),
    Source(tables.ticket, _LIVE_TICKETS, _put_ticket),
    Source(tables.work_item, _LIVE_ITEMS, _put_item),
    Source(tables.offer, _PENDING_OFFERS, _put_offer),
    Source(tables.reconsidering, _RECONSIDERING, _put_reconsidering),
)
"""In the order in which they are put in: what work is about comes before it.

The rows of each come as they lie. In order they would all be sorted before the first one comes, which takes longer
than a statement may with half a million; what is decided does not depend on it.
"""


async def last_decided(tx: Tx, workspaces: Collection[str], now: datetime) -> dict[str, datetime]:
    """When something was decided last in each of some workspaces; now, where that was never."""
    found = await tx.execute(_LAST_DECIDED, {"workspaces": sorted(workspaces)})
    return {row.workspace_id: row.decided_at or now for row in found}


async def portions(tx: Tx, source: Source, workspaces: Collection[str]) -> AsyncIterator[list[Row]]:
    """The rows of some workspaces, a few at a time, so that neither side holds all of them."""
    names = tuple(source.table.columns.keys())
    found = await tx.connection.stream(
        source.query.execution_options(yield_per=_PORTION), {"workspaces": sorted(workspaces)}
    )
    async for rows in found.partitions(_PORTION):
        yield [dict(zip(names, row, strict=True)) for row in rows]


def complete(state: RoutingState, decided_at: datetime) -> None:
    """Indexes, timers, and what the world was told last. Nothing has changed yet.

    decided_at: when something was decided last in the workspace
    """
    restore(state, decided_at)
    note_settled(state)
    for agent in (*state.agents.values(), *state.retired.values()):
        agent.told = presence(agent)
    state.count(state.items.values(), state.agents)
    state.touched = Touched()


def complete_all(states: Iterable[RoutingState], decided_at: Mapping[str, datetime]) -> None:
    """`complete` for each. Takes a thread of its own where anything is: seconds for the largest workspace.

    decided_at: of each workspace
    """
    for state in states:
        complete(state, decided_at[state.workspace_id])
