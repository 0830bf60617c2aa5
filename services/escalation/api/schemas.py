"""Escalation's requests and answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import RowMapping

from services.escalation.domain.escalation import Escalation
from services.escalation.domain.escalation_policy import Urgency
from services.escalation.domain.message import Answer
from services.escalation.domain.notification import NotificationState
from services.escalation.domain.recipient import Way
from shared.durations import Duration
from shared.http.types import Instant, Request, Slug, exactly_one_of
from shared.vocabulary import EscalationState, SlaMetric


class EscalationRequest(Request):
    """An escalation by hand."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    policy: Slug | None = Field(default=None, description="None: the first escalation policy.")


class SnoozeRequest(Request):
    """Until when an escalation is put off: a moment, or for so long."""

    model_config = exactly_one_of("until", "duration")

    until: Instant | None = None
    duration: Duration | None = Field(default=None, description="Such as `30m` or `4h`.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.until is None) == (self.duration is None):
            raise ValueError("say until when, or for how long")
        return self


class EscalationView(BaseModel):
    """An escalation. step: the last one that was passed, from 1; level: how many were taken.

    rounds: how often the repeat that is under way has gone back
    resumes_at: until when it is put off, or left to whoever acknowledged it
    """

    escalation_id: UUID
    ticket_id: UUID | None = Field(description="None where it is of a queue or a KPI.")
    queue: str | None = Field(description="The queue that it is about, or that of its KPI.")
    kpi: str | None
    clock_id: UUID | None
    metric: SlaMetric | None
    generation: int | None
    trigger: str = Field(description="What set it off, such as `sla.breached` or `manual`.")
    trigger_id: str | None
    policy: str
    policy_version: int
    state: EscalationState
    step: int
    level: int
    rounds: int
    next_step_at: datetime | None
    resumes_at: datetime | None
    on_call: dict[str, str | None] = Field(
        description="By rotation, whom it was told to because they are on call."
    )
    reason: str | None
    raised_by: str | None
    started_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_at: datetime | None
    snoozed_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_cause: str | None

    @classmethod
    def of(cls, escalation: Escalation | RowMapping) -> Self:
        """For the answer."""
        read = escalation.__getitem__ if isinstance(escalation, RowMapping) else escalation.__getattribute__
        fields = {name: read(name) for name in cls.model_fields if name not in ("step", "next_step_at")}
        return cls.model_validate({**fields, "step": read("position"), "next_step_at": read("next_at")})


class NotificationView(BaseModel):
    """What somebody was told, or what became of trying to."""

    notification_id: UUID
    escalation_id: UUID
    ticket_id: UUID | None
    way: Way
    name: str = Field(description="The agent, address, chat or webhook that the policy names.")
    address: str | None
    urgency: Urgency
    state: NotificationState
    held_until: datetime | None = Field(description="The end of their quiet hours, where it waits for that.")
    message_id: UUID | None = Field(description="The message that it went in, alone or with others.")
    attempts: int
    next_attempt_at: datetime | None
    detail: str | None
    instead_of: UUID | None = Field(description="The notification that failed before this one.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """For the answer."""
        return cls.model_validate({**{name: row[name] for name in cls.model_fields}, "detail": row["why"]})


class AttemptView(BaseModel):
    """An attempt to deliver a message."""

    number: int
    begun_at: datetime
    answer: Answer
    code: int | None = Field(description="The status of HTTP, or the reply of SMTP.")
    detail: str | None
    took_s: float | None = Field(description="None while it is under way, or where it was cut off.")

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """For the answer."""
        took = row["took"]
        fields = {name: row[name] for name in cls.model_fields if name != "took_s"}
        return cls.model_validate({**fields, "took_s": took.total_seconds() if took is not None else None})


class NotificationWithAttempts(NotificationView):
    """A notification, and the evidence: every attempt to deliver the message that it is in."""

    evidence: list[AttemptView]

    @classmethod
    def with_attempts(cls, row: RowMapping, attempts: Sequence[RowMapping]) -> Self:
        """For the answer."""
        told = NotificationView.of(row).model_dump()
        return cls(**told, evidence=[AttemptView.of(attempt) for attempt in attempts])


class Published(BaseModel):
    """How many snapshots are on their way."""

    published: int
