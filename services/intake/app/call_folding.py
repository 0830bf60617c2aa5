"""What is told about calls, with what was told before, as records of them.

A call may be reported without end: it takes so many events and no more, and of many calls no more is in hand at
a time than the event loop can fold without leaving everybody else waiting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from services.intake.app.call_group import CallNews
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.app.phone import caller_identity
from services.intake.domain.call import MOST_EVENTS, CallEvent, CallRecord, fold
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, InvalidInput
from shared.events.envelope import Cause
from shared.ids import IdFactory

_IN_HAND = 5 * MOST_EVENTS
"""How many known events are read at a time: what takes a fifth of a second."""


@dataclass(slots=True, kw_only=True)
class Fresh:
    """What comes about one call.

    repeated: the places of events that are known already; refused: why events of these places are not taken;
    both filled in
    """

    cause: Cause
    events: list[CallEvent] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)
    refused: dict[int, DomainError] = field(default_factory=dict)

    def added(self, known: list[CallEvent]) -> list[CallEvent]:
        """The events that are taken, each place once: of two that claim one the first one has it."""
        self.repeated |= {event.seq for event in known}
        firsts: dict[int, CallEvent] = {}
        for event in self.events:
            if event.seq not in self.repeated:
                firsts.setdefault(event.seq, event)
        added = list(firsts.values())
        room = max(0, MOST_EVENTS - len(known))
        too_many = InvalidInput(f"Of one call no more than {MOST_EVENTS} events are taken.")
        self.refused |= {event.seq: too_many for event in added[room:]}
        return added[:room]

    def refuse_recordings(self, reasons: Mapping[str, DomainError]) -> None:
        """Refuses the events that tell of recordings, by their addresses, which cannot be stored."""
        for event in self.events:
            reason = reasons.get(event.recording_url) if event.recording_url else None
            if reason and event.seq not in self.repeated:
                self.refused.setdefault(event.seq, reason)


@dataclass(slots=True, kw_only=True)
class Folded:
    """Calls with what is new about them, and those about which nothing is. events: what is to be stored"""

    news: dict[CallKey, CallNews] = field(default_factory=dict)
    unchanged: dict[CallKey, Call] = field(default_factory=dict)
    events: list[tuple[CallKey, CallEvent]] = field(default_factory=list)


async def folded(
    fresh: Mapping[CallKey, Fresh],
    configured: Mapping[str, Workspace],
    *,
    tx: Tx,
    desk: CallDesk,
    is_overdue: bool,
) -> Folded:
    """The calls as they are now told, of channels that are configured. They are locked.

    is_overdue: whether nothing more is waited for; then calls that are not known are left out
    """
    found = await desk.calls.find(tx, fresh)
    result = Folded()
    for keys in _portions(fresh, found):
        told = await desk.calls.events(tx, [key for key in keys if key in found])
        for key in keys:
            call, events = found[key][0] if key in found else None, told.get(key, [])
            added = fresh[key].added(events)
            if call is not None and not added and not is_overdue:
                result.unchanged[key] = call
            elif events or added:
                result.events += [(key, event) for event in added]
                result.news[key] = _news(
                    key,
                    call,
                    record=fold([*events, *added]),
                    region=configured[key[0]].channel(key[1]).region,
                    cause=fresh[key].cause,
                    ids=desk.ids,
                    is_overdue=is_overdue,
                )
    return result


def _portions(
    fresh: Mapping[CallKey, Fresh], found: Mapping[CallKey, tuple[Call, int]]
) -> Iterator[list[CallKey]]:
    """The calls in their order, as many at a time as there is room for what is known of them."""
    portion: list[CallKey] = []
    in_hand = 0
    for key in fresh:
        told = found[key][1] if key in found else 0
        if portion and in_hand + told > _IN_HAND:
            yield portion
            portion, in_hand = [], 0
        portion.append(key)
        in_hand += told
    yield portion


def _news(
    key: CallKey,
    known: Call | None,
    *,
    record: CallRecord,
    region: str | None,
    cause: Cause,
    ids: IdFactory,
    is_overdue: bool,
) -> CallNews:
    workspace_id, channel_id, provider_call_id = key
    identity = caller_identity(record.caller, region) if record.caller else None
    call = known or Call(
        workspace_id=workspace_id,
        channel=channel_id,
        provider_call_id=provider_call_id,
        call_id=ids.new(),
        phase=record.phase,
        started_at=record.started_at,
    )
    return CallNews(
        call=replace(
            call,
            caller=identity.value if identity else record.caller,
            name=record.name,
            called=record.called,
            phase=record.phase,
            started_at=record.started_at,
        ),
        known=known,
        record=record,
        identity=identity,
        cause=cause,
        is_overdue=is_overdue,
    )
