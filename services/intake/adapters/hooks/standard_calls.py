"""The provider-neutral `call.*` webhook: what a telephone system tells about its calls."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from services.intake.domain.call import ANONYMOUS, CallEvent, CallEventKind
from shared.http.types import Instant, Text
from shared.vocabulary import CallOutcome

Name = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Url = Annotated[Text, StringConstraints(pattern=r"^https?://[^\s/?#@]+[^\s]*$", max_length=2000)]

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""What a clock that was never set, or set to nonsense, says."""

_WITHHELD = frozenset({"", "anonymous", "unknown", "private", "withheld", "restricted", "unavailable"})


class _Part(BaseModel):
    """What a provider may extend as it likes: fields that are not known say nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Party(_Part):
    """Who calls: a number, or the name by which the telephone system knows them."""

    phone: Annotated[Text, StringConstraints(max_length=200)] | None = None
    handle: Annotated[Text, StringConstraints(max_length=200)] | None = None
    name: Annotated[Text, StringConstraints(max_length=200)] | None = None


class CallData(_Part):
    """What happened in a call. `seq` rises within it; any order of arrival gives the same record."""

    call_id: Name
    seq: Annotated[int, Field(ge=0, lt=2**53, strict=True)]
    at: Annotated[Instant, Field(ge=_EARLIEST, lt=_LATEST)]
    sender: Party | None = Field(default=None, alias="from")
    to: Party | None = None
    agent: Name | None = None
    outcome: CallOutcome | None = None
    recording_url: Url | None = None
    transcript: Annotated[Text, StringConstraints(max_length=100_000)] | None = None

    @field_validator("sender", "to", mode="before")
    @classmethod
    def _number_alone(cls, value: object) -> object:
        return {"phone": value} if isinstance(value, str) else value


class CallNotice(_Part):
    """One event of a call."""

    type: Literal[
        "call.ringing",
        "call.ivr",
        "call.queued",
        "call.answered",
        "call.held",
        "call.resumed",
        "call.transferred",
        "call.recorded",
        "call.ended",
        "call.wrapped_up",
    ]
    data: CallData


def call_events(payload: Mapping[str, object]) -> tuple[CallEvent, ...]:
    """What a `call.*` payload tells. Raises ValueError, without what stands in it, for one that cannot be read."""
    try:
        notice = CallNotice.model_validate(payload)
    except ValidationError as error:
        raise ValueError(_problems(error)) from None
    return (to_event(notice),)


def to_event(notice: CallNotice) -> CallEvent:
    """The event that a notice is about."""
    data = notice.data
    kind = CallEventKind(notice.type.partition(".")[2])
    return CallEvent(
        kind=kind,
        call_id=data.call_id,
        seq=data.seq,
        at=data.at,
        from_=_caller(kind, data.sender),
        name=data.sender.name if data.sender else None,
        to=(data.to.phone or data.to.handle) if data.to else None,
        agent=data.agent,
        outcome=data.outcome,
        recording_url=data.recording_url,
        transcript=data.transcript,
    )


def _caller(kind: CallEventKind, sender: Party | None) -> str | None:
    """Who calls. A call that comes in says so: where it names nobody, the number is withheld."""
    if sender is None:
        return ANONYMOUS if kind is CallEventKind.RINGING else None
    named = (sender.phone or sender.handle or "").strip()
    return ANONYMOUS if named.lower() in _WITHHELD else named


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"/{'/'.join(map(str, problem['loc']))}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    )
