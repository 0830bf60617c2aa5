"""Recordings of calls, as messages of their tickets: what callers left for us, and what was said in calls."""

from collections.abc import Sequence
from hashlib import sha256

from services.intake.app.call_group import CallNews
from services.intake.app.call_ports import Call, CallDesk
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

_MEDIA_TYPES = {".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".m4a": "audio/mp4"}


async def receive_recordings(calls: Sequence[tuple[Call, CallNews]], *, tx: Tx, desk: CallDesk) -> None:
    """Stores each recording once, as soon as it is clear what it is. What is said in it may follow later.

    Raises the refusal of one that cannot be stored.
    """
    arrivals = [
        Arrival(recording_message(call, news, recording, desk.ids), news.cause)
        for call, news in calls
        for recording in news.record.recordings
        if call.ticket_id and (recording.is_voicemail or news.record.summary)
    ]
    if not arrivals:
        return
    results = await receive_messages(
        arrivals, tx=tx, conversations=desk.conversations, workspaces=desk.workspaces, ids=desk.ids
    )
    for result in results:
        if isinstance(result, DomainError):
            raise result
    messages = [arrival.message for arrival in arrivals]
    await desk.calls.retell(
        tx,
        {
            (message.workspace_id, message.channel, message.dedupe_key): message.text
            for message in messages
            if message.dedupe_key and message.text not in (VOICEMAIL, RECORDING)
        },
    )


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
