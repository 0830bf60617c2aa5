"""What holds of a desk after each step, by a scan of everything in it."""

from collections import Counter
from datetime import timedelta
from functools import partial

from hypothesis.stateful import RuleBasedStateMachine, invariant

from services.router.domain import decision as d
from services.router.domain.agent import Agent
from services.router.domain.eligibility import misfit
from services.router.domain.matching import READY, RESERVED, refuses
from services.router.domain.order import Place
from services.router.domain.policy import Requirements
from services.router.domain.queue import OfferMode
from services.router.domain.reserve import is_free
from services.router.domain.state import RoutingState
from services.router.domain.work_item import PARKED, WorkItem
from shared.vocabulary import AgentState, ChannelKind, WorkState
from tests.unit.router.domain.desk import Desk


def place(state: RoutingState, item: WorkItem) -> Place:
    """Where an item stands now in its queue's order."""
    order = state.configuration.queue(item.requirements.queue).order
    entries = order.entries(item, state.tickets[item.ticket_id].clocks)
    return min(order.place(group, key, state.now) for group, key in entries)


def served(state: RoutingState, one: Agent, item: WorkItem) -> tuple[object, ...]:
    """By what an agent sorts the items that they may have: no two queues have one rank here."""
    queue = item.requirements.queue
    return one.profile.ranks.get(queue, state.configuration.queue(queue).rank), place(state, item)


def obstacle(state: RoutingState, one: Agent, asked: Requirements, kind: ChannelKind) -> str | None:
    """Why an agent cannot be asked, by a scan: also who is kept free for another queue."""
    queues = state.configuration.queues
    if not state.configuration.queue(asked.queue).reserve and is_free(one):
        for queue_id in one.profile.queues & queues.keys():
            free = [
                other for other in state.agents.values() if queue_id in other.profile.queues and is_free(other)
            ]
            if len(free) <= queues[queue_id].reserve:
                return one.obstacle(kind) or RESERVED
    return one.obstacle(kind)


def is_held_for_other(one: Agent, item: WorkItem) -> bool:
    """Whether somebody else alone may be asked for it now."""
    return item.held_for is not None and item.held_for.agent_id != one.agent_id


class CheckedDesk(RuleBasedStateMachine):
    """A desk that is checked after each step; what the steps are is said elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()

    def nobody_got_less_than_what_they_serve_first(self, made: list[d.Decision]) -> None:
        """Whoever was given an item could have had none that waits on and that they serve before it."""
        state = self.desk.state
        given = {
            each.agent_id: state.items[each.work_id]
            for each in made
            if isinstance(each, d.WorkOffered | d.WorkAssigned) and each.reasons.choice is not None
        }
        for agent_id, item in given.items():
            one = state.agents[agent_id]
            for other in state.items.values():
                queue = state.configuration.queue(other.requirements.queue)
                was_kept = not queue.reserve and any(
                    state.configuration.queue(name).reserve for name in one.profile.queues
                )
                if (
                    was_kept
                    or not state.opening(other.requirements.queue).is_open
                    or other.state is not WorkState.QUEUED
                    or queue.mode_for(other.channel_kind) is OfferMode.PULL
                    or refuses(one, other)
                    or is_held_for_other(one, other)
                    or misfit(one.profile, other.requirements)
                ):
                    continue
                limit, same = one.profile.limits[other.channel_kind], other.channel_kind is item.channel_kind
                fits = one.items.get(other.channel_kind, 0) - same < limit.most
                load = one.used if limit.is_interruptible else one.firm
                if limit.is_interruptible or not one.profile.limits[item.channel_kind].is_interruptible:
                    load -= one.cost(item.channel_kind)
                if fits and load + limit.cost <= one.profile.capacity:
                    assert served(state, one, item) < served(state, one, other)

    def waits_for_agents(self, item: WorkItem) -> bool:
        most = 2 if item.requirements.queue == "general" else 1
        return item.state is WorkState.QUEUED or (item.state is WorkState.OFFERED and len(item.offers) < most)

    @invariant()
    def nobody_is_there_who_has_had_no_stream_for_too_long(self) -> None:
        for one in self.desk.state.agents.values():
            if one.disconnected_at is not None:
                assert not one.is_connected
                assert self.desk.now - one.disconnected_at < timedelta(seconds=60)
            assert one.lost_from is None or (one.state, one.reason) == (AgentState.AWAY, "connection_lost")

    @invariant()
    def an_item_asks_nobody_twice_and_no_more_than_it_may(self) -> None:
        for item in self.desk.state.items.values():
            assert len(set(item.offers.values())) == len(item.offers) <= 2

    @invariant()
    def load_is_what_they_have_in_hand_and_within_capacity(self) -> None:
        state = self.desk.state
        for agent_id, one in state.agents.items():
            held = [state.items[work_id] for work_id in one.work]
            assert all(item.agent_id == agent_id for item in held)
            counted = Counter(item.channel_kind for item in held if item.bears_load)
            counted.update(state.items[state.offers[offer_id].work_id].channel_kind for offer_id in one.offers)
            assert counted == Counter({kind: count for kind, count in one.items.items() if count})
            assert one.used == sum(one.cost(kind) * count for kind, count in counted.items())
            interruptible = {kind for kind in counted if one.profile.limits[kind].is_interruptible}
            assert one.firm == sum(one.cost(kind) * counted[kind] for kind in counted.keys() - interruptible)
            if not any(item.over_capacity for item in held):
                assert one.firm <= one.profile.capacity
                assert one.used - one.firm <= one.profile.capacity
                assert interruptible or one.used <= one.profile.capacity
            assert one.wrapping == sum(item.state is WorkState.WRAPPING for item in held)

    @invariant()
    def a_ticket_has_one_live_item_at_most_and_unsolved_tickets_have_one(self) -> None:
        state = self.desk.state
        assert len({item.ticket_id for item in state.items.values()}) == len(state.items)
        for ticket in state.tickets.values():
            if ticket.facts is not None:
                assert (state.live_item(ticket.ticket_id) is not None) or not ticket.status.is_unsolved

    @invariant()
    def each_queue_has_what_is_counted_of_it(self) -> None:
        state = self.desk.state
        state.count(state.touched.items.values(), state.touched.agents)
        items = state.items.values()
        assert +state.tally.items == Counter((item.requirements.queue, item.state) for item in items)
        assert +state.tally.stuck == Counter(
            item.requirements.queue
            for item in items
            if item.state is WorkState.QUEUED and item.steps and item.step == len(item.steps)
        )
        serving = [(one, queue) for one in state.agents.values() for queue in one.profile.queues]
        assert +state.tally.eligible == Counter(queue for _, queue in serving)
        assert +state.tally.ready == Counter(
            queue
            for one, queue in serving
            if one.is_on_duty and one.state is AgentState.AVAILABLE and one.used < one.profile.capacity
        )

    @invariant()
    def everybody_is_on_duty_as_their_hours_have_it(self) -> None:
        for one in self.desk.state.agents.values():
            assert one.standing == one.profile.duty.at(self.desk.now)
        for queue_id, queue in self.desk.state.configuration.queues.items():
            assert self.desk.state.opening(queue_id) == queue.opening(self.desk.now)

    @invariant()
    def nobody_loses_what_waits_for_its_customer(self) -> None:
        state = self.desk.state
        for item in state.items.values():
            assert item.return_at is None or state.tickets[item.ticket_id].status not in PARKED

    @invariant()
    def nobody_who_could_be_asked_idles_while_work_waits_for_them(self) -> None:
        state = self.desk.state
        for item in state.items.values():
            if not self.waits_for_agents(item):
                continue
            for one in state.agents.values():
                if is_held_for_other(one, item):
                    continue
                could = obstacle(state, one, item.requirements, item.channel_kind) is None
                could &= not refuses(one, item)
                could = could and one.agent_id not in item.offers.values()
                could = could and item.requirements.queue != "shelf"
                could = could and state.opening(item.requirements.queue).is_open
                assert not (could and misfit(one.profile, item.requirements) is None), (item, one)

    @invariant()
    def nobody_is_waited_for_who_is_not_there_or_could_not_have_it(self) -> None:
        state = self.desk.state
        for item in state.items.values():
            if item.held_for is not None and self.waits_for_agents(item):
                one = state.agents[item.held_for.agent_id]
                assert one.is_there
                assert misfit(one.profile, item.requirements) is None
                assert item.held_until is not None
                assert item.held_until > self.desk.now

    @invariant()
    def the_indexes_agree_with_a_scan(self) -> None:
        state = self.desk.state
        for found in state.classes.values():
            fits = {name for name, one in state.agents.items() if misfit(one.profile, found.requirements) is None}
            if found.only is not None:
                fits &= {found.only.agent_id}
                assert found.line.count, "an agent's own class goes with its last item"
            assert found.members == fits
            expected = Counter(
                obstacle(state, state.agents[name], found.requirements, found.kind) or READY for name in fits
            )
            assert +found.conditions == expected
            people = {name for name, one in state.agents.items() if one.profile.partner is None}
            assert found.only is not None or sum(found.unfit.values()) == len(people - fits)
            assert found.ready_count == expected[READY]
            assert set(found.standing.values()) <= set(found.ready)
            assert len(found.ready) <= 4 * len(found.members) + 64
            in_line = [
                item
                for item in state.items.values()
                if self.waits_for_agents(item)
                and (item.requirements, item.channel_kind, item.held_for) == found.key
            ]
            assert found.line.count == len(in_line)
            assert [item.work_id for item, _ in found.line.in_order(state.items, self.desk.now)] == [
                item.work_id for item in sorted(in_line, key=partial(place, state))
            ]

    @invariant()
    def offers_are_pending_on_both_sides(self) -> None:
        state = self.desk.state
        for offer_id, offer in state.offers.items():
            assert offer_id in state.agents[offer.agent_id].offers
            assert offer_id in state.items[offer.work_id].offers
            assert state.items[offer.work_id].state is WorkState.OFFERED
            assert state.agents[offer.agent_id].state is AgentState.AVAILABLE
            assert state.agents[offer.agent_id].is_on_duty
