"""What SLA events mean to the engine."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.router.app.inbound_clocks import to_clock
from services.router.domain import inputs
from shared.events.escalations import (
    ClockContract,
    SlaBreachedV1,
    SlaBreachWithdrawnV1,
    SlaClockPausedV1,
    SlaClockResumedV1,
    SlaClockSnapshotV1,
    SlaClockStartedV1,
    SlaClockStoppedV1,
    SlaMetV1,
    SlaWarnedV1,
)
from shared.vocabulary import ClockState, SlaMetric

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DUE = NOW + timedelta(minutes=30)
CLOCK = {"clock_id": UUID(int=1), "ticket_id": UUID(int=2), "metric": SlaMetric.FIRST_REPLY, "generation": 1}
POLICY = {"policy": "all", "policy_version": 1}
HOUR = timedelta(hours=1)


def known(**how: object) -> inputs.ClockKnown:
    return inputs.ClockKnown(
        ticket_id=UUID(int=2),
        clock_id=UUID(int=1),
        metric=SlaMetric.FIRST_REPLY,
        **{"at": NOW, **how},  # type: ignore[arg-type] # a builder's overrides
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            SlaClockStartedV1(**CLOCK, **POLICY, target_s=3600, started_at=DUE - HOUR, due_at=DUE),
            known(at=DUE - HOUR, target=HOUR, due_at=DUE),
        ),
        (SlaClockPausedV1(**CLOCK, elapsed_s=60), known(elapsed=timedelta(minutes=1))),
        (
            SlaClockResumedV1(**CLOCK, elapsed_s=60, due_at=DUE, target_s=3600),
            known(elapsed=timedelta(minutes=1), due_at=DUE, target=HOUR),
        ),
        (
            SlaClockResumedV1(**CLOCK, elapsed_s=60, due_at=DUE),
            known(elapsed=timedelta(minutes=1), due_at=DUE),
        ),
        (
            SlaBreachedV1(
                **CLOCK,
                **POLICY,
                target_s=3600,
                elapsed_s=3600,
                due_at=NOW - HOUR,
                fired_at=NOW,
                is_provisional=False,
                queue=None,
                agent_id=None,
                cause="time",
            ),
            known(at=NOW - HOUR, elapsed=HOUR, target=HOUR, due_at=NOW - HOUR),
        ),
        (
            SlaClockSnapshotV1(
                **CLOCK, policy="all", state=ClockState.RUNNING, target_s=3600, elapsed_s=60, due_at=DUE
            ),
            known(elapsed=timedelta(minutes=1), target=HOUR, due_at=DUE),
        ),
        (
            SlaClockSnapshotV1(
                **CLOCK, policy="all", state=ClockState.MET, target_s=3600, elapsed_s=60, due_at=None
            ),
            known(elapsed=timedelta(minutes=1), target=HOUR, is_over=True),
        ),
        (
            SlaMetV1(**CLOCK, policy="all", target_s=3600, elapsed_s=60, elapsed_wall_s=60),
            known(is_over=True),
        ),
        (
            SlaClockStoppedV1(**CLOCK, outcome="late", cause="answer", elapsed_s=1, elapsed_wall_s=1, overdue_s=0),
            known(is_over=True),
        ),
        (SlaWarnedV1(**CLOCK, policy="all", level_percent=75, target_s=3600, due_at=DUE), None),
        (SlaBreachWithdrawnV1(**CLOCK, breach_event_id=UUID(int=3)), None),
    ],
    ids=lambda value: getattr(type(value), "name", ""),
)
def test_a_clock_stands_as_its_last_event_says(told: ClockContract, expected: inputs.ClockKnown | None) -> None:
    assert to_clock(told, NOW) == expected


def test_a_span_that_no_calendar_has_is_cut() -> None:
    endless = SlaClockPausedV1(**CLOCK, elapsed_s=1e300)
    backwards = SlaClockPausedV1(**CLOCK, elapsed_s=-1)
    found = [to_clock(each, NOW) for each in (endless, backwards)]
    assert [each.elapsed for each in found if each] == [timedelta(days=36_600), timedelta()]
