"""The record of a call: whatever order its events come in, and however often."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.call import ANONYMOUS, CallEvent, CallEventKind, CallPhase, CallSummary, fold
from shared.vocabulary import CallOutcome
from tests.unit.intake.builders import NOW

K = CallEventKind
O = CallOutcome  # noqa: E741 - as short as the table that it makes
Step = tuple[CallEventKind, float] | tuple[CallEventKind, float, Mapping[str, object]]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def told(*steps: Step) -> list[CallEvent]:
    """Events in their order: what, when, and what else is told."""
    return [
        replace(
            CallEvent(kind=step[0], call_id="c-1", seq=seq, at=at(step[1])),
            **(step[2] if len(step) > 2 else {}),  # type: ignore[arg-type] # a builder takes any field
        )
        for seq, step in enumerate(steps)
    ]


WHOLE = told(
    (K.RINGING, 0, {"from_": "+4930123456", "to": "+4940999", "name": "Ada"}),
    (K.IVR, 2),
    (K.QUEUED, 14),
    (K.RINGING, 44, {"agent": "bob"}),
    (K.ANSWERED, 50, {"agent": "ada"}),
    (K.HELD, 80),
    (K.RESUMED, 100),
    (K.TRANSFERRED, 160, {"agent": "grace"}),
    (K.ENDED, 200),
    (K.WRAPPED_UP, 230, {"agent": "grace"}),
)


def ended(*steps: Step) -> CallSummary:
    summary = fold(told(*steps)).summary
    assert summary is not None
    return summary


def test_each_second_counts_once_and_talk_excludes_hold() -> None:
    record = fold(WHOLE)
    assert (record.caller, record.called, record.name, record.phase) == (
        *("+4930123456", "+4940999", "Ada"),
        CallPhase.ENDED,
    )
    assert record.summary == CallSummary(
        outcome=O.ANSWERED,
        agent="grace",
        transfers=1,
        ivr_s=12,
        queue_s=30,
        ring_s=8,
        talk_s=130,
        hold_s=20,
        wrap_s=30,
        started_at=at(0),
        answered_at=at(50),
        ended_at=at(200),
    )


@given(st.permutations([*WHOLE, *WHOLE]), st.sets(st.integers(0, 9), max_size=9))
def test_any_order_and_any_repeats_of_the_same_events_make_the_same_record(
    shuffled: list[CallEvent], missing: set[int]
) -> None:
    left = [event for event in shuffled if event.seq not in missing]
    assert fold(left) == fold([event for event in WHOLE if event.seq not in missing])


def test_every_order_of_a_short_call_makes_the_same_record() -> None:
    events = told((K.RINGING, 0), (K.QUEUED, 3), (K.ANSWERED, 9), (K.ENDED, 20), (K.WRAPPED_UP, 25))
    assert len({repr(fold(order)) for order in permutations(events)}) == 1


_KINDS = st.sampled_from(list(K))
_STEPS = st.lists(st.tuples(_KINDS, st.floats(0, 10_000), st.sampled_from([None, "ada", "bob"])), min_size=1)


@given(_STEPS, st.data())
def test_whatever_is_told_no_time_is_negative_and_none_counts_twice(
    steps: list[tuple[CallEventKind, float, str | None]], data: st.DataObject
) -> None:
    events = told(*((kind, seconds, {"agent": agent}) for kind, seconds, agent in steps))
    shuffled = data.draw(st.permutations(events))
    record = fold(shuffled)
    assert record == fold(events)
    summary = record.summary
    if summary is None:
        assert K.ENDED not in [event.kind for event in events]
        return
    phases = (summary.ivr_s, summary.queue_s, summary.ring_s, summary.talk_s, summary.hold_s)
    assert min(*phases, summary.wrap_s) >= 0
    assert sum(phases) == pytest.approx((summary.ended_at - summary.started_at).total_seconds(), abs=1e-3)


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([(K.RINGING, 0), (K.ANSWERED, 5), (K.ENDED, 9)], O.ANSWERED),
        ([(K.RINGING, 0), (K.QUEUED, 5), (K.ENDED, 60)], O.ABANDONED),
        ([(K.RINGING, 0), (K.QUEUED, 5), (K.RINGING, 8), (K.ENDED, 60)], O.ABANDONED),
        ([(K.RINGING, 0), (K.ENDED, 60)], O.MISSED),
        ([(K.RINGING, 0), (K.IVR, 1), (K.RINGING, 20), (K.ENDED, 60)], O.MISSED),
        ([(K.RINGING, 0), (K.IVR, 1), (K.ENDED, 60)], O.ABANDONED),
        ([(K.ENDED, 60)], O.MISSED),
        ([(K.RINGING, 0), (K.HELD, 5), (K.ENDED, 60)], O.ANSWERED),
        ([(K.ENDED, 60), (K.WRAPPED_UP, 90)], O.ANSWERED),
        ([(K.RINGING, 0), (K.ENDED, 60), (K.RECORDED, 61, {"recording_url": "https://x/1"})], O.VOICEMAIL),
        ([(K.QUEUED, 0), (K.RECORDED, 9, {"outcome": O.VOICEMAIL}), (K.ENDED, 60)], O.VOICEMAIL),
        ([(K.ANSWERED, 0), (K.RECORDED, 9, {"outcome": O.VOICEMAIL}), (K.ENDED, 60)], O.ANSWERED),
        ([(K.QUEUED, 0), (K.ENDED, 60, {"outcome": O.CALLBACK})], O.CALLBACK),
        ([(K.ANSWERED, 0), (K.ENDED, 60, {"outcome": O.FAILED})], O.FAILED),
        ([(K.QUEUED, 0), (K.ENDED, 60), (K.WRAPPED_UP, 70, {"outcome": O.CALLBACK})], O.CALLBACK),
    ],
)
def test_the_outcome_is_what_the_provider_states_or_what_follows(
    steps: list[tuple[CallEventKind, float]], outcome: CallOutcome
) -> None:
    assert ended(*steps).outcome is outcome


def test_what_comes_after_the_end_changes_no_time_but_the_wrap_up() -> None:
    events = ((K.RINGING, 0), (K.ANSWERED, 5), (K.ENDED, 9), (K.ANSWERED, 20), (K.HELD, 30), (K.ENDED, 40))
    summary = ended(*events)
    assert (summary.talk_s, summary.hold_s, summary.wrap_s, summary.ended_at) == (4, 0, 0, at(9))


def test_a_clock_that_goes_back_stands_still() -> None:
    summary = ended((K.RINGING, 0), (K.QUEUED, 10), (K.ANSWERED, 4), (K.HELD, 20), (K.ENDED, 15))
    assert (summary.ring_s, summary.queue_s, summary.talk_s, summary.hold_s) == (10, 0, 10, 0)
    assert (summary.answered_at, summary.ended_at) == (at(10), at(20))


def test_a_transfer_to_nobody_yet_rings_until_somebody_answers() -> None:
    answered = {"agent": "ada"}, {"agent": "bob"}
    summary = ended(
        (K.ANSWERED, 0, answered[0]), (K.TRANSFERRED, 10), (K.ANSWERED, 15, answered[1]), (K.ENDED, 20)
    )
    assert (summary.talk_s, summary.ring_s, summary.transfers, summary.agent) == (15, 5, 1, "bob")


def test_another_agent_who_answers_is_a_transfer_that_nobody_told() -> None:
    ada, bob = {"agent": "ada"}, {"agent": "bob"}
    silent = ended((K.ANSWERED, 0, ada), (K.ANSWERED, 10, bob), (K.ENDED, 20))
    told_too = ended((K.ANSWERED, 0, ada), (K.TRANSFERRED, 5, bob), (K.ANSWERED, 10, bob), (K.ENDED, 20))
    assert (silent.transfers, told_too.transfers) == (1, 1)


def test_a_missed_call_is_nobodys_whoever_was_rung() -> None:
    assert ended((K.RINGING, 0, {"agent": "ada"}), (K.ENDED, 20)).agent is None


def test_who_calls_is_told_by_any_event_and_withheld_by_the_first_that_says_so() -> None:
    assert fold(told((K.QUEUED, 0), (K.ENDED, 5, {"from_": "+4930"}))).caller == "+4930"
    assert fold(told((K.RINGING, 0, {"from_": ANONYMOUS}), (K.ENDED, 5, {"from_": "+4930"}))).caller == ANONYMOUS
    assert fold(told((K.QUEUED, 0))).caller is None


def test_a_recording_is_one_however_often_it_is_told_and_its_transcript_may_follow() -> None:
    url = "https://voice.example/r-1"
    record = fold(
        told(
            (K.RINGING, 0),
            (K.RECORDED, 5, {"recording_url": url, "outcome": O.VOICEMAIL}),
            (K.ENDED, 6),
            (K.RECORDED, 60, {"recording_url": url, "transcript": "Please call back."}),
        )
    )
    (recording,) = record.recordings
    assert (recording.is_voicemail, recording.transcript) == (True, "Please call back.")
    assert record.phase is CallPhase.ENDED


def test_a_recording_or_a_hold_alone_is_no_contact() -> None:
    assert not fold(told((K.RECORDED, 0), (K.HELD, 1))).is_contact
    assert fold(told((K.RECORDED, 0), (K.ENDED, 1))).is_contact
