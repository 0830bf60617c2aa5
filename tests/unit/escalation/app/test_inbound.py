"""What events of the other services mean for service levels."""

from datetime import UTC, datetime

from services.escalation.app.inbound import ticket_of, to_happening
from tests.scribe import Scribe, uid

NOW = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)


def test_the_end_of_a_call_is_about_its_ticket_and_stops_no_clock() -> None:
    scribe = Scribe("acme")
    scribe.opened("t", NOW)
    ended = scribe.call_ended("t", NOW)
    assert ticket_of(ended) == uid("t")
    assert to_happening(ended) is None
