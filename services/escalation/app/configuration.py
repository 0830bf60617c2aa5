"""Escalation's part of a workspace's configuration, as it is written."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.durations import Duration
from shared.http.types import Email, Request, Slug
from shared.vocabulary import Priority, SlaMetric

HoursText = Annotated[
    str, StringConstraints(pattern=r"^\d{2}:[0-5]\d-\d{2}:[0-5]\d$"), Field(examples=["09:00-12:00"])
]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=200)]


DayHours = Annotated[tuple[HoursText, ...], Field(max_length=50)]


class WeekPart(Request):
    """Local opening hours by weekday, any number a day; `22:00-30:00` ends at six the next morning."""

    mon: DayHours = ()
    tue: DayHours = ()
    wed: DayHours = ()
    thu: DayHours = ()
    fri: DayHours = ()
    sat: DayHours = ()
    sun: DayHours = ()


class DatePart(Request):
    """Hours of one date."""

    date: dt.date
    hours: Annotated[DayHours, Field(min_length=1)]


class HolidaysPart(Request):
    """The public holidays of a country, or of a part of it."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,60}$")] | None = None


class CalendarPart(Request):
    """Opening hours in a time zone. An extra opening beats a closure, a closure beats the week."""

    id: Slug
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    weekly: WeekPart = WeekPart()
    closed: tuple[dt.date, ...] = Field(default=(), max_length=2000)
    closures: tuple[DatePart, ...] = Field(default=(), max_length=2000)
    openings: tuple[DatePart, ...] = Field(default=(), max_length=2000)
    holidays: HolidaysPart | None = None


class TargetPart(Request):
    """A promise: the metric stays within so much time of the policy's calendar."""

    metric: SlaMetric
    priority: Literal["all"] | Annotated[tuple[Priority, ...], Field(min_length=1)] = "all"
    within: Duration
    warn_at_percent: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (75,)
    escalation: Slug | None = Field(default=None, description="The escalation policy that a breach sets off.")


class SlaPolicyPart(Request):
    """Promises for tickets on which a CEL condition holds. The first policy that holds decides."""

    id: Slug
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = "true"
    calendar: Slug | None = Field(default=None, description="None: around the clock.")
    targets: tuple[TargetPart, ...] = Field(default=(), max_length=100)


class RequeueTarget(Request):
    """Where work moves: to a queue, a tier or both."""

    queue: Slug | None = None
    tier: Annotated[int, Field(ge=1, le=9)] | None = None


class RaiseTarget(Request):
    """By how many steps work becomes more pressing."""

    by: Annotated[int, Field(ge=1, le=3)] = 1


class NotifyTarget(Request):
    """Who is told."""

    agents: tuple[Subject, ...] = Field(default=(), max_length=100)
    emails: tuple[Email, ...] = Field(default=(), max_length=100)
    webhooks: tuple[Slug, ...] = Field(default=(), max_length=100)


class WaitStep(Request):
    """Nothing happens for so long."""

    wait: Duration


class RequeueStep(Request):
    """The work item moves."""

    requeue: RequeueTarget


class RaiseStep(Request):
    """The work item becomes more pressing."""

    raise_priority: RaiseTarget


class NotifyStep(Request):
    """People and systems are told."""

    notify: NotifyTarget


StepPart = WaitStep | RequeueStep | RaiseStep | NotifyStep


class EscalationPolicyPart(Request):
    """A chain of steps, taken in order until somebody acknowledges or the reason has gone."""

    id: Slug
    steps: Annotated[tuple[StepPart, ...], Field(min_length=1, max_length=50)]


class ContactPart(Request):
    """An agent's address."""

    agent: Subject
    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    email: Email


class WebhookPart(Request):
    """A system that is told over HTTPS, signed as Standard Webhooks are."""

    id: Slug
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
    secret: Annotated[str, StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")] = Field(repr=False)


class EscalationPart(Request):
    """Escalation's part of the configuration."""

    calendars: tuple[CalendarPart, ...] = Field(default=(), max_length=200)
    sla_policies: tuple[SlaPolicyPart, ...] = Field(default=(), max_length=500)
    escalation_policies: tuple[EscalationPolicyPart, ...] = Field(default=(), max_length=500)
    contacts: tuple[ContactPart, ...] = Field(default=(), max_length=20_000)
    webhooks: tuple[WebhookPart, ...] = Field(default=(), max_length=500)
