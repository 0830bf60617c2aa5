"""What the command line reads of escalation's answers about how clocks came to stand, and how they would."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from deploy.cli.answers import Clock


class ClockSegment(BaseModel):
    """A stretch of time in which a clock stood alike."""

    model_config = ConfigDict(extra="allow")

    standing: str
    starts_at: datetime
    ends_at: datetime
    began_by: str
    ended_by: str | None
    calendar: str | None
    time_zone: str
    adjusted_s: float
    elapsed_s: float
    total_s: float


class Withdrawal(BaseModel):
    """A breach that never was."""

    model_config = ConfigDict(extra="allow")

    breached_at: datetime
    withdrawn_at: datetime
    cause: str


class MeasuredClock(Clock):
    """A clock with the evidence for its time; programs get all that the service says of it."""

    model_config = ConfigDict(extra="allow")

    agreement: str
    policy_version: int
    ended_at: datetime | None
    is_provisional: bool
    segments: list[ClockSegment]
    withdrawn: list[Withdrawal]


class MeasuredClocks(BaseModel):
    """A ticket's clocks."""

    items: list[MeasuredClock]


class ClockTerms(BaseModel):
    """How a clock stands by one of two policies."""

    policy: str
    target_s: float
    state: str
    due_at: datetime | None


class ChangedClock(BaseModel):
    """A clock that other policies would change; `before` is none where it would only begin."""

    ticket_id: UUID
    ticket_number: int | None
    agreement: str
    metric: str
    effects: list[str]
    before: ClockTerms | None
    after: ClockTerms


class PolicyCount(BaseModel):
    """How many clocks an SLA policy has, and would have."""

    policy: str
    agreement: str
    before: int
    after: int


class SlaPreview(BaseModel):
    """What other SLA policies would make of open tickets' clocks, the gravest changes first."""

    tickets: int
    clocks: int
    changed: int
    effects: dict[str, int]
    policies: list[PolicyCount]
    items: list[ChangedClock]
    warnings: list[str]
