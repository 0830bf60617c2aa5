"""What events of the other services mean to the engine."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.router.app.inbound import to_input
from services.router.domain import inputs
from shared.events import examples
from shared.events.catalog import ESCALATIONS
from shared.events.codec import decode
from shared.events.tickets import CallEndedV1
from shared.vocabulary import CallOutcome
from tests.scribe import Scribe

ESCALATED = Path(examples.__file__).parent
NOW = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)


def test_an_answered_call_that_ends_is_told_of_however_often_it_is_corrected() -> None:
    scribe = Scribe("acme")
    scribe.opened("t", NOW)
    first = to_input(scribe.call_ended("t", NOW))
    assert isinstance(first, inputs.CallEnded)
    assert to_input(scribe.call_ended("t", NOW, revision=2)) == first


def test_a_call_that_nobody_answered_moves_no_work() -> None:
    scribe = Scribe("acme")
    scribe.opened("t", NOW)
    ended = scribe.call_ended("t", NOW)
    assert isinstance(ended.data, CallEndedV1)
    for outcome in set(CallOutcome) - {CallOutcome.ANSWERED}:
        assert to_input(replace(ended, data=ended.data.model_copy(update={"outcome": outcome}))) is None


def test_an_escalation_asks_the_same_in_whichever_version_it_is_told() -> None:
    asked = [
        to_input(decode((ESCALATED / f"escalation.raised.v{version}" / "typical.json").read_bytes(), ESCALATIONS))
        for version in (1, 2)
    ]
    assert isinstance(asked[0], inputs.EscalationRaised)
    assert asked[0].raised.support_tier == 2
    assert asked[0] == asked[1]


def test_what_is_escalated_without_a_ticket_asks_nothing_of_any_work() -> None:
    for name in ("of_a_queue", "of_a_kpi"):
        event = decode((ESCALATED / "escalation.raised.v2" / f"{name}.json").read_bytes(), ESCALATIONS)
        assert to_input(event) is None
