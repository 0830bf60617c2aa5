"""Overrides and swaps: what is past stays as it was."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.escalation.domain.stand_in import (
    StandIn,
    check_free,
    check_span,
    ended,
    ended_together,
    in_force,
    swapped,
)
from shared.errors import Conflict, IllegalTransition, InvalidInput
from tests.unit.escalation.domain.rotas import a_duty, a_layer, a_rotation, an_override, utc

NOW = utc("2026-03-25T12:00")
HOUR = timedelta(hours=1)
DUTY = a_duty(a_rotation(a_layer("ada", "ben", "cy"), fallback="lena"))
"""Cy's turn, from Monday 23 to Monday 30; then ada's, ben's."""


def a_stand_in(start: datetime, end: datetime, **fields: Any) -> StandIn:
    return StandIn(
        workspace_id="acme",
        override_id=UUID(int=1),
        rotation="desk",
        agent="zoe",
        start_at=start,
        end_at=end,
        created_at=NOW,
        created_by="tests",
        **fields,
    )


@pytest.mark.parametrize(
    ("start", "end", "pointer"),
    [
        (NOW - HOUR, NOW + HOUR, "/start"),
        (NOW, NOW, "/end"),
        (NOW, NOW + 367 * 24 * HOUR, "/end"),
        (NOW + 1100 * 24 * HOUR, NOW + 1101 * 24 * HOUR, "/start"),
    ],
)
def test_nobody_stands_in_at_times_that_make_no_sense(start: datetime, end: datetime, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_span(start, end, NOW)
    assert [at for at, _ in refused.value.problems] == [pointer]


def test_two_stand_ins_may_meet_but_not_overlap() -> None:
    one, next_to_it = a_stand_in(NOW, NOW + HOUR), a_stand_in(NOW + HOUR, NOW + 2 * HOUR)
    check_free([one], [next_to_it])
    with pytest.raises(Conflict):
        check_free([one], [a_stand_in(NOW - HOUR, NOW + timedelta(seconds=1))])


def test_what_has_not_begun_is_withdrawn_and_what_has_is_over_from_now_on() -> None:
    to_come = ended(a_stand_in(NOW + HOUR, NOW + 2 * HOUR), NOW, "ann")
    assert in_force([to_come]) == []
    current = ended(a_stand_in(NOW - HOUR, NOW + HOUR), NOW, "ann")
    (override,) = in_force([current])
    assert (override.start, override.end) == (NOW - HOUR, NOW)
    assert ended(current, NOW + HOUR, "bob") == current
    with pytest.raises(IllegalTransition):
        ended(a_stand_in(NOW - HOUR, NOW), NOW, "ann")


def test_a_swap_of_the_present_turn_is_of_what_is_left_of_it() -> None:
    one, other = swapped(DUTY, NOW - HOUR, utc("2026-04-01"), NOW)
    assert (one.agent, one.start, one.end) == ("ada", NOW, utc("2026-03-30T07:00"))
    assert (other.agent, other.start, other.end) == ("cy", utc("2026-03-30T07:00"), utc("2026-04-06T07:00"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-03-25T13:00", "2026-03-26"),
        ("2026-03-25T13:00", "2026-04-14"),
        ("2026-03-20", "2026-04-01"),
        ("2025-12-01", "2026-04-01"),
    ],
)
def test_there_is_nothing_to_swap_with_oneself_in_the_past_or_of_nobodys_turn(first: str, second: str) -> None:
    with pytest.raises(InvalidInput):
        swapped(DUTY, utc(first), utc(second), NOW)


def test_the_halves_of_a_swap_end_together() -> None:
    one, other = (a_stand_in(NOW + n * HOUR, NOW + (n + 1) * HOUR) for n in (1, 5))
    other = replace(other, override_id=UUID(int=2))
    after, changed = ended_together(one, [one, other], NOW, "ann")
    assert changed == [after, ended(other, NOW, "ann")]
    assert in_force(changed) == []
    assert ended_together(after, changed, NOW + HOUR, "bob") == (after, [])


def test_the_half_of_a_swap_that_is_past_stays() -> None:
    past = replace(a_stand_in(NOW - 2 * HOUR, NOW), override_id=UUID(int=2))
    to_come = a_stand_in(NOW + HOUR, NOW + 2 * HOUR)
    after, changed = ended_together(to_come, [past, to_come], NOW, "ann")
    assert changed == [after]
    with pytest.raises(IllegalTransition):
        ended_together(past, [past, to_come], NOW, "ann")


def test_a_shift_that_somebody_took_over_is_not_swapped_again() -> None:
    taken = a_duty(a_rotation(a_layer("ada", "ben")), an_override("zoe", "2026-03-30T07:00", "2026-04-06T07:00"))
    with pytest.raises(Conflict):
        swapped(taken, NOW, utc("2026-04-01"), NOW)
