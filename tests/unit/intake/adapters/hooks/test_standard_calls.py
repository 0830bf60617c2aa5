"""The provider-neutral webhook about calls."""

from datetime import UTC, datetime

import pytest

from services.intake.adapters.hooks.standard_calls import call_events
from services.intake.domain.call import ANONYMOUS, CallEvent, CallEventKind
from shared.vocabulary import CallOutcome

DATA = {"call_id": "c-1", "seq": 3, "at": "2026-11-22T10:00:00+01:00"}


def one(kind: str, **data: object) -> CallEvent:
    (event,) = call_events({"type": f"call.{kind}", "data": {**DATA, **data}})
    return event


def test_all_that_is_told_arrives() -> None:
    event = one(
        "ended",
        **{"from": {"phone": "+4930123456", "name": "Ada"}, "to": "+4940999", "agent": "ada", "later": "more"},
        outcome="voicemail",
        recording_url="https://voice.example/1.wav",
        transcript="Call me",
    )
    assert event == CallEvent(
        kind=CallEventKind.ENDED,
        call_id="c-1",
        seq=3,
        at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        from_="+4930123456",
        name="Ada",
        to="+4940999",
        agent="ada",
        outcome=CallOutcome.VOICEMAIL,
        recording_url="https://voice.example/1.wav",
        transcript="Call me",
    )


@pytest.mark.parametrize("kind", [kind.value for kind in CallEventKind])
def test_every_kind_has_its_type(kind: str) -> None:
    assert one(kind).kind == kind


@pytest.mark.parametrize(
    ("kind", "told", "caller"),
    [
        ("ringing", {}, ANONYMOUS),
        ("queued", {}, None),
        ("queued", {"from": "anonymous"}, ANONYMOUS),
        ("ended", {"from": "+4930123456"}, "+4930123456"),
        ("ended", {"from": {"handle": "sip:ada@pbx.example"}}, "sip:ada@pbx.example"),
        ("ringing", {"from": {"name": "Ada"}}, ANONYMOUS),
    ],
)
def test_who_calls_is_told_withheld_or_not_told_yet(
    kind: str, told: dict[str, object], caller: str | None
) -> None:
    assert one(kind, **told).from_ == caller


@pytest.mark.parametrize(
    "change",
    [
        {"type": "call.exploded"},
        {"type": "message.received"},
        {"data": None},
        {"data": {**DATA, "seq": -1}},
        {"data": {**DATA, "seq": "3"}},
        {"data": {**DATA, "seq": 2**53}},
        {"data": {**DATA, "at": 1_700_000_000}},
        {"data": {**DATA, "at": "1970-01-01T00:00:00Z"}},
        {"data": {**DATA, "call_id": ""}},
        {"data": {**DATA, "call_id": "a\0b"}},
        {"data": {**DATA, "outcome": "eaten"}},
        {"data": {**DATA, "recording_url": "file:///etc/passwd"}},
    ],
)
def test_what_cannot_be_read_is_refused_without_repeating_it(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^/") as refusal:
        call_events({"type": "call.ended", "data": DATA} | change)
    assert "exploded" not in str(refusal.value)
    assert "passwd" not in str(refusal.value)
