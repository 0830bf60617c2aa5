"""Recordings of calls, as messages of their tickets: what callers left for us, and what was said in calls."""

from collections.abc import Sequence
from hashlib import sha256

from services.intake.app.call_group import CallNews
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.app.ports import Receipt
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.domain.call import Recording
from services.intake.domain.call_follow_up import LABEL
from services.intake.domain.message import InboundMessage, Media, Sender
from shared.db.unit_of_work import Tx
from shared.errors import DomainError
from shared.ids import IdFactory
from shared.vocabulary import CallOutcome, MachineClass

VOICEMAIL = "Voicemail"
RECORDING = "Recording of the call"

_AT_ONCE = 500
"""A call may have as many recordings as events, and the event loop has others to serve."""

_MEDIA_TYPES = {".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".m4a": "audio/mp4"}


async def receive_recordings(
    calls: Sequence[tuple[Call, CallNews]], *, tx: Tx, desk: CallDesk
) -> dict[CallKey, dict[str, DomainError]]:
    """Stores each recording once, as soon as it is clear what it is. What is said in it may follow later.

    Returns why recordings cannot be stored, by call and address.
    """
    found = [
        (call, recording, Arrival(recording_message(call, news, recording, desk.ids), news.cause))
        for call, news in calls
        for recording in news.record.recordings
        if call.ticket_id and (recording.is_voicemail or news.record.summary)
    ]
    refused: dict[CallKey, dict[str, DomainError]] = {}
    for start in range(0, len(found), _AT_ONCE):
        portion = found[start : start + _AT_ONCE]
        for (call, recording, _), result in zip(portion, await _receive(portion, tx, desk), strict=True):
            if isinstance(result, DomainError):
                refused.setdefault(call.key, {})[recording.url] = result
    return refused


async def _receive(
    portion: Sequence[tuple[Call, Recording, Arrival]], tx: Tx, desk: CallDesk
) -> Sequence[Receipt | DomainError]:
    arrivals = [arrival for _, _, arrival in portion]
    results = await receive_messages(
        arrivals, tx=tx, conversations=desk.conversations, workspaces=desk.workspaces, ids=desk.ids
    )
    messages = [arrival.message for arrival in arrivals]
    await desk.calls.retell(
        tx,
        {
            (message.workspace_id, message.channel, message.dedupe_key): message.text
            for message in messages
            if message.dedupe_key and message.text not in (VOICEMAIL, RECORDING)
        },
    )
    return results


def recording_message(call: Call, news: CallNews, recording: Recording, ids: IdFactory) -> InboundMessage:
    """A recording as a message. A voicemail is the customer's; the recording of a call wakes nobody."""
    what = VOICEMAIL if recording.is_voicemail else RECORDING
    said = recording.transcript or what
    suffix = _suffix(recording.url)
    return InboundMessage(
        workspace_id=call.workspace_id,
        message_id=ids.new(),
        channel=call.channel,
        sender=Sender(identity=news.identity, name=call.name),
        subject=what,
        text=said,
        text_new=said,
        # Of a ticket that is closed a voicemail opens the next one.
        labels={LABEL: CallOutcome.VOICEMAIL.value} if recording.is_voicemail else {},
        dedupe_key=f"{call.call_id}/{sha256(recording.url.encode()).hexdigest()}",
        ticket_id=call.ticket_id,
        machine=MachineClass.NONE if recording.is_voicemail else MachineClass.AUTO_GENERATED,
        may_open=recording.is_voicemail,
        belongs_to_closed=not recording.is_voicemail,
        is_released=True,
        media=(
            Media(
                url=recording.url,
                media_type=_MEDIA_TYPES.get(suffix, "application/octet-stream"),
                filename=f"{'voicemail' if recording.is_voicemail else 'recording'}{suffix}",
                provider=recording.provider,
            ),
        ),
    )


def _suffix(url: str) -> str:
    """What kind of file an address says it is, if it is one of sound."""
    path = url.partition("?")[0].lower()
    return next((suffix for suffix in _MEDIA_TYPES if path.endswith(suffix)), "")
