"""What becomes of work when its call ends.

The agent wraps up, solved or not; then a ticket that is still unsolved is new work, for which its last agent is
asked first: nobody forgets it, and nobody keeps the place of a call for it.
"""

from collections.abc import Iterator
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from services.router.domain.steps import completed, requeued, revoked
from services.router.domain.work_item import WorkItem
from shared.ids import IdFactory
from shared.vocabulary import ChannelKind, WorkState


def on_call_ended(
    state: RoutingState, ended: inputs.CallEnded, now: datetime, ids: IdFactory
) -> Iterator[d.Decision]:
    """Somebody has talked with the caller, and the call is over. Told of once more, it changes nothing."""
    ticket = state.tickets.get(ended.ticket_id)
    if ticket is not None and ticket.ended_call == ended.call_id:
        return
    yield d.CallNoted(ticket_id=ended.ticket_id, call_id=ended.call_id)
    item = state.live_item(ended.ticket_id)
    if item is None or item.channel_kind is not ChannelKind.VOICE:
        return
    if item.state is WorkState.ASSIGNED:
        yield from _wrapped_up(state, item, now, ids)
    elif item.is_waiting:
        # Somebody whom we did not ask took the call: what remains is asked anew, as no call.
        yield from revoked(state, item, "call_ended")
        yield requeued(state, item, "call_ended", restarts=False)


def on_wrap_end(state: RoutingState, item: WorkItem, ids: IdFactory) -> Iterator[d.Decision]:
    """The time to wrap up is over."""
    yield from completed(state, item, ids)


def _wrapped_up(state: RoutingState, item: WorkItem, now: datetime, ids: IdFactory) -> Iterator[d.Decision]:
    wrap_up = state.configuration.queue(item.requirements.queue).wrap_up_for(item.channel_kind)
    if wrap_up:
        yield d.WrapUpStarted(work_id=item.work_id, until=now + wrap_up, reason="call_ended")
    else:
        yield from completed(state, item, ids)
