"""The envelope of every event: CloudEvents 1.0 attributes and Waypost's extensions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.events.contract import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something happens, carried from request to event to event.

    traceparent: W3C trace context of the work that led here
    correlation_id: the same for all that one request from outside set off
    causation_id: the event or request directly before
    """

    traceparent: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact on the bus. Its repr names it and hides what it carries.

    subject: the aggregate, `ticket/{id}`
    sequence: contiguous per (workspace, subject), from 1
    time: when it happened, by its owner's database clock
    data: a contract, or the raw mapping of a type that this version of Waypost does not know yet
    """

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    workspace_id: str
    sequence: int
    data: Contract | dict[str, Any] = field(repr=False)
    cause: Cause = field(default=Cause(), repr=False)

    def caused(self) -> Cause:
        """The cause that whatever follows from this event carries."""
        return Cause(
            traceparent=self.cause.traceparent,
            correlation_id=self.cause.correlation_id or str(self.id),
            causation_id=str(self.id),
        )


def new_event(
    data: Contract,
    *,
    event_id: UUID,
    service: str,
    workspace_id: str,
    sequence: int,
    time: datetime,
    cause: Cause,
) -> Event:
    """An event of this service. `sequence` is the subject's next, `time` not before its previous."""
    return Event(
        id=event_id,
        source=f"/waypost/{service}",
        type=data.wire_type(),
        subject=data.subject,
        time=time,
        workspace_id=workspace_id,
        sequence=sequence,
        data=data,
        cause=cause,
    )
