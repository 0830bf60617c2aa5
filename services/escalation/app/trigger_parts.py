"""Triggers of escalations as they are written in a configuration."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import SlaMetric, SurveyKind

Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class BreachedPart(Request):
    """A promise is broken whose target names no escalation."""

    metrics: tuple[SlaMetric, ...] = ()


class WarnedPart(Request):
    """So much of a target is used up, as its warnings tell."""

    metrics: tuple[SlaMetric, ...] = ()
    at_percent: Annotated[int, Field(ge=1, le=99)] = 1


class LabelledPart(Request):
    """A ticket gets a label."""

    label: Word
    value: Word | None = None


class RatedPart(Request):
    """The customer rates badly."""

    at_most_percent: Annotated[int, Field(ge=0, le=100)]
    survey: SurveyKind | None = None


class ReopenedPart(Request):
    """A solved ticket comes back."""

    times: Annotated[int, Field(ge=1, le=100)] = 1


class QueueLengthPart(Request):
    """Many wait in a queue."""

    queue: Slug
    more_than: Annotated[int, Field(ge=0, le=10_000)]


class OldestWaitingPart(Request):
    """Somebody waits long in a queue."""

    queue: Slug
    longer_than: Duration


class KpiAlertPart(Request):
    """A KPI is out of bounds."""

    kpi: Word
    queue: Slug | None = None


SignPart = (
    WarnedPart
    | BreachedPart
    | bool
    | LabelledPart
    | RatedPart
    | ReopenedPart
    | QueueLengthPart
    | OldestWaitingPart
    | KpiAlertPart
)


class TriggerPart(Request):
    """What sets off an escalation policy: exactly one sign."""

    id: Slug
    escalation: Slug = Field(description="The policy that is set off.")
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(
        default="true", description="For which tickets: a CEL condition, as SLA policies have."
    )
    warned: WarnedPart | None = None
    breached: BreachedPart | None = None
    opened: bool = False
    labelled: LabelledPart | None = None
    rated: RatedPart | None = None
    reopened: ReopenedPart | None = None
    queue_length: QueueLengthPart | None = None
    oldest_waiting: OldestWaitingPart | None = None
    kpi_alert: KpiAlertPart | None = None

    def signs(self) -> dict[str, SignPart]:
        """The signs that are written, by their names."""
        return {name: sign for name in SIGNS if (sign := getattr(self, name))}

    @property
    def queue(self) -> str | None:
        """The queue that its sign names."""
        named = self.queue_length or self.oldest_waiting or self.kpi_alert
        return named.queue if named else None


SIGNS = tuple(name for name in TriggerPart.model_fields if name not in ("id", "escalation", "when"))
OF_NO_TICKET = ("queue_length", "oldest_waiting", "kpi_alert")
