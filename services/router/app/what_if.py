"""A recorded run under another configuration: the same tickets and the same people, other decisions."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from services.router.app.observed import Observed
from services.router.app.people import Act, People
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.configuration import Configuration
from services.router.domain.due import next_due_at
from services.router.domain.engine import run
from services.router.domain.floor_decision import AgentStateSet, Configured
from services.router.domain.state import RoutingState, Touched
from services.router.domain.work_item import OfferState
from shared.errors import DomainError
from shared.ids import SeededIds

Adapt = Callable[[Configuration], Configuration]
"""Makes the configuration to be tried of one that was in force."""

ASSUMPTIONS = (
    "Tickets, escalations and agents' states come when they came; waiting longer raises no new escalation and"
    " makes nobody give up.",
    "An offer to whom it was made before is answered as it was, as late; any other is accepted after what the"
    " ticket's own offer took, else after the median of the agent, of the queue, of the run.",
    "What was done to a ticket once somebody had it (solving, transfers, being opened again) is done as long after"
    " its assignment, or after what was done before: whoever gets it needs as long as whoever had it.",
    "What cannot be done in the other run, as work for an agent who is not there, is left out and counted.",
)


@dataclass(slots=True)
class _Thread:
    """How far what people did to a ticket has got. turn: tells what is armed from what has been overtaken."""

    next: int = 0
    since: datetime | None = None
    turn: int = 0


@dataclass(slots=True)
class World:
    """A run that is being simulated.

    state: as it was before the run, changed in place; left_out: inputs that could not be given, by kind
    """

    state: RoutingState
    people: People
    seen: Observed
    adapt: Adapt
    now: datetime
    left_out: Counter[str] = field(default_factory=Counter)
    coming: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    offered: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    threads: dict[UUID, _Thread] = field(default_factory=dict)
    count: int = 0
    recorded: Configuration = field(init=False)
    """What held in the recorded run, of which the one to be tried is made."""

    def __post_init__(self) -> None:
        self.recorded = self.state.configuration

    def live(self, until: datetime) -> None:
        """Lets everything happen up to a moment."""
        self._begin()
        fixed = iter(self.people.fixed)
        recorded = next(fixed, None)
        while True:
            due_at = next_due_at(self.state)
            coming_at = self.coming[0][0] if self.coming else None
            at = min((each for each in (due_at, coming_at) if each is not None), default=None)
            if recorded is not None and (at is None or recorded.decided_at <= at):
                if recorded.brought is not None:
                    self.state.tickets.setdefault(recorded.brought.ticket_id, recorded.brought)
                self._give(recorded.current, recorded.decided_at, recorded.seed)
                recorded = next(fixed, None)
            elif at is None or at > until:
                break
            elif at == coming_at:
                self.now = max(self.now, at)
                heappop(self.coming)[2]()
            else:
                self._give(inputs.Tick(), at)
        self.seen.end(max(until, self.now))

    def _begin(self) -> None:
        """Takes on the other configuration, and up what was under way."""
        if self.recorded.version and self.adapt(self.recorded) is not self.recorded:
            self._give(inputs.Configure(configuration=self.recorded), self.now)
        for offer in sorted(self.state.offers.values(), key=lambda offer: offer.offer_id):
            self._expect_reply(offer.offer_id, offer.agent_id, offer.ticket_id, offer.offered_at)
        for item in sorted(self.state.items.values(), key=lambda item: item.work_id):
            if item.assigned_at is not None and item.agent_id is not None:
                self._follow(item.ticket_id, item.assigned_at)

    def _give(self, current: inputs.Input, at: datetime, seed: bytes | None = None) -> None:
        self.now = max(self.now, at)
        self.count += 1
        if isinstance(current, inputs.Configure | inputs.ConfigureAgents):
            self.recorded = current.after(self.recorded)
            current = inputs.Configure(configuration=self.adapt(self.recorded))
        ids = SeededIds(seed or self.count.to_bytes(16, "big"), self.now)
        try:
            for made in run(self.state, current, self.now, ids):
                self._follow_up(made)
        except DomainError:
            self.left_out[type(current).__name__] += 1
        self.state.touched = Touched()

    def _follow_up(self, made: d.Decision) -> None:
        """What people will do about a decision."""
        if isinstance(made, d.TicketLearned | AgentStateSet | Configured):
            return
        self.seen.see(made, self.now)
        if isinstance(made, d.WorkOffered):
            ticket_id = self.seen.courses[made.work_id].ticket_id
            self._expect_reply(made.offer_id, made.agent_id, ticket_id, self.now)
        elif isinstance(made, d.WorkAssigned):
            self._follow(self.seen.courses[made.work_id].ticket_id, self.now)

    def _expect_reply(self, offer_id: UUID, agent_id: str, ticket_id: UUID, offered_at: datetime) -> None:
        course = self.seen.course(ticket_id)
        nth = self.offered[ticket_id, agent_id]
        self.offered[ticket_id, agent_id] += 1
        reply = self.people.reply(ticket_id, agent_id, course.queue if course else "", nth)
        if reply is None:
            return

        def answer() -> None:
            if offer_id not in self.state.offers:
                return
            if reply.state is OfferState.ACCEPTED:
                self._give(inputs.AcceptOffer(offer_id=offer_id, agent_id=agent_id), self.now)
            else:
                declined = inputs.DeclineOffer(offer_id=offer_id, agent_id=agent_id, reason=reply.reason)
                self._give(declined, self.now)

        self._expect(offered_at + reply.after, answer)

    def _follow(self, ticket_id: UUID, assigned_at: datetime) -> None:
        """Somebody has the ticket: what was done to it while somebody had it goes on from here."""
        thread = self.threads.setdefault(ticket_id, _Thread())
        act = self._next(ticket_id, thread)
        if act is not None and (act.is_in_hand or thread.since is None):
            thread.since = assigned_at
            self._arm(ticket_id, thread, act)

    def _next(self, ticket_id: UUID, thread: _Thread) -> Act | None:
        acts = self.people.acts.get(ticket_id, ())
        return acts[thread.next] if thread.next < len(acts) else None

    def _arm(self, ticket_id: UUID, thread: _Thread, act: Act) -> None:
        thread.turn += 1
        turn = thread.turn
        assert thread.since is not None, "armed by an assignment or by what was done before"

        def do() -> None:
            if thread.turn == turn and not (act.is_in_hand and not self._is_in_hand(ticket_id)):
                thread.next += 1
                thread.since = self.now
                following = self._next(ticket_id, thread)
                if following is not None:
                    self._arm(ticket_id, thread, following)
                self._act(ticket_id, act.current)

        self._expect(thread.since + act.after, do)

    def _act(self, ticket_id: UUID, current: inputs.Input) -> None:
        item = self.state.live_item(ticket_id)
        offer_id = item.accepted_offer_id if item else None
        if isinstance(current, inputs.EndOrder):
            if item is None or offer_id is None or item.agent_id is None:
                self.left_out[type(current).__name__] += 1
                return
            current = replace(current, offer_id=offer_id, agent_id=item.agent_id)
        self._give(current, self.now)

    def _is_in_hand(self, ticket_id: UUID) -> bool:
        course = self.seen.course(ticket_id)
        return course is not None and course.holder is not None

    def _expect(self, at: datetime, then: Callable[[], None]) -> None:
        self.count += 1
        heappush(self.coming, (max(at, self.now), self.count, then))
