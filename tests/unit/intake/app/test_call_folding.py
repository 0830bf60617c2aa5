"""Which events of a call are taken, and how many are in hand at a time."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.intake.app.call_folding import Fresh, folded
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.domain.call import MOST_EVENTS, CallEvent, CallEventKind, CallPhase
from services.intake.domain.workspace import Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind
from tests.unit.intake.app.memory import Ids, moment
from tests.unit.intake.builders import NOW, an_id


def an_event(seq: int, **overrides: object) -> CallEvent:
    event = CallEvent(kind=CallEventKind.RINGING, call_id="c-1", seq=seq, at=NOW)
    return replace(event, **overrides)  # type: ignore[arg-type] # a builder takes any field


def test_of_two_that_claim_one_place_the_first_has_it() -> None:
    fresh = Fresh(cause=Cause(), events=[an_event(2, agent="ada"), an_event(1), an_event(2, agent="bob")])
    assert [(event.seq, event.agent) for event in fresh.added([])] == [(2, "ada"), (1, None)]
    assert (fresh.repeated, fresh.refused) == (set(), {})


def test_what_is_known_is_a_repeat_also_where_there_is_no_room() -> None:
    known = [an_event(seq) for seq in range(MOST_EVENTS - 1)]
    fresh = Fresh(cause=Cause(), events=[an_event(seq) for seq in (0, 5000, 5001, 5000)])
    assert [event.seq for event in fresh.added(known)] == [5000]
    assert list(fresh.refused) == [5001]
    assert 0 in fresh.repeated


def test_whoever_tells_of_a_recording_that_cannot_be_stored_is_refused_and_nobody_else() -> None:
    kept, lost = "https://voice.example/1.mp3", "https://voice.example/2.mp3"
    known = an_event(0, recording_url=lost)
    coming = [known, an_event(1), an_event(2, recording_url=kept), an_event(3, recording_url=lost)]
    fresh = Fresh(cause=Cause(), events=coming)
    fresh.added([known])
    reason = NotFound("There is no such ticket.")
    fresh.refuse_recordings({lost: reason})
    assert fresh.refused == {3: reason}


@dataclass
class Told:
    """Calls about which much was told; reads: of how many events at a time."""

    events_of: int
    reads: list[int] = field(default_factory=list)

    async def find(self, tx: Tx, keys: list[CallKey]) -> dict[CallKey, tuple[Call, int]]:
        return {key: (_call(number, key), self.events_of) for number, key in enumerate(keys)}

    async def events(self, tx: Tx, keys: list[CallKey]) -> dict[CallKey, list[CallEvent]]:
        self.reads.append(len(keys) * self.events_of)
        return {key: [an_event(seq) for seq in range(self.events_of)] for key in keys}


async def test_many_calls_that_are_long_are_read_in_portions() -> None:
    keys = [("acme", "hotline", f"c-{number}") for number in range(12)]
    told = Told(MOST_EVENTS)
    hotline = Channel(channel_id="hotline", kind=ChannelKind.VOICE)
    result = await folded(
        {key: Fresh(cause=Cause(), events=[an_event(0)]) for key in keys},
        {"acme": Workspace(version=1, channels={"hotline": hotline})},
        tx=moment(timedelta()),
        desk=CallDesk(calls=told, ids=Ids(), conversations=None, workspaces=None),  # type: ignore[arg-type] # others are not asked
        is_overdue=False,
    )
    assert list(result.unchanged) == keys
    assert told.reads == [5 * MOST_EVENTS, 5 * MOST_EVENTS, 2 * MOST_EVENTS]


def _call(number: int, key: CallKey) -> Call:
    return Call(
        workspace_id=key[0],
        channel=key[1],
        provider_call_id=key[2],
        call_id=an_id(number),
        phase=CallPhase.RINGING,
        started_at=NOW,
    )
