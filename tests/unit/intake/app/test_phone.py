"""What numbers tell of themselves."""

import pytest

from services.intake.app.phone import line_of
from services.intake.domain.calling_back import Line


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("+491711234567", Line(region="DE")),
        ("+16505551234", Line(region="US")),
        ("+14165550123", Line(region="CA")),
        ("+499001234567", Line(region="DE", is_costly=True)),
        ("+491803123456", Line(region="DE", is_costly=True)),
        ("+19005551234", Line(region="US", is_costly=True)),
        ("+881612345678", Line(region=None)),
        ("+80012345678", Line(region=None)),
        ("+999123456789", Line(region=None)),
        ("100", Line(region=None)),
        ("", Line(region=None)),
    ],
)
def test_a_number_tells_its_country_and_who_earns_by_it(number: str, line: Line) -> None:
    assert line_of(number) == line
