"""Tells the world about escalations: sequences without gaps, times that never go back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.app import outbound
from services.escalation.domain.escalation import Escalation, Taken
from shared.events.contract import Contract
from shared.events.envelope import Cause, Event, new_event
from shared.ids import IdFactory


@dataclass(frozen=True, slots=True)
class News:
    """An event with the moment for which it stands: what fires late is told in the order in which it was due."""

    due_at: datetime
    event: Event


@dataclass(slots=True, kw_only=True)
class EscalationTeller:
    """Gathers the events of one unit of work in one workspace.

    causes: of the events that were folded, by their ids
    """

    workspace_id: str
    now: datetime
    ids: IdFactory
    causes: Mapping[UUID, Cause]
    news: list[News] = field(default_factory=list)

    def step(self, escalation: Escalation, taken: Taken, overdue: timedelta) -> Escalation:
        """Tells that a step was taken, so long after it was due."""
        return self._tell_escalation(escalation, outbound.raised(escalation, taken, overdue))

    def acknowledged(self, escalation: Escalation) -> Escalation:
        """Tells that somebody has taken it on, also where no step of it was taken yet."""
        return self._tell_escalation(escalation, outbound.acknowledged(escalation))

    def snoozed(self, escalation: Escalation) -> Escalation:
        """Tells that somebody has put it off."""
        return self._tell_escalation(escalation, outbound.snoozed(escalation))

    def resolved(self, escalation: Escalation) -> Escalation:
        """Tells that it is over, unless nobody knew of it."""
        if escalation.sequence == 0:
            return escalation
        return self._tell_escalation(escalation, outbound.resolved(escalation))

    def _tell_escalation(self, escalation: Escalation, contract: Contract) -> Escalation:
        time = max(self.now, escalation.last_event_at or self.now)
        told = replace(escalation, sequence=escalation.sequence + 1, last_event_at=time)
        self.publish(contract, told.sequence, time, self.now, None)
        return told

    def publish(
        self, contract: Contract, sequence: int, time: datetime, due_at: datetime, cause: Cause | None
    ) -> UUID:
        """Gathers one event; its id."""
        event_id = self.ids.new()
        event = new_event(
            contract,
            event_id=event_id,
            service="escalation",
            workspace_id=self.workspace_id,
            sequence=sequence,
            time=time,
            cause=cause or self.causes.get(_REQUEST, Cause()),
        )
        self.news.append(News(due_at, event))
        return event_id


_REQUEST = UUID(int=0)
"""Under which `causes` names the request that sets everything off, where one does."""


def by_request(cause: Cause) -> dict[UUID, Cause]:
    """The causes of what a request does."""
    return {_REQUEST: cause}
