"""Twilio Voice: what its callbacks tell about a call, as events that know no provider.

A call is known by the caller's leg; agents are other legs, whose callbacks name it as their parent. Twilio
numbers the callbacks of each leg alone, and most of its requests not at all: here an event's place follows
from what it is, and within a call under way from its time, so that any order of arrival gives the same.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zlib import crc32

from services.intake.domain.call import ANONYMOUS, CallEvent, CallEventKind
from shared.vocabulary import CallOutcome

_RINGING, _IVR, _QUEUED, _DEQUEUED = range(4)
_DIALLED = 8 * 10**12
_ENDED = 9 * 10**12
_RECORDED = _ENDED + 1
"""Places in a call. Between the first four and the others lies the time in milliseconds since 1970."""

_LONGEST = 200
_YEARS = range(2000, 2200)
"""In which places by time stand where they belong."""

_SID = re.compile(r"[A-Za-z0-9]{1,64}\Z")
_WITHHELD = frozenset({"", "anonymous", "restricted", "blocked", "unknown", "unavailable", "private"})
_WITHHELD_KEYS = frozenset({"266696687", "7378742833", "2562533", "8656696", "86282452253"})
"""The same words on a telephone's keys: what Twilio gives as the number of who withholds theirs."""

_UNANSWERED = frozenset({"busy", "no-answer", "failed", "canceled"})
_OVER = frozenset({"completed", *_UNANSWERED})
_CONNECTED = frozenset({"in-progress", "answered"})
_RUNG = frozenset({"queued", "initiated", "ringing", *_UNANSWERED})

Form = Mapping[str, str]


def call_events(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """What one callback tells; nothing where it tells nothing about a call that came in.

    received_at: when it came, for what Twilio gives no time
    Raises ValueError where it is no callback about a call.
    """
    if not _SID.match(_text(form, "CallSid")) or not _SID.match(_text(form, "ParentCallSid") or "none"):
        raise ValueError("no CallSid")
    if _text(form, "StatusCallbackEvent").startswith("participant-"):
        return _of_conference(form, received_at)
    if "TranscriptionStatus" in form or "TranscriptionText" in form:
        return _of_transcription(form, received_at)
    if "DialCallStatus" in form:
        return _of_dial(form, received_at)
    if "RecordingUrl" in form and "CallbackSource" not in form:
        return _of_recording(form, received_at)
    if "QueueSid" in form or "QueueResult" in form:
        return _of_queue(form, received_at)
    if _text(form, "ParentCallSid"):
        return _of_agent(form, received_at)
    return _of_caller(form, received_at)


def _of_caller(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """The caller's own leg: it rings, is taken by what answers calls here, and is over."""
    if _text(form, "Direction").startswith("outbound"):
        return ()
    event = _event(form, _at(form, received_at))
    match _text(form, "CallStatus"):
        case "ringing":
            return (replace(event, kind=CallEventKind.RINGING, seq=_RINGING),)
        case "in-progress":
            return (replace(event, kind=CallEventKind.IVR, seq=_IVR),)
        case "failed":
            return (replace(event, seq=_ENDED, outcome=CallOutcome.FAILED),)
        case status if status in _OVER:
            return (replace(event, seq=_ENDED),)
        case "queued" | "initiated":
            return ()
        case _:
            raise ValueError("no CallStatus that is known")


def _of_agent(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """The leg of somebody who is rung. Who calls is the other leg's affair: this one may show our own number."""
    status = _text(form, "CallStatus")
    if status == "completed":
        return ()
    if status not in _CONNECTED | _RUNG:
        raise ValueError("no CallStatus that is known")
    at = _at(form, received_at)
    return (
        replace(
            _event(form, at),
            call_id=_text(form, "ParentCallSid"),
            kind=CallEventKind.ANSWERED if status in _CONNECTED else CallEventKind.RINGING,
            seq=_while_under_way(form, at),
            from_=None,
            name=None,
            to=None,
            agent=_agent(_text(form, "To")),
        ),
    )


def _of_dial(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """What became of a `<Dial>`, told when it is over."""
    event = replace(_event(form, received_at), seq=_DIALLED + _hash(_text(form, "DialCallSid")))
    status = _text(form, "DialCallStatus")
    if status in _UNANSWERED:
        return (replace(event, kind=CallEventKind.RINGING),)
    if status not in ("completed", "answered"):
        raise ValueError("no DialCallStatus that is known")
    answered = replace(
        event,
        kind=CallEventKind.ANSWERED,
        at=received_at - timedelta(seconds=_number(form, "DialCallDuration")),
    )
    return (answered, *(_of_recording(form, received_at) if "RecordingUrl" in form else ()))


def _of_queue(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """A caller waits in a queue, is about to be connected, or has left it."""
    result = _text(form, "QueueResult")
    if result in ("queue-full", "error", "system-error"):
        return ()
    event = replace(_event(form, received_at), kind=CallEventKind.QUEUED, seq=_QUEUED)
    connected = replace(event, kind=CallEventKind.ANSWERED, seq=_DEQUEUED)
    if result.startswith("bridg"):
        # Told when the talk is over, or not begun: since when it lasts is not said.
        return (connected,)
    waiting = replace(event, at=received_at - timedelta(seconds=_number(form, "QueueTime")))
    if "DequeingCallSid" in form or "DequeuingCallSid" in form:
        return waiting, connected
    if result in ("leave", "redirected"):
        return waiting, replace(event, kind=CallEventKind.IVR, seq=_DIALLED)
    return (waiting,)


def _of_conference(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """The caller is put on hold in a conference, and taken back."""
    kinds = {"participant-hold": CallEventKind.HELD, "participant-unhold": CallEventKind.RESUMED}
    kind = kinds.get(_text(form, "StatusCallbackEvent"))
    if kind is None:
        return ()
    at = _at(form, received_at)
    told = replace(_event(form, at), kind=kind, seq=_while_under_way(form, at))
    return (replace(told, from_=None, name=None, to=None),)


def _of_recording(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """A recording is there. `<Record>` is how callers leave a message; all others record calls."""
    if _text(form, "RecordingStatus") not in ("", "completed"):
        return ()
    source = _text(form, "RecordingSource") or ("DialVerb" if "DialCallStatus" in form else "RecordVerb")
    url = _recording_url(form)
    event = replace(
        _event(form, received_at),
        kind=CallEventKind.RECORDED,
        seq=_RECORDED + _hash(f"{url} {_text(form, 'RecordingStatus')}"),
        outcome=CallOutcome.VOICEMAIL if source == "RecordVerb" else None,
        recording_url=url,
    )
    return (event,)


def _of_transcription(form: Form, received_at: datetime) -> tuple[CallEvent, ...]:
    """What is said in a message that a caller left."""
    said = _text(form, "TranscriptionText", most=100_000)
    if not said or _text(form, "TranscriptionStatus") == "failed":
        return ()
    url = _recording_url(form)
    event = replace(
        _event(form, received_at),
        kind=CallEventKind.RECORDED,
        seq=_RECORDED + _hash(f"{url} transcript"),
        outcome=CallOutcome.VOICEMAIL,
        recording_url=url,
        transcript=said,
    )
    return (event,)


def _event(form: Form, at: datetime) -> CallEvent:
    """The end of the call, to be made what it is."""
    caller = _text(form, "From") if "From" in form else None
    return CallEvent(
        kind=CallEventKind.ENDED,
        call_id=_text(form, "CallSid"),
        seq=_ENDED,
        at=at,
        from_=ANONYMOUS if caller is not None and _is_withheld(caller) else caller,
        name=_text(form, "CallerName") or None,
        to=_text(form, "To") or None,
    )


def _is_withheld(caller: str) -> bool:
    return caller.lower() in _WITHHELD or caller.removeprefix("+") in _WITHHELD_KEYS


def _agent(called: str) -> str | None:
    """Who is rung: `ada` of `client:ada` and of `sip:ada@pbx.example`, or the number."""
    return called.removeprefix("client:").removeprefix("sip:").partition("@")[0] or None


def _recording_url(form: Form) -> str:
    """Where the recording is; without a suffix it would be several times as large."""
    url = _text(form, "RecordingUrl", most=2000)
    if not url.startswith("https://"):
        raise ValueError("no address of a recording")
    return url if url.endswith((".mp3", ".wav")) else f"{url}.mp3"


def _at(form: Form, received_at: datetime) -> datetime:
    """When it happened, which Twilio tells to the second in callbacks about progress."""
    told = _text(form, "Timestamp")
    if not told:
        return received_at
    try:
        at = parsedate_to_datetime(told)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError("a Timestamp that is none") from None
    if at.year not in _YEARS:
        raise ValueError("a Timestamp of no year that is near")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _while_under_way(form: Form, at: datetime) -> int:
    """A place by time; within a second by the leg's own number of the callback."""
    place = min(9, int(_number(form, "SequenceNumber"))) * 100 + _hash(_text(form, "CallSid")) % 100
    return int(at.timestamp()) * 1000 + place


def _number(form: Form, name: str) -> float:
    """A number that is not negative; 0 where it is missing."""
    told = _text(form, name)
    if not told:
        return 0
    if not (told.isascii() and told.isdigit() and len(told) < 9):
        raise ValueError(f"{name} is no number")
    return int(told)


def _hash(text: str) -> int:
    return crc32(text.encode())


def _text(form: Form, name: str, *, most: int = _LONGEST) -> str:
    """A field as the database can keep it: what it cannot keep is U+FFFD."""
    kept = form.get(name, "").replace("\0", "\ufffd").encode("utf-8", errors="replace").decode()
    return kept.strip()[:most]
