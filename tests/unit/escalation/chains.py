"""Escalations and what their steps see, with dull defaults."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.escalation.domain.condition import Variables
from services.escalation.domain.escalation import Circumstances, Escalation
from services.escalation.domain.escalation_policy import (
    Contact,
    Notify,
    RaisePriority,
    Requeue,
    Step,
    Wait,
    Webhook,
)
from services.escalation.domain.recipient import Recipient, recipients_of
from shared.calendar import ALWAYS, WEEKDAYS, Calendar, parse_hours
from tests.unit.escalation.builders import NAMESPACE, T0, minutes


class Holds:
    """A condition that holds, or does not."""

    def __init__(self, holds: bool) -> None:
        self._holds = holds

    def holds(self, _variables: Variables) -> bool:
        return self._holds


RAISE = RaisePriority(by=1)
MOVE = Requeue(queue="urgent")
TELL = Notify(agents=("ann",))
NOBODY = Notify(agents=("eve",))
OFFICE = Calendar(
    time_zone="Europe/Berlin", weekly={WEEKDAYS.index(day): [parse_hours("09:00-17:00")] for day in WEEKDAYS[:5]}
)


def an_escalation(*steps: Step, ack_timeout: timedelta | None = None) -> Escalation:
    return Escalation(
        escalation_id=NAMESPACE,
        workspace_id="acme",
        ticket_id=NAMESPACE,
        clock_id=None,
        metric=None,
        generation=None,
        trigger="manual",
        policy="chain",
        policy_version=1,
        steps=steps,
        ack_timeout=ack_timeout,
        next_at=T0,
        started_at=T0,
    )


def wait(count: float, calendar: Calendar = ALWAYS) -> Wait:
    return Wait(duration=minutes(count), calendar=calendar)


def reach(step: Notify) -> tuple[Recipient, ...]:
    """Ann has an address, Eve has none."""
    contacts = {"ann": Contact(agent_id="ann", name=None, email="ann@example.org")}
    return recipients_of(step, contacts, {"pager": Webhook(webhook_id="pager", url="https://x.org", secret="s")})


def seen(*, is_unassigned: bool = True, begun: Mapping[timedelta, int] | int = 1) -> Circumstances:
    return Circumstances(
        reach=reach,
        is_unassigned=is_unassigned,
        begun=lambda per: begun if isinstance(begun, int) else begun[per],
    )


def day(text: str) -> datetime:
    """A moment of UTC, written as `2026-06-05 15:00`."""
    return datetime.fromisoformat(f"{text}+00:00")
