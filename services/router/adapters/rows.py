"""The engine's memory in PostgreSQL: loaded whole when a shard is taken, a statement a table at each commit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, Table, TextClause, select, text

from services.router.adapters import order_rows, tables
from services.router.adapters.row_json import to_json
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.outbound import presence
from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.work_orders import OrderMessage
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.facts import Facts
from services.router.domain.hours import OffDuty, Standing
from services.router.domain.policy import Requirements, Step
from services.router.domain.sla_clock import SlaClock
from services.router.domain.state import RoutingState, Touched
from services.router.domain.work_item import Departure, Offer, OfferState, Raised, Ticket, WorkItem
from shared.db import configuration
from shared.db.sets import insert_set, transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus, WorkState

Row = Mapping[str, Any] | RowMapping
"""A row of one of our tables: from a query, or from JSON."""

_ITEM = tuple(column.name for column in tables.work_item.columns)
_OFFER = tuple(column.name for column in tables.offer.columns)

_AGENTS = text("SELECT * FROM agent WHERE workspace_id = ANY (CAST(:workspaces AS text[]))")
_LIVE_ITEMS = text(
    "SELECT * FROM work_item WHERE workspace_id = ANY (CAST(:workspaces AS text[]))"
    " AND state IN ('queued', 'offered', 'assigned', 'wrapping')"
)
_LIVE_TICKETS = text(
    "SELECT t.* FROM work_item w JOIN ticket t ON t.workspace_id = w.workspace_id AND t.ticket_id = w.ticket_id"
    " WHERE w.workspace_id = ANY (CAST(:workspaces AS text[]))"
    " AND w.state IN ('queued', 'offered', 'assigned', 'wrapping')"
)
_PENDING_OFFERS = text(
    "SELECT * FROM offer WHERE workspace_id = ANY (CAST(:workspaces AS text[])) AND state = 'pending'"
)
_TICKETS = text(
    "SELECT t.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
)

_BASE = TypeAdapter(Requirements)
_STEPS = TypeAdapter(tuple[Step, ...])
_DEPARTURES = TypeAdapter(tuple[Departure, ...])
_FACTS = TypeAdapter(Facts)
_EARLY = TypeAdapter(list[Raised])
_CLOCKS = TypeAdapter(tuple[SlaClock, ...])
_INPUTS: Mapping[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        inputs.TicketKnown,
        inputs.TicketStatusSet,
        inputs.TicketGone,
        inputs.CallEnded,
        inputs.ClockKnown,
        inputs.EscalationRaised,
        inputs.SetAgentState,
        inputs.Connected,
        inputs.Disconnected,
        inputs.AcceptOffer,
        inputs.DeclineOffer,
        inputs.EndOrder,
        inputs.TakeNext,
        inputs.Transfer,
        inputs.Release,
        inputs.Complete,
        inputs.Assign,
        inputs.Tick,
    )
}
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
        """The whole routing state of these workspaces."""
        names = {"workspaces": sorted(workspaces)}
        parts = await configuration.load(tx, workspaces)
        states = {name: empty(name, parts.get(name)) for name in names["workspaces"]}
        for source in MEMORY:
            for row in (await tx.execute(source.query, names)).mappings():
                source.put(states[row["workspace_id"]], row)
        for state in states.values():
            complete(state, now)
        return list(states.values())

    async def add_tickets(
        self, tx: Tx, states: Mapping[str, RoutingState], tickets: Mapping[str, Collection[UUID]]
    ) -> None:
        """Brings tickets into memory that have no live work, if they are known at all; by workspace."""
        pairs = [(workspace_id, ticket_id) for workspace_id, ids in tickets.items() for ticket_id in ids]
        columns = {"workspaces": [pair[0] for pair in pairs], "ids": [pair[1] for pair in pairs]}
        for row in (await tx.execute(_TICKETS, columns)).mappings():
            _put_ticket(states[row["workspace_id"]], row)

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

    async def add_order_messages(self, tx: Tx, messages: Sequence[OrderMessage]) -> None:
        """Stores what partners are to be told of their work orders."""
        await order_rows.add(tx, messages)

    async def save_configuration(self, tx: Tx, workspace_id: str, version: int, part: RouterPart, by: str) -> None:
        """Stores a workspace's configuration."""
        await configuration.save(tx, workspace_id, version, part.model_dump(mode="json"), by)


def empty(workspace_id: str, stored: tuple[int, object] | None) -> RoutingState:
    """A workspace as configured, without anything of its rows.

    stored: version and body, none where it was never configured
    """
    version, body = stored or (0, {})
    return RoutingState(workspace_id, to_configuration(version, RouterPart.model_validate(body)))


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
        (tables.agent, [_agent_row(state, name) for state in states for name in sorted(state.touched.agents)]),
        (
            tables.work_item,
            [_item_row(state, item) for state in states for _, item in sorted(state.touched.items.items())],
        ),
        (
            tables.offer,
            [_offer_row(state, offer) for state in states for _, offer in sorted(state.touched.offers.items())],
        ),
        (tables.decision, [_decision_row(logged) for logged in decisions]),
        (tables.input_log, [_input_row(logged) for logged in inputs]),
    ]


def to_agent(row: Row, profile: AgentProfile | None) -> Agent:
    """An agent of a row, with nothing in hand yet; without profile, one who was removed."""
    return Agent(
        profile=profile or AgentProfile(agent_id=row["agent_id"], name=""),
        state=AgentState(row["state"]),
        reason=row["reason"],
        state_since=row["state_since"],
        idle_since=row["idle_since"],
        last_assigned={ChannelKind(kind): datetime.fromisoformat(at) for kind, at in row["last_assigned"].items()},
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
    return WorkItem(
        **{
            **{name: row[name] for name in _ITEM if name in _ITEM_FIELDS},
            "channel_kind": ChannelKind(row["channel_kind"]),
            "state": WorkState(row["state"]),
            "base": _BASE.validate_python(row["base"]),
            "steps": _STEPS.validate_python(row["steps"]),
            "priority": Priority(row["priority"]),
            "departures": _DEPARTURES.validate_python(row["departures"]),
        }
    )


def _put_agent(state: RoutingState, row: Row) -> None:
    agent_id = row["agent_id"]
    profile = state.configuration.agents.get(agent_id)
    (state.agents if profile else state.retired)[agent_id] = to_agent(row, profile)


def _put_item(state: RoutingState, row: Row) -> None:
    item = to_item(row)
    state.items[item.work_id] = item
    if item.agent_id is not None:
        agent = state.agents[item.agent_id]
        agent.work.add(item.work_id)
        agent.wrapping += item.state is WorkState.WRAPPING
        if item.bears_load:
            agent.bear(item.channel_kind)


def _put_offer(state: RoutingState, row: Row) -> None:
    offer = Offer(
        **{**{name: row[name] for name in _OFFER if name != "workspace_id"}, "state": OfferState.PENDING}
    )
    item = state.items[offer.work_id]
    state.offers[offer.offer_id] = offer
    item.offers[offer.offer_id] = offer.agent_id
    agent = state.agents[offer.agent_id]
    agent.offers.add(offer.offer_id)
    agent.bear(item.channel_kind)


def _put_ticket(state: RoutingState, row: Row) -> None:
    state.tickets[row["ticket_id"]] = to_ticket(row)


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
)
"""In the order in which they are put in: what work is about comes before it."""

_APPENDED = (tables.decision, tables.input_log)


def complete(state: RoutingState, now: datetime) -> None:
    """Indexes, timers, and what the world was told last. Nothing has changed yet."""
    state.reconfigure(state.configuration, now)
    state.look_again(now)
    for agent in (*state.agents.values(), *state.retired.values()):
        agent.told = presence(agent)
    state.touched = Touched()


def to_ticket(row: Row) -> Ticket:
    """A ticket of a row."""
    return Ticket(
        ticket_id=row["ticket_id"],
        facts=_FACTS.validate_python(row["facts"]) if row["facts"] is not None else None,
        status=TicketStatus(row["status"]),
        last_agent_id=row["last_agent_id"],
        work_id=row["work_id"],
        early=_EARLY.validate_python(row["early"]),
        clocks=_CLOCKS.validate_python(row["clocks"]),
        ended_call=row["ended_call"],
    )


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
        "items": {kind: count for kind, count in agent.items.items() if count},
        "last_assigned": {kind: at.isoformat() for kind, at in agent.last_assigned.items()},
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
        "facts": _FACTS.dump_python(ticket.facts, mode="json") if ticket.facts else None,
        "status": ticket.status,
        "last_agent_id": ticket.last_agent_id,
        "work_id": ticket.work_id,
        "early": _EARLY.dump_python(ticket.early, mode="json"),
        "clocks": _CLOCKS.dump_python(ticket.clocks, mode="json"),
        "ended_call": ticket.ended_call,
    }


_ITEM_FIELDS = {field.name for field in fields(WorkItem)}


def _item_row(state: RoutingState, item: WorkItem) -> dict[str, object]:
    now = item.requirements
    return {
        **{name: getattr(item, name) for name in _ITEM if name in _ITEM_FIELDS},
        "workspace_id": state.workspace_id,
        "queue": now.queue,
        "support_tier": now.support_tier,
        "base": _BASE.dump_python(item.base, mode="json"),
        "steps": _STEPS.dump_python(item.steps, mode="json"),
        "departures": _DEPARTURES.dump_python(item.departures, mode="json"),
    }


def _offer_row(state: RoutingState, offer: Offer) -> dict[str, object]:
    return {
        "workspace_id": state.workspace_id,
        **{name: getattr(offer, name) for name in _OFFER if name != "workspace_id"},
    }


def record_of(decision: d.Decision) -> dict[str, object]:
    """A decision about work as it is recorded."""
    record: dict[str, object] = WORK_DECISIONS[type(decision).__name__].dump_python(decision, mode="json")
    return record


def _decision_row(logged: LoggedDecision) -> dict[str, object]:
    return {
        "workspace_id": logged.workspace_id,
        "ticket_id": logged.ticket_id,
        "work_id": logged.work_id,
        "decided_at": logged.decided_at,
        "kind": type(logged.decision).__name__,
        "record": record_of(logged.decision),
    }


def to_input(kind: str, payload: Any) -> inputs.Input:
    """A logged input."""
    if kind == inputs.Configure.__name__:
        part = RouterPart.model_validate(payload["part"])
        return inputs.Configure(configuration=to_configuration(payload["version"], part))
    made: inputs.Input = _INPUTS[kind].validate_python(payload)
    return made


def _input_row(logged: LoggedInput) -> dict[str, object]:
    current = logged.current
    if isinstance(current, inputs.Configure):
        assert logged.part is not None, "a configuration comes as it was written"
        payload: object = {"version": current.configuration.version, "part": logged.part.model_dump(mode="json")}
    else:
        payload = _INPUTS[type(current).__name__].dump_python(current, mode="json")
    brought = logged.brought and to_json(tables.ticket, _ticket_row(logged.workspace_id, logged.brought))
    return {
        "workspace_id": logged.workspace_id,
        "decided_at": logged.decided_at,
        "seed": logged.seed,
        "kind": type(current).__name__,
        "payload": payload,
        "brought": brought,
        "decisions": logged.decisions,
    }
