"""The routing state of one workspace, and how decisions change it. Changed in place: half a million waiting
items are not copied."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappush
from uuid import UUID

from services.router.domain.agent import Agent
from services.router.domain.configuration import Configuration
from services.router.domain.facts import Moment, moment_at
from services.router.domain.hours import ALWAYS_OPEN, Opening
from services.router.domain.matching import READY, ClassKey, RequirementClass
from services.router.domain.order import pressing
from services.router.domain.partner import partner_id
from services.router.domain.policy import Requirements
from services.router.domain.posts import Posts
from services.router.domain.reconsidering import Reconsidering
from services.router.domain.reserve import Reserves
from services.router.domain.tally import Tally
from services.router.domain.timers import Timer, TimerKind
from services.router.domain.work_item import Offer, Only, Ticket, WorkItem
from shared.vocabulary import ChannelKind, WorkState

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Touched:
    """What has changed since the last commit."""

    agents: set[str] = field(default_factory=set)
    tickets: set[UUID] = field(default_factory=set)
    items: dict[UUID, WorkItem] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)
    is_reconsidering: bool = False


@dataclass(slots=True)
class RoutingState:
    """Everything that routing decisions of one workspace depend on.

    retired: agents who were removed; one who comes back goes on with their history
    tickets: those with live work and those that were read lately; items: live; offers: pending
    now: the time of the input that is being decided
    timers: a heap, the stale ones among them, at most about `most_timers`
    openings: queues that have hours, as they stood when that was looked at last
    changed: agents who have changed since their classes were told of them
    unsettled: classes where an item and an agent may have met; kept in the order of their becoming so
    forsaken: classes whose items wait for an agent who is not there
    servable: whether any agent, as configured, could ever take what asks for this, as far as that was looked for
    impatient: items that have just joined a line and do not wait for their next step while nobody can be asked
    tally: what stands in each queue, as it was after the last commit
    reconsidering: how far a policy that changed has been asked about what was there before it
    """

    workspace_id: str
    configuration: Configuration
    agents: dict[str, Agent] = field(default_factory=dict)
    retired: dict[str, Agent] = field(default_factory=dict)
    tickets: dict[UUID, Ticket] = field(default_factory=dict)
    items: dict[UUID, WorkItem] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)
    classes: dict[ClassKey, RequirementClass] = field(default_factory=dict)
    posts_of: dict[str, Posts] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    most_timers: int = 0
    openings: dict[str, Opening] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    unsettled: dict[RequirementClass, None] = field(default_factory=dict)
    forsaken: dict[ClassKey, None] = field(default_factory=dict)
    impatient: deque[UUID] = field(default_factory=deque)
    servable: dict[Requirements, bool] = field(default_factory=dict)
    reconsidering: Reconsidering | None = None
    touched: Touched = field(default_factory=Touched)
    reserves: Reserves = field(default_factory=Reserves)
    tally: Tally = field(default_factory=Tally)
    now: datetime = _BEFORE_ALL
    _moment: Moment | None = None

    def reach(self, now: datetime) -> None:
        """The next input is decided at this time."""
        if now != self.now:
            self.now = now
            self._moment = None

    def adopt(self, configuration: Configuration) -> None:
        """A configuration holds. Indexes follow: see `reconfigure`."""
        self.configuration = configuration
        self._moment = None

    def moment(self) -> Moment:
        """What policies read of this time. Worked out once, and only where a policy is asked."""
        if self._moment is None:
            self._moment = moment_at(self.now, self.configuration.time_zone, self.configuration.calendars)
        return self._moment

    def live_item(self, ticket_id: UUID) -> WorkItem | None:
        """The ticket's live work item."""
        ticket = self.tickets.get(ticket_id)
        return self.items.get(ticket.work_id) if ticket and ticket.work_id else None

    def house_queue(self, queue_id: str) -> str:
        """The queue itself, or the one that a partner's queue falls back to."""
        agent = self.agents.get(partner_id(queue_id))
        partner = agent.profile.partner if agent else None
        return partner.fallback if partner else queue_id

    def opening(self, queue_id: str) -> Opening:
        """Whether a queue is open, and until when."""
        return self.openings.get(queue_id, ALWAYS_OPEN)

    def turn(self, queue_id: str, opening: Opening) -> None:
        """A queue opens or closes, or stays as it is for longer than was known."""
        was_open = self.opening(queue_id).is_open
        self.openings[queue_id] = opening
        self.arm(opening.until, TimerKind.QUEUE_TURNS, queue_id)
        if opening.is_open and not was_open:
            self.give_out(queue_id)

    def give_out(self, queue_id: str) -> None:
        """A queue has opened: what waits in it is given out, or opens its next step where nobody can be asked."""
        early: dict[UUID, WorkItem] = {}
        for found in self.classes.values():
            if found.requirements.queue == queue_id and found.line.count:
                self.unsettled[found] = None
                early.update({item.work_id: item for item in found.line.waiting(self.items) if item.opens_early})
        self.impatient.extend(item.work_id for item in sorted(early.values(), key=pressing))

    def next_step_at(self, item: WorkItem) -> datetime | None:
        """When its requirements are loosened next: time stands still while its queue is closed."""
        after = item.next_step_after
        if after is None:
            return None
        return self.configuration.queue(item.requirements.queue).after(item.started_at, after)

    def class_for(
        self, requirements: Requirements, kind: ChannelKind, only: Only | None = None
    ) -> RequirementClass:
        """The index for these requirements, made when they come up for the first time; only: for one agent."""
        key = (requirements, kind, only)
        found = self.classes.get(key)
        if found is None:
            queue = self.configuration.queue(requirements.queue)
            found = RequirementClass(requirements, kind, queue, only=only)
            self.classes[key] = found
            asked = sorted(self.agents) if only is None else self.agents.keys() & {only.agent_id}
            for agent_id in asked:
                if found.admit(self.agents[agent_id]):
                    self.posts_of.setdefault(agent_id, Posts()).add(found)
        return found

    def class_of(self, item: WorkItem) -> RequirementClass:
        """The index in which an item stands, or would."""
        return self.class_for(item.requirements, item.channel_kind, item.held_for)

    def put_in_line(self, item: WorkItem) -> None:
        """The item waits in its class, unless nobody (more) is to be asked for it now."""
        if item.in_line or not self._wants_agents(item):
            return
        item.in_line = True
        item.stamp += 1
        found = self.class_of(item)
        found.line.join(item, self.tickets[item.ticket_id].clocks, self.items)
        self.unsettled[found] = None
        self.forsake(found)

    def take_out_of_line(self, item: WorkItem) -> None:
        """The item waits no more, if it did. Call it before its requirements change."""
        if not item.in_line:
            return
        item.in_line = False
        item.stamp += 1
        found = self.class_of(item)
        found.line.leave(self.items)
        if found.only is not None and not found.line.count:
            self._forget(found)

    def forsake(self, found: RequirementClass) -> None:
        """Notes a class whose items wait for an agent who is not there, if it is one."""
        if self.is_forsaken(found):
            self.forsaken[found.key] = None

    def is_forsaken(self, found: RequirementClass) -> bool:
        """Whether the one agent whom items wait for is not there, or could not have them."""
        if found.only is None or not found.line.count:
            return False
        agent = self.agents.get(found.only.agent_id)
        return agent is None or agent.agent_id not in found.members or not agent.is_there

    def _forget(self, found: RequirementClass) -> None:
        """Lets go of an agent's own class when nothing waits in it: there may be one for each agent."""
        del self.classes[found.key]
        self.unsettled.pop(found, None)
        self.forsaken.pop(found.key, None)
        for agent_id in found.members:
            self.posts_of[agent_id].remove(found)

    def _wants_agents(self, item: WorkItem) -> bool:
        if item.state is WorkState.OFFERED:
            queue = self.configuration.queue(item.requirements.queue)
            return len(item.offers) < queue.most_asked(item.channel_kind)
        return item.state is WorkState.QUEUED

    def refresh(self, agent: Agent) -> None:
        """Takes note of an agent who has changed, and of whom that keeps or lets go."""
        self.touched.agents.add(agent.agent_id)
        let_go_or_kept = self.reserves.note(agent, self.agents)
        self.note(agent)
        for other in let_go_or_kept:
            self.note(other)

    def note(self, agent: Agent) -> None:
        """The agent's classes have to be told of a change: later, since who is freed is mostly busy again soon."""
        agent.stamp += 1
        self.changed[agent.agent_id] = None
        for classes in self.posts_of.get(agent.agent_id, ()):
            if classes[0].only is not None:
                for found in classes:
                    self.forsake(found)

    def tell(self, agent: Agent) -> None:
        """Has the agent's classes see how it stands with them now."""
        self.changed.pop(agent.agent_id, None)
        for classes in self.posts_of.get(agent.agent_id, ()):
            condition = classes[0].condition_of(agent)
            for found in classes:
                if condition == READY or found.condition[agent.agent_id] != condition:
                    found.refresh(agent, condition)

    def tell_all(self) -> None:
        """Has the classes of everybody who has changed see that; where something waits, they are to be settled."""
        for agent_id in list(self.changed):
            agent = self.agents[agent_id]
            self.tell(agent)
            for classes in self.posts_of.get(agent_id, ()):
                if classes[0].could_ask(agent):
                    self.unsettled.update((found, None) for found in classes if found.line.count)

    def occupy(self, agent: Agent, kind: ChannelKind) -> None:
        """One more item counts against the agent's capacity."""
        agent.bear(kind)
        self.refresh(agent)

    def free(self, agent: Agent, kind: ChannelKind, now: datetime) -> None:
        """One item less counts against the agent's capacity."""
        agent.bear(kind, -1)
        agent.idle_since = now
        self.refresh(agent)

    def watch(self, item: WorkItem) -> None:
        """Arms whatever timer the item's state asks for."""
        if item.is_waiting:
            self.arm(self.next_step_at(item), TimerKind.STEP_OPENS, item.work_id)
            self.arm(item.held_until, TimerKind.HOLD_ENDS, item.work_id)
        self.arm(item.wrap_until, TimerKind.WRAP_ENDS, item.work_id)
        self.arm(item.return_at, TimerKind.ITEM_RETURNS, item.work_id)
        self.arm(item.done_by, TimerKind.ORDER_LAPSES, item.work_id)

    def arm(self, due_at: datetime | None, kind: TimerKind, subject_id: UUID | str) -> None:
        """Sets a timer. Nobody takes one back: what it was for has changed when it comes up."""
        if due_at is not None:
            heappush(self.timers, Timer(due_at, kind, subject_id))

    def count_timers(self) -> None:
        """Every timer holds, as far as is known: only of twice as many is it worth looking which do."""
        self.most_timers = 2 * len(self.timers) + 1_000

    def reconsider(self) -> None:
        """Has the policy asked about all that is live."""
        self.reconsidering = Reconsidering.of(self.items)
        self.touched.is_reconsidering = True

    def go_on_reconsidering(self, at: datetime) -> None:
        """Has the policy asked about the next of what it is still to be asked about, if anything is."""
        going_on = self.reconsidering
        if going_on is not None:
            going_on.due_at = at
            self.arm(at, TimerKind.POLICY_ASKED, self.workspace_id)

    def forget(self, brought: Iterable[UUID] = ()) -> None:
        """Lets go of tickets that need no agent, and of the note of what has changed: a commit is over.

        brought: tickets that came into memory for this commit, touched or not
        """
        for ticket_id in {*self.touched.tickets, *brought}:
            ticket = self.tickets.get(ticket_id)
            if ticket is not None and ticket.work_id is None:
                del self.tickets[ticket_id]
        self.touched = Touched()

    def count(self, items: Iterable[WorkItem], agents: Iterable[str]) -> None:
        """Brings the tally up to date with items and agents that may have changed, come or gone."""
        self.tally.note_items(items)
        for agent_id in agents:
            self.tally.note_agent(agent_id, self.agents.get(agent_id))

    def watch_connection(self, agent: Agent) -> None:
        """Arms what happens when an agent without stream does not come back."""
        self.arm(self.lost_at(agent), TimerKind.CONNECTION_LOST, agent.agent_id)

    def lost_at(self, agent: Agent) -> datetime | None:
        """When an agent who has no stream any more is away."""
        since = agent.disconnected_at
        return since + self.configuration.presence.lost_after if since is not None else None
