"""What events of the other services mean for service levels."""

from dataclasses import replace
from datetime import UTC, datetime

from services.escalation.app.inbound import ticket_of, to_happening
from shared.events.routing import WorkQueuedV1
from shared.vocabulary import Priority
from tests.scribe import Scribe, uid

NOW = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)


def test_the_end_of_a_call_is_about_its_ticket_and_stops_no_clock() -> None:
    scribe = Scribe("acme")
    scribe.opened("t", NOW)
    ended = scribe.call_ended("t", NOW)
    assert ticket_of(ended) == uid("t")
    assert to_happening(ended) is None


def test_raising_a_priority_cannot_feed_the_next_breach() -> None:
    """The router raises the priority of the work item: nothing of that reaches what the ticket was promised."""
    scribe = Scribe("acme")
    calm = scribe.queued("t", NOW)
    assert isinstance(calm.data, WorkQueuedV1)
    raised = replace(calm, data=calm.data.model_copy(update={"priority": Priority.URGENT}))
    assert to_happening(raised) == to_happening(calm)
    assert to_happening(calm) is not None
