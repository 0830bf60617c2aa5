"""A clock's time in the terminal, in numbers that add up."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from rich.console import Console

from deploy.cli.answers import Ticket
from deploy.cli.clock_answers import ClockSegment, MeasuredClock, Withdrawal
from deploy.cli.clock_table import measured
from deploy.cli.output import exactly

BEGINNING = datetime(2026, 3, 27, 15, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGINNING + timedelta(minutes=minutes)


def a_segment(begins: float, ends: float, standing: str, counted_s: float, total_s: float) -> ClockSegment:
    return ClockSegment(
        standing=standing,
        starts_at=at(begins),
        ends_at=at(ends),
        began_by="ticket.opened" if begins == 0 else "ticket.status_changed",
        ended_by=None if standing == "overdue" else "ticket.status_changed",
        calendar="office",
        time_zone="Europe/Berlin",
        adjusted_s=0,
        elapsed_s=counted_s,
        total_s=total_s,
    )


def a_ticket() -> Ticket:
    absent = dict.fromkeys(
        ("language", "first_replied_at", "solved_at", "assignee_id", "queue", "support_tier"), None
    )
    return Ticket.model_validate(
        {
            "ticket_id": UUID(int=1),
            "number": 7,
            "status": "open",
            "priority": "normal",
            "labels": {},
            "subject": "Help",
            "channel": "support",
            "channel_kind": "email",
            "opened_at": BEGINNING,
            "updated_at": BEGINNING,
            **absent,
        }
    )


def test_a_clock_is_shown_piece_by_piece_on_its_calendars_own_clock() -> None:
    clock = MeasuredClock(
        metric="requester_wait",
        policy="gold",
        state="breached",
        target_s=1800,
        due_at=None,
        elapsed_s=5400.25,
        remaining_s=-3600.25,
        is_running=True,
        breached_at=at(40),
        agreement="sla",
        policy_version=3,
        ended_at=None,
        is_provisional=False,
        segments=[
            a_segment(0, 20, "running", 1200, 1200),
            a_segment(20, 30, "paused", 0, 1200),
            a_segment(30, 40, "running", 600, 1800),
            a_segment(40, 100, "overdue", 3600.25, 5400.25),
        ],
        withdrawn=[Withdrawal(breached_at=at(1), withdrawn_at=at(2), cause="ticket.reply_sent")],
    )
    text = StringIO()
    Console(file=text, width=240).print(measured(a_ticket(), [clock]))
    lines = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert "requester wait (sla gold, version 3) breached" in lines
    assert "target 0:30:00, counted 1:30:00.25, overdue by 1:00:00.25, breached 2026-03-27 16:40:00+01:00" in lines
    first, still, *_, last = (line for line in lines if "office (Europe/Berlin)" in line)
    assert first.startswith("2026-03-27 16:00:00+01:00 2026-03-27 16:20:00+01:00 ran ticket.opened")
    assert first.endswith("0:20:00 0:20:00")
    assert " stood still ticket.status_changed ticket.status_changed " in still
    assert still.endswith("0:00:00 0:20:00")
    assert " ran overdue ticket.status_changed now " in last
    assert last.endswith("1:00:00.25 1:30:00.25")
    assert any(line.startswith("The breach of 2026-03-27 16:01:00+01:00 was withdrawn at") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0:00:00"), (61.5, "0:01:01.5"), (-360_000.000001, "-100:00:00.000001"), (0.1 + 0.2, "0:00:00.3")],
)
def test_seconds_are_told_to_the_last_digit(seconds: float, told: str) -> None:
    assert exactly(seconds) == told
