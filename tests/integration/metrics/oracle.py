"""What every KPI has to be, in plain Python over the events themselves, as they happened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events.envelope import Event

SECOND = timedelta(seconds=1)


@dataclass
class Measured:
    """One measurement."""

    kpi: str
    ticket_id: UUID
    seconds: float
    ended_at: datetime
    queue: str | None
    channel: str | None
    tier: int | None
    agent: str | None
    metric: str = ""
    is_hit: bool = True
    score: int = 0


@dataclass
class Ticket:
    """One ticket, told by its events in order of time."""

    events: list[Event] = field(default_factory=list)

    def told(self) -> list[tuple[str, datetime, Any]]:
        return [(event.data.name, event.time, event.data) for event in self.events]  # type: ignore[union-attr]

    def labels(self) -> dict[str, str]:
        return [data.facts.labels for name, _, data in self.told() if hasattr(data, "facts")][-1]  # type: ignore[no-any-return]

    @property
    def is_spam(self) -> bool:
        return self.labels().get("spam") == "true"

    @property
    def is_merged(self) -> bool:
        return any(name == "ticket.merged" for name, _, _ in self.told())

    @property
    def opened_at(self) -> datetime:
        return next(time for name, time, _ in self.told() if name == "ticket.opened")

    @property
    def channel(self) -> str:
        return [data.facts.channel for name, _, data in self.told() if hasattr(data, "facts")][-1]  # type: ignore[no-any-return]

    def status(self) -> str:
        status = "new"
        for name, _, data in self.told():
            if name == "ticket.status_changed":
                status = data.status
        return "closed" if self.is_merged else status

    def place(self, at: datetime) -> dict[str, Any]:
        """Queue, tier and agent at a moment; before it was queued, the queue that it went to."""
        place: dict[str, Any] = {"queue": None, "tier": None, "agent": None}
        moves = [item for item in self.told() if item[0].startswith("work.")]
        for name, time, data in moves:
            if time <= at:
                tier = getattr(data, "support_tier", place["tier"])
                place = {
                    "queue": data.queue,
                    "tier": tier if name in ("work.queued", "work.requeued", "work.assigned") else place["tier"],
                    "agent": data.agent_id if name == "work.assigned" else None,
                }
        if moves and place["queue"] is None:
            place |= {"queue": moves[0][2].queue, "tier": moves[0][2].support_tier}
        return place | {"channel": self.channel}

    def waiting_since(self) -> datetime | None:
        since: datetime | None = None
        queue = None
        for name, time, data in self.told():
            if name == "work.queued":
                since, queue = time, data.queue
            elif name == "work.requeued":
                since = time if since is None or data.queue != queue else since
                queue = data.queue
            elif name in ("work.assigned", "work.completed", "work.cancelled"):
                since = None
        return since


def read(events: Sequence[Event]) -> list[Ticket]:
    """The tickets in a history."""
    tickets: dict[UUID, Ticket] = {}
    for event in sorted(events, key=lambda event: event.time):
        ticket_id = getattr(event.data, "ticket_id", None)
        if ticket_id is not None:
            tickets.setdefault(ticket_id, Ticket()).events.append(event)
    return list(tickets.values())


def measured(ticket: Ticket) -> list[Measured]:
    """Everything that is measured about a ticket."""
    found: list[Measured] = []

    def measure(kpi: str, since: datetime, until: datetime, agent: str | None = None, **more: Any) -> None:
        place = ticket.place(until)
        place = place | {"agent": agent or place["agent"]} | more
        found.append(
            Measured(kpi, ticket.events[0].data.ticket_id, (until - since) / SECOND, until, **place)  # type: ignore[union-attr]
        )

    opened_at = ticket.opened_at
    measure("volume", opened_at, opened_at)
    if ticket.is_spam:
        return found
    told = ticket.told()
    assigned = next(((time, data) for name, time, data in told if name == "work.assigned"), None)
    if assigned:
        measure("time_to_assign", opened_at, assigned[0], assigned[1].agent_id)
    asked = next((time for name, time, _ in told if name == "ticket.message_received"), None)
    reply = next(
        ((time, data) for name, time, data in told if name == "ticket.reply_sent" and data.author_kind == "agent"),
        None,
    )
    if asked and reply:
        measure("first_reply", asked, reply[0], reply[1].author_id)
    solved = [
        (time, data) for name, time, data in told if name == "ticket.status_changed" and data.status == "solved"
    ]
    if solved and ticket.status() == "solved":
        measure("full_resolution", opened_at, solved[-1][0], solved[-1][1].actor_id)
    rated = [(data.revision, time, data) for name, time, data in told if name == "ticket.rated"]
    if rated and not ticket.is_merged:
        _, at, rating = max(rated, key=lambda item: item[0])
        measure(rating.kind, at, at, rating.agent_id)
        found[-1].score = rating.score
        found[-1].is_hit = rating.score >= rating.scale - 1
    for metric in {data.metric for name, _, data in told if name.startswith("sla.")}:
        steps = [(name, time, data) for name, time, data in told if getattr(data, "metric", None) == metric]
        withdrawn = any(name == "sla.breach_withdrawn" for name, _, _ in steps)
        for name, time, data in steps:
            if name == "sla.met":
                measure("clock", time, time, metric=metric)
            elif name == "sla.breached" and not withdrawn:
                measure("clock", time, data.due_at, metric=metric, is_hit=False, queue=data.queue)
                found[-1].agent = data.agent_id
    return found


def exact_percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[int(percent / 100 * (len(values) - 1))]


def value(kpi: str, rows: Sequence[Measured]) -> tuple[float | None, int]:
    """A KPI of facts over measurements of the time and scope in question, and how many stand behind it."""
    name, _, variant = kpi.partition(".")
    if name == "volume":
        count = sum(row.kpi == "volume" for row in rows)
        return count, count
    if name in ("sla_attainment", "breaches"):
        clocks = [row for row in rows if row.kpi == "clock" and variant in ("", row.metric)]
        missed = sum(not row.is_hit for row in clocks)
        if name == "breaches":
            return missed, missed
        return (100 * (len(clocks) - missed) / len(clocks) if clocks else None), len(clocks)
    if name in ("csat", "nps"):
        ratings = [row for row in rows if row.kpi == name]
        good = sum(row.is_hit for row in ratings)
        bad = sum(row.score <= 6 for row in ratings) if name == "nps" else 0
        return (100 * (good - bad) / len(ratings) if ratings else None), len(ratings)
    values = [row.seconds for row in rows if row.kpi == name]
    if not values:
        return None, 0
    if variant:
        return exact_percentile(values, int(variant[1:])), len(values)
    return sum(values) / len(values), len(values)


def inside(dimension: str, member: str) -> Callable[[Any], bool]:
    """Whether something is in a scope."""
    return lambda row: dimension == "workspace" or str(getattr(row, dimension)) == member


@dataclass
class Open:
    """A ticket in the gauges."""

    status: str | None
    waiting_since: datetime | None
    queue: str | None
    channel: str | None
    tier: int | None
    agent: str | None


def gauges(tickets: Sequence[Ticket]) -> list[Open]:
    """What there is at the end of a history."""
    found = []
    for ticket in tickets:
        if ticket.is_spam or ticket.is_merged:
            continue
        status = ticket.status()
        unsolved = status if status not in ("solved", "closed") else None
        place = ticket.place(ticket.events[-1].time + timedelta(days=1))
        found.append(Open(unsolved, ticket.waiting_since(), **place))
    return found
