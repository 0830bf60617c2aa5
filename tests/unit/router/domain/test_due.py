"""What is due, and that memory does not keep what no longer is."""

from datetime import timedelta

from services.router.domain.due import next_due_at
from services.router.domain.policy import Requirements, Step
from shared.vocabulary import TicketStatus
from tests.unit.router.domain.desk import START, Desk, general


def test_timers_of_what_is_over_are_dropped_long_before_they_are_due() -> None:
    steps = (Step(after=timedelta(days=30), support_tier=1),)
    desk = Desk.of(rules=[general(requirements=Requirements(queue="general", support_tier=2), steps=steps)])
    desk.open("kept")
    for number in range(3_000):
        desk.open(str(number))
        desk.status(str(number), TicketStatus.SOLVED)
        assert next_due_at(desk.state) == START + timedelta(days=30)
    assert len(desk.state.timers) <= 1_100
