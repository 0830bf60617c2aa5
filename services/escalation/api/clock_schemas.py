"""What escalation answers about clocks."""

from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from services.escalation.adapters.reading import ShownClock
from services.escalation.domain.evidence import Segment, Standing
from services.escalation.domain.sla_clock import Entry, Turn
from shared.vocabulary import Agreement, ClockState, SlaMetric


class ClockEntry(BaseModel):
    """A line of a clock's history: what it did, why, and how it stood afterwards."""

    turn: Turn
    at: datetime
    cause: str = Field(description="The type of the event behind it, or what else made it turn.")
    event_id: UUID | None
    generation: int
    elapsed_s: float
    elapsed_wall_s: float
    due_at: datetime | None
    target_s: float
    policy: str
    policy_version: int
    calendar: str | None = Field(description="None: around the clock.")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """For the answer."""
        return cls(
            turn=entry.turn,
            at=entry.at,
            cause=entry.cause,
            event_id=entry.event_id,
            generation=entry.generation,
            elapsed_s=entry.elapsed.total_seconds(),
            elapsed_wall_s=entry.elapsed_wall.total_seconds(),
            due_at=entry.due_at,
            target_s=entry.target.total_seconds(),
            policy=entry.policy,
            policy_version=entry.policy_version,
            calendar=entry.calendar,
        )


class OpenHours(BaseModel):
    """A stretch that counted."""

    starts_at: datetime
    ends_at: datetime


class SegmentView(BaseModel):
    """A stretch of time in which a clock stood alike. What was counted and adjusted adds up to its elapsed time.

    began_by, ended_by: events, or what else made it turn; the last segment of a clock that goes on ends now
    adjusted_s: by how much a changed promise, or one made late, changed the elapsed time at the beginning
    hours: the calendar's open hours in it, which is what was counted; none where it stood still
    """

    standing: Standing
    generation: int
    starts_at: datetime
    ends_at: datetime
    began_by: str
    began_event_id: UUID | None
    ended_by: str | None
    ended_event_id: UUID | None
    policy: str
    policy_version: int
    calendar: str | None = Field(description="None: around the clock.")
    time_zone: str
    target_s: float
    adjusted_s: float
    elapsed_s: float
    elapsed_wall_s: float
    total_s: float = Field(description="Elapsed at its end.")
    due_at: datetime | None = Field(description="As it was after its beginning.")
    hours: list[OpenHours]

    @classmethod
    def of(cls, segment: Segment) -> Self:
        """For the answer."""
        began, ended = segment.began, segment.ended
        return cls(
            standing=segment.standing,
            generation=began.generation,
            starts_at=segment.starts_at,
            ends_at=segment.ends_at,
            began_by=began.cause,
            began_event_id=began.event_id,
            ended_by=ended.cause if ended else None,
            ended_event_id=ended.event_id if ended else None,
            policy=began.policy,
            policy_version=began.policy_version,
            calendar=began.calendar,
            time_zone=segment.calendar.time_zone,
            target_s=began.target.total_seconds(),
            adjusted_s=segment.adjusted.total_seconds(),
            elapsed_s=segment.elapsed.total_seconds(),
            elapsed_wall_s=segment.elapsed_wall.total_seconds(),
            total_s=segment.total.total_seconds(),
            due_at=began.due_at,
            hours=[OpenHours(starts_at=opens, ends_at=closes) for opens, closes in segment.hours],
        )


class WithdrawalView(BaseModel):
    """A breach that was told, and turned out never to have been."""

    generation: int
    breach_event_id: UUID
    breached_at: datetime
    withdrawn_at: datetime
    cause: str = Field(description="The type of the event that showed it.")
    cause_event_id: UUID | None


class ClockView(BaseModel):
    """An SLA clock as it stands. Durations count the calendar's open time unless they say wall."""

    clock_id: UUID
    agreement: Agreement
    metric: SlaMetric
    generation: int
    state: ClockState
    policy: str
    policy_version: int
    calendar: str | None = Field(description="None: around the clock.")
    target_s: float
    started_at: datetime
    due_at: datetime | None = Field(description="None while it stands still, and after its end.")
    elapsed_s: float
    elapsed_wall_s: float
    remaining_s: float = Field(description="Negative: overdue.")
    is_running: bool
    breached_at: datetime | None
    is_provisional: bool = Field(description="The breach was told before everything that may undo it was read.")
    warned_percent: int
    ended_at: datetime | None
    history: list[ClockEntry]
    segments: list[SegmentView]
    withdrawn: list[WithdrawalView]

    @classmethod
    def of(cls, shown: ShownClock, now: datetime) -> Self:
        """For the answer."""
        record = shown.record
        clock, told = record.clock, record.told
        assert clock.promise is not None
        elapsed, wall = clock.elapsed_at(now)
        return cls(
            clock_id=told.clock_id,
            agreement=clock.agreement,
            metric=clock.metric,
            generation=clock.generation,
            state=clock.state,
            policy=clock.promise.policy,
            policy_version=clock.promise.version,
            calendar=clock.promise.calendar_id,
            target_s=clock.promise.target.total_seconds(),
            started_at=clock.started_at,
            due_at=clock.due_at,
            elapsed_s=elapsed.total_seconds(),
            elapsed_wall_s=wall.total_seconds(),
            remaining_s=(clock.promise.target - elapsed).total_seconds(),
            is_running=clock.running_since is not None,
            breached_at=clock.breached_at,
            is_provisional=told.is_provisional,
            warned_percent=told.warned,
            ended_at=clock.ended_at,
            history=[ClockEntry.of(entry) for entry in clock.history],
            segments=[SegmentView.of(segment) for segment in shown.segments],
            withdrawn=[WithdrawalView.model_validate(asdict(withdrawal)) for withdrawal in told.withdrawn],
        )


class Clocks(BaseModel):
    """A ticket's clocks, the oldest first."""

    items: list[ClockView]
