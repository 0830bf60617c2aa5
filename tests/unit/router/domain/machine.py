"""Everything that can happen to a desk."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from services.router.app.configuration import RouterPart
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.engine import run
from services.router.domain.work_item import Raised
from shared.errors import DomainError
from shared.ids import SeededIds
from shared.vocabulary import AgentState, ChannelKind, Priority, SlaMetric, TicketStatus
from tests.unit.router.domain.desk import Desk, facts, ticket_id
from tests.unit.router.domain.invariants import CheckedDesk
from tests.unit.router.domain.offices import AGENTS, ORDERS, RANKINGS, configured, without_agent

NAMES = [f"t{number}" for number in range(8)]

names = st.sampled_from(NAMES)
agents = st.sampled_from(sorted(AGENTS))
ticket_facts = st.builds(
    facts,
    language=st.sampled_from(["en", "de"]),
    priority=st.sampled_from(list(Priority)),
    labels=st.sampled_from([{}, {"product": "bill"}]),
    channel_kind=st.sampled_from([ChannelKind.EMAIL, ChannelKind.CHAT, ChannelKind.VOICE]),
)


class DeskMachine(CheckedDesk):
    """Throws everything at one desk."""

    def __init__(self) -> None:
        super().__init__()
        self.order, self.ranking = "ageing", "longest_idle"
        self.together_from = 0

    @initialize(order=st.sampled_from(ORDERS), ranking=st.sampled_from(RANKINGS))
    def open(self, order: str, ranking: str) -> None:
        self.order, self.ranking = order, ranking
        self.configure()
        self.everybody_comes()

    def configure(self, *, without: str | None = None, billing: bool = True) -> None:
        self.apply(*configured(without, billing, self.order, self.ranking, self.together_from))

    def apply(self, part: RouterPart, current: inputs.Configure | inputs.ConfigureAgents) -> None:
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

    @rule(name=st.sampled_from(sorted(AGENTS.keys() - {"bob"})), which=st.lists(st.integers(0, 2), max_size=3))
    def one_changes(self, name: str, which: list[int]) -> None:
        versions = without_agent(name, self.order, self.ranking, self.together_from)
        for number in (*which, 2):
            self.apply(*versions[number])
            self.set_state(name, AgentState.AVAILABLE)

    @rule(without=agents)
    def close_billing(self, without: str) -> None:
        self.configure(without=without, billing=False)
        for item in self.desk.state.items.values():
            assert not item.is_waiting or item.requirements.queue == "general"
        self.configure()
        self.set_state(without, AgentState.AVAILABLE)

    def teardown(self) -> None:
        """The same inputs with the same times and seeds lead to the same decisions."""
        again = Desk().state
        replayed = [
            decision
            for current, now, seed in self.desk.log
            for decision in run(again, current, now, SeededIds(seed, now))
        ]
        assert replayed == self.desk.decisions
