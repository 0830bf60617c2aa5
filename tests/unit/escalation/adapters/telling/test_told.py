"""As whom somebody acts who follows a link."""

import pytest

from services.escalation.adapters.telling.told import acting

KIM, LENA, DESK = ((name, "desk@example.org") for name in ("kim", "lena", "desk@example.org"))


@pytest.mark.parametrize(
    ("told", "by"),
    [
        ([KIM], "kim"),
        ([KIM, KIM], "kim"),
        ([KIM, LENA], "message:1"),
        ([LENA, KIM, KIM], "message:1"),
        ([DESK, KIM], "message:1"),
        ([DESK], "message:1"),
    ],
)
def test_a_link_acts_as_somebody_only_where_nobody_else_may_have_got_it(
    told: list[tuple[str, str]], by: str
) -> None:
    assert acting(told, "message:1") == by
