"""What people did in a recorded run, as far as it can be carried over into another one.

Replies refer to offers, and what agents do to work refers to when they got it: in another run there are other
offers at other times. So replies are kept by ticket and agent with how long they took, and what was done to a
ticket once somebody had had it by how long after the assignment, or what was done before it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from services.router.app.observed import Observed
from services.router.app.replay import RecordedInput
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from services.router.domain.work_item import OfferState

RecordedStep = tuple[RecordedInput, Sequence[d.Decision]]
"""An input, and what was decided about work."""

ASSUMED_REPLY = timedelta(seconds=10)
"""How long an offer takes where the record has none that was accepted."""

_AS_RECORDED = inputs.TicketKnown | inputs.EscalationRaised | inputs.ClockKnown
"""What does not wait for an agent: it happens when it happened."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of an offer, and after how long.

    state: pending where the record ends before its end
    """

    state: OfferState
    after: timedelta
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to a ticket, so long after it was assigned or after what was done before.

    is_in_hand: whether somebody had it
    """

    current: inputs.Input
    after: timedelta
    is_in_hand: bool


@dataclass(slots=True)
class _Offered:
    ticket_id: UUID
    agent_id: str
    queue: str
    at: datetime
    reply: Reply | None = None


@dataclass(slots=True)
class People:
    """The people of a recorded run.

    fixed: inputs that happen when they happened; acts: by ticket, in order
    """

    fixed: list[RecordedInput] = field(default_factory=list)
    acts: defaultdict[UUID, list[Act]] = field(default_factory=lambda: defaultdict(list))
    replies: defaultdict[tuple[UUID, str], list[Reply]] = field(default_factory=lambda: defaultdict(list))
    accepted_by: dict[UUID, timedelta] = field(default_factory=dict)
    by_agent: dict[str, timedelta] = field(default_factory=dict)
    by_queue: dict[str, timedelta] = field(default_factory=dict)
    overall: timedelta = ASSUMED_REPLY

    def reply(self, ticket_id: UUID, agent_id: str, queue: str, nth: int) -> Reply | None:
        """How an agent answers the nth offer of a ticket, from 0; none: not at all.

        As they did. An offer that was taken back, or never made, is accepted after what such offers took.
        """
        recorded = self.replies.get((ticket_id, agent_id), ())
        known = recorded[nth] if nth < len(recorded) else None
        if known is not None and known.state is OfferState.EXPIRED:
            return None
        if known is not None and known.state in (OfferState.ACCEPTED, OfferState.DECLINED):
            return known
        usual = self.accepted_by.get(ticket_id) or self.by_agent.get(agent_id) or self.by_queue.get(queue)
        lasted = known.after if known else timedelta()
        return Reply(OfferState.ACCEPTED, max(usual or self.overall, lasted))


def learn(state: RoutingState, run: Sequence[RecordedStep], began: datetime) -> tuple[People, Observed]:
    """What people did in a recorded run, and what it came to. state: before it, not changed."""
    people, seen = People(), Observed.beginning(state, began)
    offers = {
        offer.offer_id: _Offered(
            offer.ticket_id, offer.agent_id, seen.courses[offer.work_id].queue, offer.offered_at
        )
        for offer in state.offers.values()
    }
    taken = {item.ticket_id: item.assigned_at for item in state.items.values() if item.assigned_at}
    times: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for recorded, decisions in run:
        _place(people, seen, recorded, offers, taken)
        for made in decisions:
            _note_offer(people, seen, made, recorded, offers, times)
            seen.see(made, recorded.decided_at)
            if isinstance(made, d.WorkAssigned):
                taken[seen.courses[made.work_id].ticket_id] = recorded.decided_at
    _conclude(people, offers, times, run[-1][0].decided_at if run else began)
    return people, seen


def _place(
    people: People,
    seen: Observed,
    recorded: RecordedInput,
    offers: dict[UUID, _Offered],
    taken: dict[UUID, datetime],
) -> None:
    """Where an input belongs: to its time, to the course of its ticket, or to the model of replies."""
    current = recorded.current
    if isinstance(current, inputs.Tick | inputs.AcceptOffer | inputs.DeclineOffer):
        return
    ticket_id: UUID | None = getattr(current, "ticket_id", None)
    offer = offers.get(getattr(current, "offer_id", None) or UUID(int=0))
    ticket_id = ticket_id or (offer.ticket_id if offer else None)
    since = taken.get(ticket_id) if ticket_id else None
    if ticket_id is None or since is None or isinstance(current, _AS_RECORDED):
        people.fixed.append(recorded)
        return
    course = seen.course(ticket_id)
    is_in_hand = course is not None and course.holder is not None
    people.acts[ticket_id].append(Act(current, recorded.decided_at - since, is_in_hand))
    taken[ticket_id] = recorded.decided_at


def _note_offer(
    people: People,
    seen: Observed,
    made: d.Decision,
    recorded: RecordedInput,
    offers: dict[UUID, _Offered],
    times: dict[tuple[str, str], list[timedelta]],
) -> None:
    at = recorded.decided_at
    match made:
        case d.WorkOffered():
            course = seen.courses[made.work_id]
            offers[made.offer_id] = _Offered(course.ticket_id, made.agent_id, course.queue, at)
        case d.WorkAssigned() if made.offer_id is not None and made.offer_id in offers:
            offer = offers[made.offer_id]
            after = at - offer.at
            offer.reply = Reply(OfferState.ACCEPTED, after)
            people.accepted_by.setdefault(offer.ticket_id, after)
            times["agent", offer.agent_id].append(after)
            times["queue", offer.queue].append(after)
            times["all", ""].append(after)
        case d.OfferEnded() if made.offer_id in offers:
            offer = offers[made.offer_id]
            offer.reply = Reply(made.state, at - offer.at, made.reason)
        case _:
            pass


def _conclude(
    people: People,
    offers: dict[UUID, _Offered],
    times: dict[tuple[str, str], list[timedelta]],
    ended: datetime,
) -> None:
    for offer in offers.values():
        reply = offer.reply or Reply(OfferState.PENDING, ended - offer.at)
        people.replies[offer.ticket_id, offer.agent_id].append(reply)
    for (what, name), values in times.items():
        usual = timedelta(seconds=median(value.total_seconds() for value in values))
        if what == "agent":
            people.by_agent[name] = usual
        elif what == "queue":
            people.by_queue[name] = usual
        else:
            people.overall = usual
