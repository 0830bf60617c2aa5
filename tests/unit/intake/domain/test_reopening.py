"""The cap on reopening."""

import pytest

from services.intake.domain.reopening import may_reopen


@pytest.mark.parametrize(
    ("of_ticket", "of_sender", "allowed"), [(0, 0, True), (2, 9, True), (3, 3, False), (0, 10, False)]
)
def test_a_ticket_reopens_three_times_an_hour_and_a_sender_ten_times(
    of_ticket: int, of_sender: int, *, allowed: bool
) -> None:
    assert may_reopen(of_ticket=of_ticket, of_sender=of_sender) is allowed
