"""What events of the other services mean to the engine."""

from datetime import UTC, datetime

from services.router.app.inbound import to_input
from tests.scribe import Scribe

NOW = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)


def test_the_end_of_a_call_moves_no_work() -> None:
    scribe = Scribe("acme")
    scribe.opened("t", NOW)
    assert to_input(scribe.call_ended("t", NOW)) is None
