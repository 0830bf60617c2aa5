"""A call: what is told about it, and the record that this makes, whatever order it comes in."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.vocabulary import CallOutcome

ANONYMOUS = ""
"""The number of a caller who withholds it."""

MOST_EVENTS = 1000
"""Of one call. All of them make its record, each time something is told: no call has so much to tell."""


class CallEventKind(StrEnum):
    """What happens in a call."""

    RINGING = "ringing"
    IVR = "ivr"
    QUEUED = "queued"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    TRANSFERRED = "transferred"
    RECORDED = "recorded"
    ENDED = "ended"
    WRAPPED_UP = "wrapped_up"


class CallPhase(StrEnum):
    """Where a call stands."""

    RINGING = "ringing"
    IVR = "ivr"
    QUEUED = "queued"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that its provider tells about a call.

    seq: its place in the call, rising; at: by the provider's clock
    from_: who calls, `ANONYMOUS` where they do not say; none where this event does not tell
    agent: who is rung, answers, or takes over; outcome: as the provider knows it
    recording_url, transcript: of a recording, and what is said in it
    provider: who tells it; none where it was told by our own API
    """

    kind: CallEventKind
    call_id: str
    seq: int
    at: datetime
    from_: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    to: str | None = field(default=None, repr=False)
    agent: str | None = None
    outcome: CallOutcome | None = None
    recording_url: str | None = field(default=None, repr=False)
    transcript: str | None = field(default=None, repr=False)
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording of a call. is_voicemail: whether the caller left it, instead of talking to somebody."""

    url: str = field(repr=False)
    is_voicemail: bool
    transcript: str | None = field(default=None, repr=False)
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """A call that has ended.

    talk_s: without what was on hold; wrap_s: what the agent did after the end
    """

    outcome: CallOutcome
    agent: str | None
    transfers: int
    ivr_s: float
    queue_s: float
    ring_s: float
    talk_s: float
    hold_s: float
    wrap_s: float
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime

    @property
    def waited_s(self) -> float:
        """How long the caller waited for somebody, music or ringing."""
        return self.queue_s + self.ring_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """What is known of a call.

    caller: as its provider writes them, `ANONYMOUS` where they do not say; none where nobody has told yet
    is_contact: whether anybody called, as far as this tells: a recording alone, or a hold, says nothing
    summary: none before it has ended
    """

    caller: str | None = field(repr=False)
    name: str | None = field(repr=False)
    called: str | None = field(repr=False)
    phase: CallPhase
    is_contact: bool
    started_at: datetime
    summary: CallSummary | None
    recordings: tuple[Recording, ...] = ()


_K = CallEventKind
_P = CallPhase

_ENTERS = {
    _K.RINGING: _P.RINGING,
    _K.IVR: _P.IVR,
    _K.QUEUED: _P.QUEUED,
    _K.ANSWERED: _P.TALKING,
    _K.HELD: _P.HELD,
    _K.RESUMED: _P.TALKING,
}
_CONNECTED = (_P.TALKING, _P.HELD)
_BY_AGENT = frozenset({_K.ANSWERED, _K.HELD, _K.RESUMED, _K.TRANSFERRED, _K.ENDED, _K.WRAPPED_UP})
_PROVES_ANSWER = frozenset({_K.ANSWERED, _K.HELD, _K.RESUMED, _K.WRAPPED_UP})
_CONTACT = frozenset({_K.RINGING, _K.IVR, _K.QUEUED, _K.ANSWERED, _K.TRANSFERRED, _K.ENDED})


def fold(events: Iterable[CallEvent]) -> CallRecord:
    """The record of a call, of at least one event. Any order and any repeats of the same events give the same.

    Events count in the order of `seq`. A clock that goes back stands still: no time is negative. The first
    `ended` ends the call; after it only wrap-up, recordings and a stated outcome count. What is missing is
    made the least of: who was held was answered before, somewhen unknown.
    """
    ordered = _in_order(events)
    course = _Course(phase=_first_phase(ordered[0]), clock=ordered[0].at)
    for event in ordered:
        course.take(event)
    told = [event.from_ for event in ordered if event.from_ is not None]
    return CallRecord(
        caller=told[0] if told else None,
        name=next((event.name for event in ordered if event.name), None),
        called=next((event.to for event in ordered if event.to), None),
        phase=course.phase,
        is_contact=any(event.kind in _CONTACT for event in ordered),
        started_at=ordered[0].at,
        summary=_summary(ordered, course) if course.ended_at else None,
        recordings=_recordings(ordered),
    )


def _in_order(events: Iterable[CallEvent]) -> list[CallEvent]:
    by_seq: dict[int, CallEvent] = {}
    for event in events:
        known = by_seq.setdefault(event.seq, event)
        if known is not event and str(astuple(event)) < str(astuple(known)):
            # Two that claim one place: which of them counts must not depend on which came first.
            by_seq[event.seq] = event
    return [by_seq[seq] for seq in sorted(by_seq)]


def _first_phase(event: CallEvent) -> CallPhase:
    return _ENTERS.get(event.kind, _P.RINGING)


@dataclass(slots=True, kw_only=True)
class _Course:
    """How a call goes, event by event."""

    phase: CallPhase
    clock: datetime
    spent: dict[CallPhase, timedelta] = field(default_factory=dict)
    agent: str | None = None
    transfers: int = 0
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    wrapped_at: datetime | None = None

    def take(self, event: CallEvent) -> None:
        """The next event."""
        if event.kind is _K.WRAPPED_UP:
            self.wrapped_at = max(event.at, self.wrapped_at or event.at)
        if self.ended_at is None:
            self._move(event)
        if event.agent and event.kind in _BY_AGENT:
            self.agent = event.agent

    def _move(self, event: CallEvent) -> None:
        at = max(self.clock, event.at)
        self.spent[self.phase] = self.spent.get(self.phase, timedelta()) + (at - self.clock)
        self.clock = at
        is_connected = self.phase in _CONNECTED
        if event.kind is _K.ENDED:
            self.ended_at, self.phase = at, _P.ENDED
        elif event.kind is _K.TRANSFERRED:
            self.transfers += 1
            # To somebody who is named the talk goes on; to nobody yet it rings again.
            self.phase = _P.TALKING if is_connected and event.agent else _P.RINGING
        elif event.kind in _ENTERS:
            if event.kind is _K.ANSWERED:
                self.answered_at = self.answered_at or at
                self.transfers += self._has_moved(event)
            if not (event.kind is _K.RINGING and is_connected):
                self.phase = _ENTERS[event.kind]

    def _has_moved(self, event: CallEvent) -> bool:
        """Whether another agent answers a call that one has, which nobody called a transfer."""
        return self.phase in _CONNECTED and None not in (self.agent, event.agent) and self.agent != event.agent


def _summary(ordered: Sequence[CallEvent], course: _Course) -> CallSummary:
    assert course.ended_at is not None
    outcome = _outcome(ordered)

    def seconds(phase: CallPhase) -> float:
        return course.spent.get(phase, timedelta()).total_seconds()

    wrap = max(timedelta(), (course.wrapped_at or course.ended_at) - course.ended_at)
    return CallSummary(
        outcome=outcome,
        agent=course.agent if outcome is CallOutcome.ANSWERED else None,
        transfers=course.transfers,
        ivr_s=seconds(_P.IVR),
        queue_s=seconds(_P.QUEUED),
        ring_s=seconds(_P.RINGING),
        talk_s=seconds(_P.TALKING),
        hold_s=seconds(_P.HELD),
        wrap_s=wrap.total_seconds(),
        started_at=ordered[0].at,
        answered_at=course.answered_at,
        ended_at=course.ended_at,
    )


def _outcome(ordered: Sequence[CallEvent]) -> CallOutcome:
    """As the provider states it, or what follows from what happened.

    What is recorded of a call that nobody answered was left for us. Who left in a menu, before anybody was
    rung or a queue was entered, abandoned the call.
    """
    kinds = [event.kind for event in ordered]
    stated = [event.outcome for event in ordered if event.outcome and event.kind is not _K.RECORDED]
    if stated:
        return stated[-1]
    if not _PROVES_ANSWER.isdisjoint(kinds):
        return CallOutcome.ANSWERED
    if any(event.recording_url or event.outcome is CallOutcome.VOICEMAIL for event in ordered):
        return CallOutcome.VOICEMAIL
    if _K.QUEUED in kinds:
        return CallOutcome.ABANDONED
    if _K.IVR in kinds and _K.RINGING not in kinds[kinds.index(_K.IVR) :]:
        return CallOutcome.ABANDONED
    return CallOutcome.MISSED


def _recordings(ordered: Sequence[CallEvent]) -> tuple[Recording, ...]:
    """Each recording once, by where it is; a transcript may come later than the recording."""
    found: dict[str, Recording] = {}
    is_voicemail = _outcome(ordered) is CallOutcome.VOICEMAIL
    for event in ordered:
        if event.recording_url is None:
            continue
        known = found.get(event.recording_url)
        found[event.recording_url] = Recording(
            url=event.recording_url,
            is_voicemail=is_voicemail,
            transcript=(known.transcript if known else None) or event.transcript,
            provider=known.provider if known else event.provider,
        )
    return tuple(found.values())
