"""Tickets, events and policies with dull defaults."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from services.escalation.domain.happening import (
    AgentReplied,
    Assigned,
    CustomerWrote,
    FactsChanged,
    Happening,
    Opened,
    Queued,
    Requeued,
    StatusChanged,
    What,
    WorkCancelled,
)
from services.escalation.domain.promise import OnChange
from services.escalation.domain.sla_policy import Policies, PolicyHistory, SlaPolicy, Target
from services.escalation.domain.ticket import Facts, Key, Terms, Ticket
from shared.calendar import ALWAYS, Calendar
from shared.vocabulary import Agreement, ChannelKind, Priority, SlaMetric, TicketStatus, WorkState

NAMESPACE = UUID("01890000-0000-7000-8000-000000000000")
T0 = datetime(2026, 6, 1, 8, tzinfo=UTC)
WORK = (Queued, Requeued, Assigned, WorkCancelled)


def at(minutes: float) -> datetime:
    """So many minutes into the story."""
    return T0 + minutes * timedelta(minutes=1)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def facts(**over: object) -> Facts:
    fields: dict[str, object] = {
        "channel": "api",
        "channel_kind": ChannelKind.API,
        "customer_tier": "standard",
        "customer_language": None,
        "organisation_id": None,
        "labels": {},
        "priority": Priority.NORMAL,
        "language": None,
        **over,
    }
    fields["priority"] = Priority(str(fields["priority"]))
    return Facts(**fields)  # type: ignore[arg-type] # fields by name


def terms(queue: str | None = None, support_tier: int | None = None, **over: object) -> Terms:
    return Terms(facts(**over), queue, support_tier)


class Story:
    """What happens to one ticket, minute by minute; sequences and ids follow from the order of telling."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self._sequences = {"ticket": 0, "work": 0}

    def tell(self, minute: float, *whats: What) -> "Story":
        for what in whats:
            subject = "work" if isinstance(what, WORK) else "ticket"
            self._sequences[subject] += 1
            sequence = self._sequences[subject]
            key = Key(
                phase=0 if isinstance(what, Opened) else 1,
                at=at(minute),
                rank=subject == "work",
                subject=subject,
                sequence=sequence,
            )
            event_id = uuid5(NAMESPACE, f"{subject}/{sequence}")
            self.happenings.append(Happening(key=key, event_id=event_id, name=type(what).__name__, what=what))
        return self

    def opened(self, minute: float, *, by_customer: bool = True, **over: object) -> "Story":
        return self.tell(minute, Opened(number=1, facts=facts(**over), by_customer=by_customer))

    def customer(self, minute: float) -> "Story":
        return self.tell(minute, CustomerWrote())

    def reply(self, minute: float) -> "Story":
        return self.tell(minute, AgentReplied())

    def status(self, minute: float, status: str) -> "Story":
        return self.tell(minute, StatusChanged(TicketStatus(status)))

    def updated(self, minute: float, **over: object) -> "Story":
        return self.tell(minute, FactsChanged(facts(**over)))

    def queued(self, minute: float, queue: str = "default", tier: int = 1) -> "Story":
        return self.tell(minute, Queued(queue, tier))

    def requeued(self, minute: float, previous: str, queue: str = "default", tier: int = 1) -> "Story":
        return self.tell(minute, Requeued(WorkState(previous), queue, tier))

    def assigned(self, minute: float, queue: str = "default", tier: int = 1) -> "Story":
        return self.tell(minute, Assigned("ada", queue, tier))


class Always:
    def holds(self, _variables: Mapping[str, Mapping[str, object]]) -> bool:
        return True


class PriorityIs:
    """A condition on the ticket's priority."""

    def __init__(self, priority: str) -> None:
        self._priority = priority

    def holds(self, variables: Mapping[str, Mapping[str, object]]) -> bool:
        return variables["ticket"]["priority"] == self._priority


def policies(
    targets: Mapping[str, timedelta] | timedelta,
    *,
    version: int = 1,
    since: datetime | None = None,
    calendar: Calendar = ALWAYS,
    by_priority: Mapping[str, Mapping[str, timedelta]] | None = None,
    warn_at: tuple[int, ...] = (),
    escalation: str | None = None,
    on_change: OnChange = OnChange.CARRY,
    agreement: Agreement = Agreement.SLA,
) -> Policies:
    """One policy for every ticket; a single duration is the target of all nine metrics."""
    wanted: Mapping[str, timedelta] = (
        {metric.value: targets for metric in SlaMetric} if isinstance(targets, timedelta) else targets
    )
    own = by_priority or {}
    promised = [(metric, within, frozenset(Priority)) for metric, within in wanted.items()]
    found = tuple(
        Target(
            metric=SlaMetric(metric),
            priorities=priorities - {Priority(name) for name, theirs in own.items() if metric in theirs},
            within=within,
            warn_at=warn_at,
            escalation=escalation,
            on_change=on_change,
        )
        for metric, within, priorities in promised
    ) + tuple(
        Target(
            metric=SlaMetric(metric),
            priorities=frozenset({Priority(name)}),
            within=within,
            warn_at=warn_at,
            escalation=escalation,
            on_change=on_change,
        )
        for name, theirs in own.items()
        for metric, within in theirs.items()
    )
    policy = SlaPolicy(
        policy_id="standard", agreement=agreement, condition=Always(), calendar_id="hours", targets=found
    )
    return Policies(
        version=version, since=since or T0 - timedelta(days=400), sla=[policy], calendars={"hours": calendar}
    )


def history(*versions: Policies) -> PolicyHistory:
    return PolicyHistory((Policies(), *versions))


def a_ticket() -> Ticket:
    return Ticket(workspace_id="acme", ticket_id=uuid5(NAMESPACE, "ticket"))
