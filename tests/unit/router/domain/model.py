"""A small model of the router: whom the next item goes to, found by looking at everything each time.

It knows no index, no heap and no counter, and shares no rule with the engine: it reads what there is, filters
it, and sorts. What the engine gives out has to be what the model would.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.router.domain.agent import Agent
from services.router.domain.policy import Requirements, TierMode
from services.router.domain.queue import OfferMode, Queue, Ranking
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.vocabulary import AgentState, ChannelKind, WorkState

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Model:
    """What a router's rows say at a moment."""

    state: RoutingState
    now: datetime

    def given_next(self) -> tuple[UUID, str] | None:
        """The item that is given out next, and to whom; None where nothing is left that somebody could have."""
        heads = []
        for line in self.lines():
            for item in line:
                agents = self.could_have(item)
                if agents:
                    heads.append((self.rank_of(agents[0], item), item, agents[0]))
        first = self.foremost([(rank, item) for rank, item, _ in heads])
        return next(((item.work_id, agent.agent_id) for _, item, agent in heads if item is first), None)

    def taken_next(self, agent: Agent) -> UUID | None:
        """The item that an agent gets who asks for work; None where nothing waits that they could have."""
        heads = []
        for line in self.lines(are_taken=True):
            for item in line:
                if item.state is WorkState.QUEUED and self.obstacle(agent, item) is None:
                    heads.append((self.rank_of(agent, item), item))
                    break
        first = self.foremost(heads)
        return first.work_id if first else None

    def lines(self, *, are_taken: bool = False) -> list[list[WorkItem]]:
        """What waits in open queues, by what it asks for, in order. are_taken: also what nobody is asked for"""
        lines: dict[object, list[WorkItem]] = {}
        for item in self.state.items.values():
            queue = self.queue(item)
            mode = queue.mode_for(item.channel_kind)
            most = queue.asked_at_once if mode is OfferMode.ASK else 1
            waits = item.state in (WorkState.QUEUED, WorkState.OFFERED) and len(item.offers) < most
            if waits and queue.opening(self.now).is_open and (are_taken or mode is not OfferMode.PULL):
                what = item.requirements, item.channel_kind, self.held_for(item), item.ignores_capacity
                lines.setdefault(what, []).append(item)
        return [sorted(line, key=self.place) for line in lines.values()]

    def foremost(self, heads: list[tuple[int, WorkItem]]) -> WorkItem | None:
        """Of the first of several lines that of the lowest rank; queues with one order are one line."""
        lowest = min((rank for rank, _ in heads), default=0)
        by_order: dict[object, list[WorkItem]] = {}
        for rank, item in heads:
            if rank == lowest:
                by_order.setdefault(self.queue(item).order, []).append(item)
        firsts = [min(items, key=self.place) for items in by_order.values()]
        return min(firsts, key=pressing, default=None)

    def place(self, item: WorkItem) -> tuple[object, ...]:
        """What sorts items of one queue."""
        order, rank = self.queue(item).order, item.priority.rank
        waited = self.now - item.queued_at
        match order.by.value:
            case "priority":
                by: tuple[object, ...] = (rank,)
            case "oldest":
                by = ()
            case "score":
                by = (-(waited / MINUTE + order.points[rank]),)
            case "ageing":
                by = (max(0, rank - max(0, waited // order.ageing)),)
            case "sla_urgency":
                clocks = self.state.tickets[item.ticket_id].clocks
                running = [(clock.counts_from, clock.target) for clock in clocks if clock.counts_from is not None]
                # As much used up of a shorter promise leaves less time.
                used_up = min(
                    ((-((self.now - since) / target), target) for since, target in running), default=None
                )
                by = (0, *used_up, rank) if used_up else (1, rank)
            case _:
                raise AssertionError("no such order")
        return not item.is_expedited, by, item.queued_at, item.work_id

    def could_have(self, item: WorkItem) -> list[Agent]:
        """Who may be asked for an item now, whoever is asked first at the front."""
        able = [agent for agent in self.state.agents.values() if self.obstacle(agent, item) is None]
        able = [agent for agent in able if agent.agent_id not in item.offers.values()]
        return sorted(
            able, key=lambda agent: (agent.agent_id != item.preferred_agent_id, self.ranking(item, agent))
        )

    def obstacle(self, agent: Agent, item: WorkItem) -> str | None:
        """The first reason for which an agent may not have an item now."""
        if self.held_for(item) not in (None, agent.agent_id):
            return "held for somebody else"
        if agent.state is not AgentState.AVAILABLE or agent.profile.duty.at(self.now).off_duty is not None:
            return "not there"
        if not fits(agent, item.requirements):
            return "does not fit"
        if item.refused_by.get(agent.agent_id) == agent.availability:
            return "has refused it"
        if self.is_kept(agent) and not self.queue(item).reserve:
            return "kept for others"
        ignored = self.held_for(item) is not None and item.ignores_capacity
        return None if ignored or self.has_room(agent, item.channel_kind) else "no room"

    def has_room(self, agent: Agent, kind: ChannelKind) -> bool:
        """Whether one more item fits beside what is in hand and what is offered."""
        limits, held = agent.profile.limits, self.held(agent)
        beside = [
            limits[other].cost * count
            for other, count in held.items()
            if limits[kind].is_interruptible or not limits[other].is_interruptible
        ]
        return held[kind] < limits[kind].most and sum(beside) + limits[kind].cost <= agent.profile.capacity

    def held(self, agent: Agent) -> Counter[ChannelKind]:
        """What counts against an agent's capacity."""
        items = self.state.items.values()
        held = Counter(item.channel_kind for item in items if item.agent_id == agent.agent_id and item.bears_load)
        return held + Counter(
            item.channel_kind for item in items for name in item.offers.values() if name == agent.agent_id
        )

    def is_kept(self, agent: Agent) -> bool:
        """Whether an agent is among the last free ones of a queue that keeps so many."""
        free = [other for other in self.state.agents.values() if self.is_free(other)]
        return self.is_free(agent) and any(
            sum(queue.queue_id in other.profile.queues for other in free) <= queue.reserve
            for queue in self.state.configuration.queues.values()
            if queue.reserve and queue.queue_id in agent.profile.queues
        )

    def is_free(self, agent: Agent) -> bool:
        """Whether an agent is there and has nothing in hand."""
        is_there = agent.state is AgentState.AVAILABLE and agent.profile.duty.at(self.now).off_duty is None
        return is_there and not self.held(agent)

    def ranking(self, item: WorkItem, agent: Agent) -> tuple[object, ...]:
        """What sorts agents whom an item may be given to."""
        profile, asked = agent.profile, item.requirements
        preferred = sum(profile.skills.get(skill, 0) >= level for skill, level in asked.preferred)
        helps_out = asked.queue not in profile.queues
        strategy = self.strategy(agent, item)
        return self.rank_of(agent, item), profile.support_tier, helps_out, -preferred, strategy, agent.agent_id

    def strategy(self, agent: Agent, item: WorkItem) -> tuple[object, ...]:
        """What sorts agents as the queue's ranking has it."""
        held, limits = self.held(agent), agent.profile.limits
        used = sum(limits[kind].cost * count for kind, count in held.items())
        match self.queue(item).ranking:
            case Ranking.LONGEST_IDLE:
                return (agent.idle_since,)
            case Ranking.LEAST_LOADED:
                return used / agent.profile.capacity, agent.idle_since
            case Ranking.ROUND_ROBIN:
                last = agent.last_assigned.get(item.channel_kind)
                return (last is not None, last)
            case Ranking.BEST_MATCH:
                over = [agent.profile.skills[skill] - least for skill, least in item.requirements.skills]
                return -sum(over), agent.idle_since  # one skill at most is asked for: more of it is better
            case Ranking.SCORE:
                return used - agent.profile.support_tier, agent.idle_since  # as the machine's expression has it
        raise AssertionError("no such ranking")

    def rank_of(self, agent: Agent, item: WorkItem) -> int:
        """At which rank an agent serves an item's queue."""
        return agent.profile.ranks.get(item.requirements.queue, self.queue(item).rank)

    def queue(self, item: WorkItem) -> Queue:
        """The queue in which an item waits."""
        return self.state.configuration.queue(item.requirements.queue)

    def held_for(self, item: WorkItem) -> str | None:
        """Who alone may be asked for an item now."""
        return item.preferred_agent_id if item.held_until is not None else None


def fits(agent: Agent, asked: Requirements) -> bool:
    """Whether an agent, as configured, may have what asks for this."""
    profile = agent.profile
    tier = profile.support_tier
    return (
        bool({asked.queue, *asked.also} & profile.queues)
        and (tier == asked.support_tier if asked.tier_mode is TierMode.EXACT else tier >= asked.support_tier)
        and all(profile.skills.get(skill, 0) >= level for skill, level in asked.skills)
        and not set(asked.without) & profile.skills.keys()
        and (not asked.teams or bool(set(asked.teams) & profile.teams))
    )


def pressing(item: WorkItem) -> tuple[object, ...]:
    """What sorts items whose queues have different orders."""
    return not item.is_expedited, item.priority.rank, item.queued_at, item.work_id
