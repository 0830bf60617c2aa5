"""Records what is told about calls: each event once, in any order, and what follows for tickets.

The first event that tells who calls opens a ticket, or joins the caller's newest of the channel that is not
closed; where none tells within ten seconds, the call has a caller of its own. A call that ended without an
answer leaves its ticket open, with the label `call_outcome`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.app.call_book import keep_calls
from services.intake.app.call_folding import Fresh
from services.intake.app.call_ports import Call, CallDesk, CallKey
from services.intake.domain.call import CallEvent
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, InvalidInput
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrival:
    """An event of a call with what brought it."""

    workspace_id: str
    channel: str
    event: CallEvent
    cause: Cause

    @property
    def key(self) -> CallKey:
        """The call that it is about."""
        return self.workspace_id, self.channel, self.event.call_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReceipt:
    """What became of an event. ticket_id: none while nobody has told who calls."""

    call_id: UUID
    ticket_id: UUID | None
    is_repeat: bool


async def record_call_events(
    arrivals: Sequence[CallArrival], *, tx: Tx, desk: CallDesk
) -> list[CallReceipt | DomainError]:
    """What became of each event, in order; a refusal stands in its place as an error."""
    configured = await desk.workspaces.load(tx, {arrival.workspace_id for arrival in arrivals})
    refusals = [_refusal(arrival, configured) for arrival in arrivals]
    fresh: dict[CallKey, Fresh] = {}
    for arrival, refusal in zip(arrivals, refusals, strict=True):
        if refusal is None:
            fresh.setdefault(arrival.key, Fresh(cause=arrival.cause)).events.append(arrival.event)
    calls = await keep_calls(fresh, configured, tx=tx, desk=desk)
    taken: set[tuple[CallKey, int]] = set()
    return [
        refusal or _receipt(calls[arrival.key], arrival, fresh[arrival.key], taken)
        for arrival, refusal in zip(arrivals, refusals, strict=True)
    ]


def _receipt(
    call: Call, arrival: CallArrival, fresh: Fresh, taken: set[tuple[CallKey, int]]
) -> CallReceipt | DomainError:
    if refusal := fresh.refused.get(arrival.event.seq):
        return refusal
    place = arrival.key, arrival.event.seq
    is_repeat = arrival.event.seq in fresh.repeated or place in taken
    taken.add(place)
    return CallReceipt(call_id=call.call_id, ticket_id=call.ticket_id, is_repeat=is_repeat)


def _refusal(arrival: CallArrival, configured: Mapping[str, Workspace]) -> DomainError | None:
    try:
        channel = configured[arrival.workspace_id].channel(arrival.channel)
    except InvalidInput as unknown:
        return unknown
    if channel.kind is not ChannelKind.VOICE:
        return InvalidInput("The channel takes no calls.", problems=(("/channel", "is of another kind"),))
    return None
