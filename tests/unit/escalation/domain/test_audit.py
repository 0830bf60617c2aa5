"""What the auditor takes for wrong, and what not."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.escalation.domain.audit import Findings, audited, compare
from services.escalation.domain.clock_record import Kind, Timer
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock, Turn
from services.escalation.domain.tracking import anew
from shared.vocabulary import Agreement, SlaMetric
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies

OWNER = UUID(int=1)
FIRST_REPLY = Measure(Agreement.SLA, SlaMetric.FIRST_REPLY)


def timer(due: float, kind: Kind = Kind.BREACH) -> Timer:
    return Timer(owner_id=OWNER, generation=1, kind=kind, due_at=at(due))


@pytest.mark.parametrize(
    ("wanted", "standing", "found"),
    [
        ([timer(10)], [timer(10)], Findings()),
        ([timer(10)], [], Findings(missing=1)),
        ([], [timer(10)], Findings(orphaned=1)),
        ([timer(10)], [timer(9)], Findings(wrong=1)),
        ([timer(10)], [replace(timer(10), generation=2)], Findings(missing=1, orphaned=1)),
        ([timer(-1)], [timer(-1)], Findings(overdue=1)),
        ([timer(-1)], [], Findings(missing=1, overdue=1)),
        # What could not be fired is put off for a minute; what is put off for longer nobody has put off.
        ([timer(-1)], [timer(0.5)], Findings(overdue=1)),
        ([timer(-1)], [timer(2)], Findings(wrong=1, overdue=1)),
        ([timer(1)], [timer(1.5)], Findings(wrong=1)),
    ],
)
def test_timers_are_compared_with_what_they_should_be(
    wanted: list[Timer], standing: list[Timer], found: Findings
) -> None:
    assert compare(wanted, standing, at(0)) == found


def test_a_timer_is_overdue_after_a_second() -> None:
    due = [timer(0)]
    assert compare(due, due, at(0) + timedelta(seconds=1)).overdue == 0
    assert compare(due, due, at(0) + timedelta(seconds=1, microseconds=1)).overdue == 1


def running() -> SlaClock:
    tracked = anew(
        a_ticket(), Story().opened(0).happenings, history(policies({"first_reply": minutes(60)})), until=None
    )
    return tracked.clocks[FIRST_REPLY]


def test_a_due_time_that_follows_from_its_calendar_is_left_alone() -> None:
    clocks = {FIRST_REPLY: running()}
    assert audited(clocks, at(30)) == clocks


def test_a_due_time_of_other_zone_data_is_worked_out_anew_and_says_so() -> None:
    clock = replace(running(), due_at=at(120))
    after = audited({FIRST_REPLY: clock}, at(30))[FIRST_REPLY]
    assert after.due_at == at(60)
    assert (after.history[-1].turn, after.history[-1].cause) == (Turn.RETARGETED, "recomputed")
    assert (after.running_since, after.elapsed) == (at(30), minutes(30))
    assert audited({FIRST_REPLY: after}, at(40))[FIRST_REPLY] == after
