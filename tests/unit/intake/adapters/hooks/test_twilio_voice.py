"""Twilio's callbacks, as its documentation describes them, become one record in any order."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.hooks.twilio_voice import call_events
from services.intake.domain.call import ANONYMOUS, CallEvent, CallEventKind, CallRecord, CallSummary, fold
from shared.vocabulary import CallOutcome
from tests.unit.intake.builders import NOW

CALL, AGENT = "CA1234567890abcdef1234567890abcdef", "CAffffffffffffffffffffffffffffffff"
CALLER = {
    "CallSid": CALL,
    "From": "+4930123456",
    "To": "+4940999",
    "Direction": "inbound",
    "ApiVersion": "2010-04-01",
}
URL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"

Told = tuple[dict[str, str], float]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    return after(seconds).strftime("%a, %d %b %Y %H:%M:%S +0000")


def caller(status: str, **more: str) -> dict[str, str]:
    return {**CALLER, "CallStatus": status, **more}


def agent(status: str, seconds: float, number: int, called: str = "client:ada", leg: str = AGENT) -> Told:
    form = {
        "CallSid": leg,
        "ParentCallSid": CALL,
        "CallStatus": status,
        "From": "+4940999",
        "To": called,
        "Direction": "outbound-dial",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(number),
        "Timestamp": stamp(seconds),
    }
    return form, seconds + 0.4


def over(seconds: float, status: str = "completed") -> Told:
    more = {"CallbackSource": "call-progress-events", "SequenceNumber": "0", "Timestamp": stamp(seconds)}
    return caller(status, **more, CallDuration="90"), seconds + 0.6


def read(*told: Told) -> list[CallEvent]:
    return [event for form, seconds in told for event in call_events(form, after(seconds))]


def record(*told: Told) -> CallRecord:
    return fold(read(*told))


def summary(*told: Told) -> CallSummary:
    found = record(*told).summary
    assert found is not None
    return found


DIALLED = (
    (caller("ringing"), 0.0),
    (caller("in-progress", Digits="1", msg="Gather End"), 2.0),
    agent("initiated", 10, 0),
    agent("ringing", 11, 1),
    agent("in-progress", 16, 2),
    agent("completed", 80, 3),
    over(82),
)


def test_a_dialled_call_has_its_times_and_its_agent() -> None:
    told = summary(*DIALLED)
    assert (told.outcome, told.agent, told.transfers) == (CallOutcome.ANSWERED, "ada", 0)
    assert (told.ring_s, told.ivr_s, told.talk_s, told.queue_s) == (8, 8, 66, 0)


def test_any_order_of_arrival_gives_the_same_record() -> None:
    assert {fold(read(*order)).summary for order in permutations(DIALLED)} == {summary(*DIALLED)}


def test_a_callback_that_comes_again_is_the_same_event() -> None:
    for form, seconds in DIALLED:
        first, again = call_events(form, after(seconds)), call_events(form, after(seconds + 60))
        assert [event.seq for event in first] == [event.seq for event in again]


def test_the_callers_number_is_that_of_the_callers_leg() -> None:
    assert record(agent("ringing", 1, 1)).caller is None
    assert record(agent("ringing", 1, 1), over(5)).caller == "+4930123456"


@pytest.mark.parametrize("number", ["", "anonymous", "Restricted", "+266696687", "+86282452253"])
def test_who_withholds_their_number_is_nobody_known(number: str) -> None:
    assert record((caller("ringing") | {"From": number}, 0)).caller == ANONYMOUS


def test_nobody_answers_and_the_call_is_missed() -> None:
    rung = (caller("in-progress", DialCallStatus="no-answer", DialCallSid=AGENT), 40.0)
    for told in ((rung,), (agent("ringing", 5, 1), agent("no-answer", 35, 2))):
        missed = summary((caller("ringing"), 0), (caller("in-progress"), 1), *told, over(41))
        assert missed.outcome is CallOutcome.MISSED


def test_who_hangs_up_in_the_queue_has_abandoned_it() -> None:
    queue = {"QueueSid": "QU1"}
    waiting = (caller("in-progress", **queue, QueuePosition="2", QueueTime="0", CurrentQueueSize="2"), 5.0)
    left = (caller("completed", **queue, QueueResult="hangup", QueueTime="30"), 35.0)
    for told in ((waiting, left), (left,)):
        abandoned = summary((caller("ringing"), 0), *told, over(35))
        assert (abandoned.outcome, abandoned.queue_s) == (CallOutcome.ABANDONED, 30)


def test_who_is_taken_from_the_queue_is_answered_from_then_on() -> None:
    taken = (caller("in-progress", QueueSid="QU1", QueueTime="25", DequeingCallSid=AGENT), 30.0)
    bridged = (caller("in-progress", QueueSid="QU1", QueueResult="bridged", QueueTime="25"), 90.0)
    for told in ((taken,), (taken, bridged), (bridged, taken)):
        answered = summary((caller("ringing"), 0), *told, over(90))
        assert (answered.outcome, answered.queue_s, answered.talk_s) == (CallOutcome.ANSWERED, 25, 60)


def test_a_dial_that_is_told_only_when_it_is_over_was_answered_before() -> None:
    dial = {"DialCallStatus": "completed", "DialCallSid": AGENT, "DialCallDuration": "60"}
    answered = summary((caller("ringing"), 0), (caller("in-progress", **dial), 80.0), over(80))
    assert (answered.outcome, answered.ring_s, answered.talk_s) == (CallOutcome.ANSWERED, 20, 60)


def test_another_agent_who_answers_is_a_transfer() -> None:
    other = agent("in-progress", 40, 2, called="sip:grace@pbx.example", leg="CA2")
    told = summary((caller("ringing"), 0), agent("in-progress", 10, 2), other, over(60))
    assert (told.agent, told.transfers) == ("grace", 1)


def test_hold_in_a_conference_is_no_talk() -> None:
    def conference(what: str, seconds: float, number: int) -> Told:
        form = {"CallSid": CALL, "ConferenceSid": "CF1", "StatusCallbackEvent": what, "Timestamp": stamp(seconds)}
        return {**form, "SequenceNumber": str(number)}, seconds + 0.3

    held = conference("participant-hold", 30, 4), conference("participant-unhold", 50, 5)
    told = summary((caller("ringing"), 0), agent("in-progress", 10, 2), *held, over(60))
    assert (told.talk_s, told.hold_s) == (30, 20)
    assert call_events(conference("participant-join", 1, 1)[0], NOW) == ()


def test_a_voicemail_comes_with_its_recording_and_later_with_what_is_said() -> None:
    left = (caller("in-progress", RecordingUrl=URL, RecordingDuration="20", Digits="hangup"), 30.0)
    ready = {"CallSid": CALL, "AccountSid": "AC1", "RecordingSid": "RE1", "RecordingUrl": URL}
    status = ({**ready, "RecordingStatus": "completed", "RecordingSource": "RecordVerb"}, 40.0)
    said = (caller("completed", RecordingUrl=URL, TranscriptionStatus="completed", TranscriptionText="Hi"), 90.0)
    told = ((caller("ringing"), 0.0), left, over(31), status, said)
    for order in (told, told[::-1]):
        found = record(*order)
        assert found.summary is not None
        assert found.summary.outcome is CallOutcome.VOICEMAIL
        assert [(item.url, item.is_voicemail, item.transcript) for item in found.recordings] == [
            (f"{URL}.mp3", True, "Hi")
        ]


def test_a_recorded_call_is_no_voicemail() -> None:
    ready = {"CallSid": CALL, "RecordingUrl": URL, "RecordingStatus": "completed", "RecordingSource": "DialVerb"}
    found = record(*DIALLED, (ready, 90.0))
    assert [item.is_voicemail for item in found.recordings] == [False]
    dial = {"DialCallStatus": "completed", "DialCallSid": AGENT, "DialCallDuration": "9", "RecordingUrl": URL}
    kinds = [event.kind for event in call_events(caller("in-progress", **dial), NOW)]
    assert kinds == [CallEventKind.ANSWERED, CallEventKind.RECORDED]


@pytest.mark.parametrize(
    "form",
    [
        caller("ringing") | {"Direction": "outbound-api"},
        {**CALLER, "RecordingUrl": URL, "RecordingStatus": "in-progress"},
        {**CALLER, "TranscriptionStatus": "failed", "RecordingUrl": URL},
        caller("in-progress", QueueResult="queue-full"),
    ],
)
def test_what_says_nothing_about_a_call_that_came_in_is_nothing(form: dict[str, str]) -> None:
    assert call_events(form, NOW) == ()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"CallStatus": "ringing"},
        caller("dancing"),
        caller("ringing") | {"CallSid": "CA1; DROP"},
        agent("dancing", 1, 1)[0],
        caller("in-progress", DialCallStatus="dancing"),
        caller("completed", Timestamp="Mon, 01 Jan 2999 00:00:00 +0000"),
        caller("completed", Timestamp="yesterday"),
        caller("in-progress", QueueSid="QU1", QueueTime="-3"),
        {**CALLER, "RecordingUrl": "file:///etc/passwd", "RecordingStatus": "completed"},
    ],
)
def test_what_cannot_be_read_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"no|none"):
        call_events(form, NOW)


_FIELDS = sorted(
    {name for form, _ in DIALLED for name in form}
    | {"DialCallStatus", "DialCallSid", "DialCallDuration", "QueueSid", "QueueResult", "QueueTime"}
    | {"RecordingUrl", "RecordingStatus", "TranscriptionText", "StatusCallbackEvent", "Timestamp"}
)
_VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["ringing", "completed", "participant-hold", "9", URL, stamp(3), CALL, "\ud800\0"]),
)


@given(st.dictionaries(st.sampled_from(_FIELDS), _VALUES))
def test_whatever_comes_is_read_or_refused_and_can_be_kept(form: dict[str, str]) -> None:
    try:
        events = call_events(form, NOW)
    except ValueError:
        return
    for event in events:
        assert 0 <= event.seq < 2**53
        kept = "".join(str(value) for value in (event.call_id, event.from_, event.to, event.agent, event.name))
        assert "\0" not in kept
        kept.encode()
