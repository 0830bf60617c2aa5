"""Rows to the domain's values and back."""

import json
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from services.escalation.adapters import tables
from services.escalation.domain.clock_record import ClockRecord, Kind, Timer, Told, Withdrawal
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.promise import Basis
from services.escalation.domain.sla_clock import Entry, SlaClock
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.ticket import Ticket
from shared.vocabulary import Agreement, ClockState, EscalationState, Priority, SlaMetric

TICKET = tuple(column.name for column in tables.tracked_ticket.columns)
CLOCK = tuple(column.name for column in tables.sla_clock.columns)
ESCALATION = tuple(column.name for column in tables.escalation.columns)
TIMER = tuple(column.name for column in tables.timer.columns)

_TICKET: TypeAdapter[Ticket] = TypeAdapter(Ticket)
# Members by their values: looked up here, they cost less than called by value.
_AGREEMENTS = {agreement.value: agreement for agreement in Agreement}
_METRICS = {metric.value: metric for metric in SlaMetric}
_PRIORITIES = {priority.value: priority for priority in Priority}
_STATES = {state.value: state for state in ClockState}
_HISTORY: TypeAdapter[tuple[Entry, ...]] = TypeAdapter(tuple[Entry, ...])
_WITHDRAWN: TypeAdapter[tuple[Withdrawal, ...]] = TypeAdapter(tuple[Withdrawal, ...])
_BREACHES: TypeAdapter[dict[int, UUID]] = TypeAdapter(dict[int, UUID])
_CLOCK_FIELDS = (
    "origin",
    "generation",
    "started_at",
    "elapsed",
    "elapsed_wall",
    "running_since",
    "due_at",
    "breached_at",
    "ended_at",
)
BRIEF_CLOCK = (
    "clock_id",
    "agreement",
    "metric",
    "state",
    "policy",
    "policy_version",
    *Basis._fields,
    *_CLOCK_FIELDS,
    "warned",
)
"""Columns of a clock that tell where it stands, beside its history."""
_TOLD_FIELDS = (
    "clock_id",
    "sequence",
    "last_event_at",
    "breach_told_at",
    "is_provisional",
    "is_escalated",
    "warned",
    "taken_back",
)


def ticket_row(ticket: Ticket, *, is_live: bool) -> dict[str, object]:
    """A ticket's row."""
    return {
        "workspace_id": ticket.workspace_id,
        "ticket_id": ticket.ticket_id,
        "status": ticket.status,
        "policy_version": ticket.policy_version,
        "is_live": is_live,
        "waiting_in": ticket.queue if ticket.waiting_since else None,
        "waiting_since": ticket.waiting_since,
        "state": _TICKET.dump_python(ticket, mode="json"),
    }


def to_ticket(state: str) -> Ticket:
    """A ticket of its row's state, which is JSON."""
    if '"policy"' not in state:
        return _TICKET.validate_json(state)
    read = json.loads(state)
    if "policy" in read:
        # Of a process of the version before, which knew of one agreement.
        read = {**read, "policies": {Agreement.SLA: read["policy"]} if read["policy"] else {}}
    return _TICKET.validate_python(read)


def clock_row(ticket: Ticket, record: ClockRecord, *, is_newest: bool) -> dict[str, object]:
    """A clock's row."""
    clock, told = record.clock, record.told
    assert clock.promise is not None, "silent clocks are not kept"
    return {
        "workspace_id": ticket.workspace_id,
        "ticket_id": ticket.ticket_id,
        "agreement": clock.agreement,
        "metric": clock.metric,
        "is_newest": is_newest,
        "state": clock.state,
        "policy": clock.promise.policy,
        "policy_version": clock.promise.version,
        **clock.promise.basis._asdict(),
        "history": _HISTORY.dump_python(clock.history, mode="json"),
        "withdrawn": _WITHDRAWN.dump_python(told.withdrawn, mode="json"),
        "breaches": {str(generation): str(event_id) for generation, event_id in told.breaches.items()},
        **{name: getattr(clock, name) for name in _CLOCK_FIELDS},
        **{name: getattr(told, name) for name in _TOLD_FIELDS},
    }


def to_clock(row: RowMapping, history: PolicyHistory) -> ClockRecord:
    """A clock of its row. Its promise stands in the version of the configuration that it names."""
    return ClockRecord(_clock(row, history), to_told(row))


def to_brief_clock(row: RowMapping, history: PolicyHistory) -> ClockRecord:
    """A clock of the columns `BRIEF_CLOCK` of its row; what was told of it is left out, but for its warnings."""
    return ClockRecord(_clock(row, history), Told(clock_id=row["clock_id"], warned=row["warned"]))


def _clock(row: RowMapping, history: PolicyHistory) -> SlaClock:
    agreement, metric = _AGREEMENTS[row["agreement"]], _METRICS[row["metric"]]
    policies = history.version(row["policy_version"])
    basis = Basis(_PRIORITIES[row["priority"]], row["customer_tier"], row["calendar"])
    return SlaClock(
        agreement=agreement,
        metric=metric,
        state=_STATES[row["state"]],
        promise=policies.promised(row["policy"], agreement, metric, basis),
        spans=None,
        history=_HISTORY.validate_python(row["history"]) if row["history"] else (),
        origin=row["origin"],
        generation=row["generation"],
        started_at=row["started_at"],
        elapsed=row["elapsed"],
        elapsed_wall=row["elapsed_wall"],
        running_since=row["running_since"],
        due_at=row["due_at"],
        breached_at=row["breached_at"],
        ended_at=row["ended_at"],
    )


def to_told(row: RowMapping) -> Told:
    """What was told of a clock."""
    breaches = _BREACHES.validate_python(row["breaches"]) if row["breaches"] else {}
    withdrawn = _WITHDRAWN.validate_python(row["withdrawn"]) if row["withdrawn"] else ()
    return Told(
        breaches=breaches,
        withdrawn=withdrawn,
        clock_id=row["clock_id"],
        sequence=row["sequence"],
        last_event_at=row["last_event_at"],
        breach_told_at=row["breach_told_at"],
        is_provisional=row["is_provisional"],
        is_escalated=row["is_escalated"],
        warned=row["warned"],
        taken_back=row["taken_back"],
    )


def escalation_row(escalation: Escalation) -> dict[str, object]:
    """An escalation's row."""
    return {name: getattr(escalation, name) for name in ESCALATION}


def to_escalation(row: RowMapping, history: PolicyHistory) -> Escalation:
    """An escalation of its row. Its steps stand in the version of the configuration that it names."""
    policy = history.version(row["policy_version"]).escalations[row["policy"]]
    fields = {name: row[name] for name in ESCALATION if name not in ("metric", "state")}
    return Escalation(
        metric=SlaMetric(row["metric"]) if row["metric"] else None,
        state=EscalationState(row["state"]),
        steps=policy.steps,
        ack_timeout=policy.ack_timeout,
        **fields,
    )


def timer_row(ticket: Ticket, timer: Timer, shard: int) -> dict[str, object]:
    """A timer's row."""
    return {
        "workspace_id": ticket.workspace_id,
        "ticket_id": ticket.ticket_id,
        "owner_id": timer.owner_id,
        "generation": timer.generation,
        "kind": timer.kind,
        "level": timer.level,
        "shard": shard,
        "due_at": timer.due_at,
    }


def to_timer(row: RowMapping) -> Timer:
    """A timer of its row."""
    return Timer(
        owner_id=row["owner_id"],
        generation=row["generation"],
        kind=Kind(row["kind"]),
        level=row["level"],
        due_at=row["due_at"],
    )
