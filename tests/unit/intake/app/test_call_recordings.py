"""Recordings that can be stored are, beside those that cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.intake.app.call_group import CallNews
from services.intake.app.call_ports import Call, CallDesk
from services.intake.app.call_recordings import receive_recordings
from services.intake.domain.call import CallEvent, CallEventKind, CallPhase, fold
from services.intake.domain.workspace import Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind
from tests.unit.intake.app.memory import Ids, Memory, moment
from tests.unit.intake.builders import NOW, a_ticket, an_id

URL = "https://voice.example/RE1.mp3"


@dataclass
class Retold:
    """What is said in messages that were stored before."""

    texts: dict[tuple[str, str, str], str] = field(default_factory=dict)

    async def retell(self, _: Tx, texts: Mapping[tuple[str, str, str], str]) -> None:
        self.texts.update(texts)


def a_voicemail(name: str, ticket_id: UUID) -> tuple[Call, CallNews]:
    event = CallEvent(
        kind=CallEventKind.RECORDED, call_id=name, seq=1, at=NOW, recording_url=URL, transcript="Hello."
    )
    call = Call(
        workspace_id="acme",
        channel="hotline",
        provider_call_id=name,
        call_id=ticket_id,
        ticket_id=ticket_id,
        phase=CallPhase.RINGING,
        started_at=NOW,
    )
    return call, CallNews(call=call, known=None, record=fold([event]), identity=None, cause=Cause())


async def test_a_recording_that_cannot_be_stored_keeps_no_other_from_being_stored() -> None:
    hotline = Channel(channel_id="hotline", kind=ChannelKind.VOICE)
    memory = Memory(configured={"acme": Workspace(version=1, channels={"hotline": hotline})})
    memory.keep([a_ticket(1, channel="hotline", channel_kind=ChannelKind.VOICE)])
    retold = Retold()
    desk = CallDesk(calls=retold, conversations=memory, workspaces=memory, ids=Ids())  # type: ignore[arg-type] # the rest is not asked
    refused = await receive_recordings(
        [a_voicemail("c-1", an_id(2)), a_voicemail("c-2", an_id(1))], tx=moment(timedelta()), desk=desk
    )
    assert [(key, [*reasons]) for key, reasons in refused.items()] == [(("acme", "hotline", "c-1"), [URL])]
    assert isinstance(refused["acme", "hotline", "c-1"][URL], NotFound)
    assert [(stored.ticket_id, stored.message.text) for stored in memory.messages] == [(an_id(1), "Hello.")]
