"""What stands in one line stays in it."""

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.one_line import one_line


@given(st.text(st.characters(codec=None)))
def test_nothing_begins_another_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert one_line(line) == line


def test_what_stands_apart_stays_apart() -> None:
    assert one_line(" Lamp\r\nBcc: ada@example.org\u2028Grüße\x00 ") == "Lamp Bcc: ada@example.org Grüße"
