"""What a chain would do if nobody acted is what it does if nobody acts."""

from dataclasses import replace

from hypothesis import given

from services.escalation.domain.escalation import advance
from services.escalation.domain.escalation_policy import Gate, Repeat, Step
from services.escalation.domain.foresight import foresee
from tests.unit.escalation.builders import at
from tests.unit.escalation.chains import MOVE, OFFICE, RAISE, TELL, an_escalation, day, seen, wait
from tests.unit.escalation.domain.test_escalation import chains


def test_every_step_is_told_with_its_time_also_one_whose_gate_does_not_hold() -> None:
    inside, outside = replace(TELL, only_if=Gate(within=OFFICE)), replace(MOVE, only_if=Gate(outside=OFFICE))
    chain = an_escalation(inside, outside, wait(60), Repeat(times=1), RAISE)
    chain = replace(chain, next_at=day("2026-06-05 14:30"))
    found = [
        (item.at.strftime("%H:%M"), item.step, item.taken is not None) for item in foresee(chain, lambda _: seen())
    ]
    assert found == [
        ("14:30", 1, True),
        ("14:30", 2, False),
        ("15:30", 1, False),
        ("15:30", 2, True),
        ("16:30", 5, True),
    ]


@given(chains())
def test_what_is_foreseen_comes_true(steps: tuple[Step, ...]) -> None:
    escalation = an_escalation(*steps)
    foreseen = [(item.at, item.taken) for item in foresee(escalation, lambda _: seen())]
    happened = []
    while escalation.next_at is not None:
        due = escalation.next_at
        escalation, taken = advance(escalation, due, seen())
        happened += [(due, item) for item in taken]
    assert foreseen == happened
    assert all(moment >= at(0) for moment, _ in happened)
