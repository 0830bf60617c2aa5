"""What events of the other services mean to the engine."""

from dataclasses import replace
from datetime import UTC, datetime

from services.router.app.inbound import to_input
from services.router.domain import inputs
from shared.events.tickets import CallEndedV1
from shared.vocabulary import CallOutcome
from tests.scribe import Scribe

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
