"""What the command line reads of the services' answers. What else they say is none of its business."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class Ticket(BaseModel):
    """A ticket."""

    ticket_id: UUID
    number: int
    status: str
    priority: str
    labels: dict[str, str]
    subject: str
    channel: str
    channel_kind: str
    language: str | None
    opened_at: datetime
    updated_at: datetime
    first_replied_at: datetime | None
    solved_at: datetime | None
    assignee_id: str | None
    queue: str | None
    support_tier: int | None


class Delivery(BaseModel):
    """How far a message has got on its way out."""

    state: str
    last_error: str | None = None


class Message(BaseModel):
    """A message or a note."""

    message_id: UUID
    kind: str
    author_kind: str
    author_id: str | None
    author_name: str | None
    is_public: bool
    machine: str
    text: str
    text_new: str
    created_at: datetime
    delivery: Delivery | None


class Event(BaseModel):
    """What a service told about a ticket."""

    type: str
    service: str
    data: dict[str, object]


class Entry(BaseModel):
    """A place in a ticket's timeline."""

    at: datetime
    kind: str
    message: Message | None = None
    event: Event | None = None


class Decision(BaseModel):
    """A decision of the router about a ticket."""

    decided_at: datetime
    kind: str
    words: str


class Clock(BaseModel):
    """A promise about a ticket, and how it stands."""

    metric: str
    policy: str
    state: str
    target_s: float
    due_at: datetime | None
    elapsed_s: float
    remaining_s: float
    is_running: bool
    breached_at: datetime | None


class Clocks(BaseModel):
    """A ticket's clocks."""

    items: list[Clock]


class Escalation(BaseModel):
    """An escalation."""

    escalation_id: UUID
    ticket_id: UUID | None
    queue: str | None = None
    kpi: str | None = None
    state: str
    policy: str
    trigger: str
    metric: str | None
    level: int
    next_step_at: datetime | None
    resumes_at: datetime | None = None
    acknowledged_by: str | None


class Notification(BaseModel):
    """What somebody was told of an escalation."""

    ticket_id: UUID | None
    way: str
    name: str
    state: str
    detail: str | None


class Offer(BaseModel):
    """Work held out to an agent."""

    offer_id: UUID
    ticket_id: UUID
    queue: str
    support_tier: int
    priority: str
    channel: str
    offered_at: datetime
    expires_at: datetime


class Work(BaseModel):
    """Work that an agent has in hand."""

    ticket_id: UUID
    state: str
    queue: str
    support_tier: int
    priority: str
    channel: str
    assigned_at: datetime | None
    wrap_until: datetime | None


class Desk(BaseModel):
    """All that an agent has before them."""

    state: str
    reason: str | None
    offers: list[Offer]
    work: list[Work]


class Agent(BaseModel):
    """An agent."""

    agent_id: str
    name: str
    support_tier: int
    queues: list[str]
    skills: dict[str, int]
    state: str
    load: int
    capacity: int


class Queue(BaseModel):
    """A queue at this moment."""

    queue_id: str
    name: str
    waiting: int
    offered: int
    assigned: int
    oldest_waiting_at: datetime | None
    eligible: int
    ready: int


class Queues(BaseModel):
    """Every queue of a workspace."""

    items: list[Queue]


class KpiValue(BaseModel):
    """A number. `scope` is empty for the workspace."""

    kpi: str
    unit: str
    window: str
    scope: dict[str, str]
    value: float | None
    samples: int | None = None
    target: float | None = None


class Kpis(BaseModel):
    """Numbers as of one moment."""

    as_of: datetime
    values: list[KpiValue]


class TopicRow(BaseModel):
    """A topic of the catalog."""

    topic: str
    writer: str
    readers: list[str]
    retention_s: float
    created: bool


class Published(BaseModel):
    """What a service answers to a snapshot."""

    published: int


class Parked(BaseModel):
    """A record that was set aside."""

    service: str = ""
    id: int
    subject: str
    sequence: int | None
    reason: str
    detail: str
    request: str | None
    parked_at: datetime
    topic: str
    partition: int
    offset: int
    value: str | None = None


class Receipt(BaseModel):
    """What became of a mail."""

    file: str = ""
    disposition: str
    ticket_id: UUID | None = None
    ticket_number: int | None = None
    message_id: UUID | None = None
    reason: str | None = None


class Channel(BaseModel):
    """A configured channel."""

    id: str
    address: str | None = None


class IntakeConfiguration(BaseModel):
    """What intake is told, as far as it is of interest here."""

    channels: list[Channel]


class IntakeConfigured(BaseModel):
    """Intake's part of a configuration."""

    configuration: IntakeConfiguration


class Version(BaseModel):
    """How often a service's configuration was changed; 0 is never."""

    version: int


class Route(BaseModel):
    """What a routing policy makes of a ticket."""

    rule: str
    queue: str
    support_tier: int
    skills: dict[str, int]
    priority: str


class ChangedTicket(BaseModel):
    """A ticket that another policy would send another way."""

    ticket_id: UUID
    before: Route
    after: Route
    is_servable: bool


class Counted(BaseModel):
    """How many tickets a rule or a queue gets by each of two policies."""

    name: str
    before: int
    after: int


class Preview(BaseModel):
    """What another policy would make of recorded tickets."""

    looked_at: int
    is_complete: bool
    changed: int
    unservable: int
    failed: int
    rules: list[Counted]
    queues: list[Counted]
    items: list[ChangedTicket]
    warnings: list[str]


class Shift(BaseModel):
    """A stretch of time and who is on call in it; nobody where it is a gap."""

    start: datetime
    end: datetime
    agent: str | None
    why: str


class Shifts(BaseModel):
    """What is to come of a rotation."""

    rotation: str
    items: list[Shift]


class OnDuty(BaseModel):
    """Who is on call for something."""

    rotation: str
    agent: str | None
    why: str
    until: datetime | None
    next: Shift | None


class OnCall(BaseModel):
    """Who is on call."""

    at: datetime
    items: list[OnDuty]


class Gap(BaseModel):
    """A stretch in which nobody is on call."""

    rotation: str
    start: datetime
    end: datetime


class Gaps(BaseModel):
    """Where nobody is on call in the time ahead."""

    end: datetime
    gaps: list[Gap]
