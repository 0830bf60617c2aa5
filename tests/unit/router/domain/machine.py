"""Everything that can happen to a desk, and what holds after each step of it."""

from collections import Counter
from datetime import timedelta
from functools import lru_cache, partial
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.router.app.configuration import RouterPart, to_configuration
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import Agent
from services.router.domain.eligibility import misfit
from services.router.domain.engine import run
from services.router.domain.matching import READY, RESERVED, refuses
from services.router.domain.order import Place
from services.router.domain.policy import Requirements
from services.router.domain.queue import OfferMode
from services.router.domain.reserve import is_free
from services.router.domain.state import RoutingState
from services.router.domain.work_item import PARKED, Raised, WorkItem
from shared.errors import DomainError
from shared.ids import SeededIds
from shared.vocabulary import AgentState, ChannelKind, Priority, SlaMetric, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, facts, ticket_id

NAMES = [f"t{number}" for number in range(8)]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HALF_OF_EACH_HOUR = [f"{hour:02}:10-{hour:02}:40" for hour in range(24)]
ONE_HOUR_ON_ONE_OFF = [f"{hour:02}:00-{hour + 1:02}:00" for hour in range(9, 24, 2)]
AGENTS: dict[str, dict[str, object]] = {
    "ann": {
        "queues": ["general", "billing"],
        "skills": {"german": 3},
        "capacity": 40,
        "ranks": {"general": 5},
    },
    "bob": {
        "queues": ["general", "shelf"],
        "capacity": 20,
        "shifts": dict.fromkeys(DAYS, ONE_HOUR_ON_ONE_OFF),
        "time_off": [{"start": "2026-03-02T09:20", "end": "2026-03-02T09:40"}],
    },
    "cid": {"queues": ["billing", "shelf"], "skills": {"german": 5}, "capacity": 60},
    "dot": {
        "queues": ["general", "billing"],
        "support_tier": 2,
        "limits": {"email": {"cost": 20, "most": 5, "interruptible": True}},
    },
    "eve": {"queues": ["general"], "skills": {"german": 5}, "capacity": 60},
    "fay": {"queues": ["general"], "skills": {"german": 4}},
}
QUEUES: list[dict[str, object]] = [
    {
        "id": "general",
        "rank": 20,
        "order": "ageing",
        "ageing": "1m",
        "offer_timeout": "30s",
        "asked_at_once": 2,
    },
    {
        "id": "billing",
        "rank": 10,
        "reserve": 1,
        "order": "sla_urgency",
        "offer_mode": "auto",
        "wrap_up": "20s",
        "hours": {"weekly": dict.fromkeys(DAYS, HALF_OF_EACH_HOUR)},
        "closed_to": "general",
        "overflow": {"after": "2m", "to": "general"},
    },
    {"id": "shelf", "offer_mode": "pull"},
]
RULES: list[dict[str, object]] = [
    {
        "id": "german",
        "when": 'ticket.language == "de"',
        "queue": "general",
        "skills": {"german": 3},
        "steps": [
            {"after": "60s", "lower": {"german": 2}},
            {"after": "75s", "drop": ["german"], "raise_by": 1},
            {"after": "90s", "also": ["billing"], "expedite": True},
        ],
        "skip_if": "nobody_ready",
    },
    {
        "id": "bills",
        "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
        "queue": "billing",
        "preferred": {"german": 4},
    },
    {"id": "whenever", "when": 'ticket.priority == "low"', "queue": "shelf"},
]
DEFAULT = {"queue": "general", "tier_mode": "exact", "preferred_agent": {"agent": "bob", "wait": "40s"}}


ORDERS = ("ageing", "priority", "oldest", "score", "sla_urgency")
RANKINGS = ("longest_idle", "least_loaded", "round_robin", "best_match", "score")


def part(
    *,
    without: str | None = None,
    billing: bool = True,
    order: str = "ageing",
    ranking: str = "longest_idle",
    together_from: int = 0,
) -> RouterPart:
    """The configuration.

    without: somebody who is gone; billing: or everything is one queue; order, ranking: of the queue `general`
    together_from: from so many items and agents they are matched together; 0: never
    """
    limited = {} if billing else {"queues": ["general"], "ranks": {}}
    general = {**QUEUES[0], "order": order, "ranking": ranking}
    if order != "ageing":
        del general["ageing"]
    if ranking == "score":
        general["score"] = "agent.tier - agent.load"
    default: dict[str, object] = {"queue": "general", "tier_mode": "exact"}
    if without != "bob":
        default["preferred_agent"] = {"agent": "bob", "wait": "40s"}
    return RouterPart.model_validate(
        {
            "skills": ["german"],
            "matching": {"at_least": together_from},
            "agents": [{"id": name, **said, **limited} for name, said in AGENTS.items() if name != without],
            "queues": [general, *(QUEUES[1:] if billing else ())],
            "policy": {"rules": RULES if billing else [], "default": default},
        }
    )


@lru_cache(1024)
def configured(
    without: str | None, billing: bool, order: str, ranking: str, together_from: int
) -> tuple[RouterPart, inputs.Configure]:
    """A configuration as it is written, and what applies it."""
    written = part(without=without, billing=billing, order=order, ranking=ranking, together_from=together_from)
    return written, inputs.Configure(configuration=to_configuration(1, written))


names = st.sampled_from(NAMES)
agents = st.sampled_from(sorted(AGENTS))
ticket_facts = st.builds(
    facts,
    language=st.sampled_from(["en", "de"]),
    priority=st.sampled_from(list(Priority)),
    labels=st.sampled_from([{}, {"product": "bill"}]),
    channel_kind=st.sampled_from([ChannelKind.EMAIL, ChannelKind.CHAT, ChannelKind.VOICE]),
)


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


class DeskMachine(RuleBasedStateMachine):
    """Throws everything at one desk and checks it after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.order, self.ranking = "ageing", "longest_idle"
        self.together_from = 0

    @initialize(order=st.sampled_from(ORDERS), ranking=st.sampled_from(RANKINGS))
    def open(self, order: str, ranking: str) -> None:
        self.order, self.ranking = order, ranking
        self.configure()
        self.everybody_comes()

    def configure(self, *, without: str | None = None, billing: bool = True) -> None:
        self.apply(*configured(without, billing, self.order, self.ranking, self.together_from))

    def apply(self, part: RouterPart, current: inputs.Configure) -> None:
        """Applies a configuration. part: as it was written"""
        self.feed(current)

    def hand(self, current: inputs.Input) -> list[d.Decision]:
        """Gives the engine an input; what it decides."""
        return self.desk.feed(current)

    def status_of(self, name: str) -> TicketStatus | None:
        return self.desk.state.tickets[ticket_id(name)].status

    def feed(self, current: inputs.Input) -> None:
        before = repr(self.desk.state.items)
        try:
            made = self.hand(current)
        except DomainError:
            assert repr(self.desk.state.items) == before, "a refused command left a trace"
        else:
            self.nobody_got_less_than_what_they_serve_first(made)

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

    @rule(name=names, what=ticket_facts)
    def know(self, name: str, what: object) -> None:
        known = ticket_id(name) in self.desk.state.tickets and self.desk.state.tickets[ticket_id(name)].facts
        status = None if known else TicketStatus.NEW
        self.feed(inputs.TicketKnown(ticket_id=ticket_id(name), facts=what, status=status))  # type: ignore[arg-type] # built facts

    @rule(name=names, number=st.integers(1, 2), within=st.integers(0, 3), left=st.none() | st.integers(-5, 5))
    def promise(self, name: str, number: int, within: int, left: int | None) -> None:
        known = inputs.ClockKnown(
            ticket_id=ticket_id(name),
            clock_id=ticket_id(f"{name}/{number}"),
            metric=SlaMetric.FIRST_REPLY,
            at=self.desk.now,
            target=timedelta(minutes=within),
            due_at=None if left is None else self.desk.now + timedelta(minutes=left),
        )
        self.feed(known)

    @rule(name=names, status=st.sampled_from(list(TicketStatus)))
    def set_status(self, name: str, status: TicketStatus) -> None:
        ticket = self.desk.state.tickets.get(ticket_id(name))
        if ticket and ticket.facts and ticket.status is not TicketStatus.CLOSED:
            self.feed(inputs.TicketStatusSet(ticket_id=ticket_id(name), status=status))

    def in_hand(self) -> list[UUID]:
        """Tickets that somebody has, once they have taken what they are asked for."""
        self.everybody_accepts()
        items = self.desk.state.items.values()
        return sorted(item.ticket_id for item in items if item.agent_id is not None)

    @rule()
    def everybody_accepts(self) -> None:
        for offer_id, offer in sorted(self.desk.state.offers.items()):
            if offer_id in self.desk.state.offers:
                self.feed(inputs.AcceptOffer(offer_id=offer_id, agent_id=offer.agent_id))

    @rule(data=st.data(), status=st.sampled_from([TicketStatus.SOLVED, *TicketStatus]))
    def goes_on(self, data: st.DataObject, status: TicketStatus) -> None:
        if held := self.in_hand():
            ticket = data.draw(st.sampled_from(held))
            self.feed(inputs.TicketStatusSet(ticket_id=ticket, status=status))

    @rule(data=st.data(), is_reopened=st.booleans())
    def is_solved(self, data: st.DataObject, is_reopened: bool) -> None:
        if held := self.in_hand():
            ticket = data.draw(st.sampled_from(held))
            self.feed(inputs.TicketStatusSet(ticket_id=ticket, status=TicketStatus.SOLVED))
            self.feed(inputs.Complete(ticket_id=ticket, actor_id="boss"))
            if is_reopened:
                self.feed(inputs.TicketStatusSet(ticket_id=ticket, status=TicketStatus.OPEN))

    @rule(
        data=st.data(), queue=st.sampled_from([None, "general", "billing"]), call=st.sampled_from(["one", "other"])
    )
    def leaves_hand(self, data: st.DataObject, queue: str | None, call: str) -> None:
        if held := self.in_hand():
            ticket = data.draw(st.sampled_from(held))
            self.feed(inputs.CallEnded(ticket_id=ticket, call_id=ticket_id(call)))
            if queue is None:
                self.feed(inputs.Release(ticket_id=ticket, reason="r", actor_id="boss"))
            else:
                self.feed(inputs.Transfer(ticket_id=ticket, reason="r", actor_id="boss", queue=queue))

    @rule(name=names, what=ticket_facts, status=st.sampled_from(list(TicketStatus)))
    def snapshot(self, name: str, what: object, status: TicketStatus) -> None:
        self.feed(inputs.TicketKnown(ticket_id=ticket_id(name), facts=what, status=status))  # type: ignore[arg-type] # built facts
        assert self.status_of(name) is status

    @rule(what=st.lists(ticket_facts, min_size=3, max_size=len(NAMES)), comes=st.permutations(sorted(AGENTS)))
    def tickets_come_before_everybody_else(self, what: list[object], comes: list[str]) -> None:
        for agent_id in AGENTS:
            self.set_state(agent_id, AgentState.BUSY)
        for name, each in zip(NAMES, what, strict=False):
            self.snapshot(name, each, TicketStatus.NEW)
            self.wait(7)
        for agent_id in comes:
            self.set_state(agent_id, AgentState.AVAILABLE)

    @rule()
    def everybody_comes(self) -> None:
        for agent_id in AGENTS:
            self.set_state(agent_id, AgentState.AVAILABLE)

    @rule(agent_id=agents, state=st.sampled_from(list(AgentState)))
    def set_state(self, agent_id: str, state: AgentState) -> None:
        self.feed(inputs.SetAgentState(agent_id=agent_id, state=state, reason=None))

    @rule(data=st.data(), accepts=st.booleans())
    def answer(self, data: st.DataObject, accepts: bool) -> None:
        pending = sorted(self.desk.state.offers)
        if pending:
            offer = self.desk.state.offers[data.draw(st.sampled_from(pending))]
            if accepts:
                self.feed(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id=offer.agent_id))
            else:
                self.feed(inputs.DeclineOffer(offer_id=offer.offer_id, agent_id=offer.agent_id, reason="no"))

    @rule(name=names, call=st.sampled_from(["one", "other"]))
    def end_call(self, name: str, call: str) -> None:
        ticket = self.desk.state.tickets.get(ticket_id(name))
        if ticket and ticket.facts:
            self.feed(inputs.CallEnded(ticket_id=ticket_id(name), call_id=ticket_id(call)))

    @rule(agent_id=agents, comes=st.booleans())
    def stream(self, agent_id: str, comes: bool) -> None:
        connected, gone = inputs.Connected(agent_id=agent_id), inputs.Disconnected(agent_ids=(agent_id,))
        self.feed(connected if comes else gone)

    @invariant()
    def nobody_is_there_who_has_had_no_stream_for_too_long(self) -> None:
        for one in self.desk.state.agents.values():
            if one.disconnected_at is not None:
                assert not one.is_connected
                assert self.desk.now - one.disconnected_at < timedelta(seconds=60)
            assert one.lost_from is None or (one.state, one.reason) == (AgentState.AWAY, "connection_lost")

    @rule(agent_id=agents)
    def take_next(self, agent_id: str) -> None:
        self.feed(inputs.TakeNext(agent_id=agent_id))

    @rule(
        name=names,
        number=st.integers(1, 3),
        by=st.integers(0, 2),
        tier=st.sampled_from([None, 1, 2]),
        queue=st.sampled_from([None, "general", "billing", "gone"]),
        to=st.none() | agents,
        widen=st.booleans(),
    )
    def escalate(
        self, name: str, number: int, by: int, tier: int | None, queue: str | None, to: str | None, widen: bool
    ) -> None:
        raised = Raised(
            escalation_id=ticket_id(f"e{name}{number}"),
            support_tier=tier,
            raise_by=by,
            queue=queue,
            agent_id=to,
            widen=widen,
        )
        item = self.desk.state.live_item(ticket_id(name))
        left = item.departures if item else ()
        count = len(self.desk.decisions)
        self.feed(inputs.EscalationRaised(ticket_id=ticket_id(name), raised=raised))
        for made in self.desk.decisions[count:]:
            if isinstance(made, d.WorkRequeued) and made.escalation_id is not None:
                place = made.base.queue, made.base.support_tier
                assert place not in [
                    (each.queue, each.support_tier) for each in left if each.escalation_id != made.escalation_id
                ], "an escalation brought it back"
        asked = by or tier or queue or to or widen
        known = self.desk.state.tickets.get(ticket_id(name))
        if asked and known is not None and known.facts is not None:
            assert len(self.desk.decisions) > count, "an escalation left no record"

    @rule(name=names, to=agents)
    def assign(self, name: str, to: str) -> None:
        self.feed(inputs.Assign(ticket_id=ticket_id(name), agent_id=to, actor_id="boss"))

    @rule(name=names, queue=st.sampled_from(["general", "billing"]))
    def transfer(self, name: str, queue: str) -> None:
        self.feed(inputs.Transfer(ticket_id=ticket_id(name), reason="r", actor_id="boss", queue=queue))

    @rule(name=names, to=agents)
    def pass_on(self, name: str, to: str) -> None:
        self.feed(inputs.Transfer(ticket_id=ticket_id(name), reason="r", actor_id="boss", agent_id=to))

    @rule(name=names)
    def release(self, name: str) -> None:
        self.feed(inputs.Release(ticket_id=ticket_id(name), reason="r", actor_id="boss"))

    @rule(seconds=st.integers(1, 25) | st.integers(1, 1200))
    def wait(self, seconds: int) -> None:
        self.desk.now += timedelta(seconds=seconds)
        self.feed(inputs.Tick())

    @rule(without=agents)
    def reconfigure(self, without: str) -> None:
        self.configure(without=without)
        self.configure()
        self.set_state(without, AgentState.AVAILABLE)

    @rule(without=agents)
    def close_billing(self, without: str) -> None:
        self.configure(without=without, billing=False)
        for item in self.desk.state.items.values():
            assert not item.is_waiting or item.requirements.queue == "general"
        self.configure()
        self.set_state(without, AgentState.AVAILABLE)

    def waits_for_agents(self, item: WorkItem) -> bool:
        most = 2 if item.requirements.queue == "general" else 1
        return item.state is WorkState.QUEUED or (item.state is WorkState.OFFERED and len(item.offers) < most)

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
            assert found.only is not None or sum(found.unfit.values()) == len(state.agents) - len(fits)
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

    def teardown(self) -> None:
        """The same inputs with the same times and seeds lead to the same decisions."""
        again = Desk().state
        replayed = [
            decision
            for current, now, seed in self.desk.log
            for decision in run(again, current, now, SeededIds(seed, now))
        ]
        assert replayed == self.desk.decisions
