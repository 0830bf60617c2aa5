"""A support office on a virtual clock: tickets arrive, agents answer offers and solve what they took."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any
from uuid import UUID

from services.router.app.configuration import RouterPart
from services.router.domain import inputs
from services.router.domain.due import next_due_at
from shared.events.tickets import CustomerFacts, TicketFacts, TicketOpenedV1, TicketStatusChangedV1
from shared.vocabulary import ActorKind, AgentState, ChannelKind, Priority, TicketStatus
from tests.unit.router.domain.desk import START, ticket_id
from tests.unit.router.memory import Hall

QUEUES = ("general", "billing", "chat")


def part(agents: int) -> RouterPart:
    """Three queues, of which each agent serves two."""
    return RouterPart.model_validate(
        {
            "skills": ["german"],
            "queues": [
                {"id": "general", "offer_timeout": "60s"},
                {"id": "billing", "rank": 10, "offer_timeout": "60s", "ranking": "least_loaded"},
                {"id": "chat", "rank": 5, "offer_mode": "auto", "ranking": "round_robin", "wrap_up": "30s"},
            ],
            "agents": [agent(number) for number in range(agents)],
            "policy": {
                "rules": [
                    {"id": "chats", "when": 'ticket.channel == "web"', "queue": "chat"},
                    {
                        "id": "bills",
                        "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
                        "queue": "billing",
                    },
                    {
                        "id": "german",
                        "when": 'ticket.language == "de"',
                        "queue": "general",
                        "skills": {"german": 3},
                        "steps": [{"after": "10m", "drop": ["german"]}],
                    },
                ],
                "default": {"queue": "general"},
            },
        }
    )


def agent(number: int) -> dict[str, Any]:
    """One of them; every second speaks German."""
    return {
        "id": f"a{number:03}",
        "queues": [QUEUES[number % 3], QUEUES[(number + 1) % 3]],
        "skills": {"german": 4} if number % 2 else {},
    }


@dataclass
class Office:
    """What goes on in it. every_s: between two tickets; handling_s: from assigned to solved, in the mean."""

    hall: Hall
    agents: int
    every_s: float
    handling_s: float
    dice: Random = field(default_factory=lambda: Random(11))
    coming: list[tuple[datetime, int, Callable[[], Awaitable[object]]]] = field(default_factory=list)
    count: int = 0
    asked: set[UUID] = field(default_factory=set)
    taken: set[tuple[UUID, datetime]] = field(default_factory=set)

    async def open(self) -> None:
        """Configures it; everybody comes to work."""
        await self.hall.configured(part(self.agents))
        for number in range(self.agents):
            self.hall.now_ += timedelta(seconds=1)
            await self.hall.asked(_is(number, AgentState.AVAILABLE))

    async def work(self, tickets: int) -> None:
        """Serves so many tickets, and goes on until all of them are solved."""
        at = self.hall.now_
        for number in range(tickets):
            at += timedelta(seconds=self.dice.expovariate(1 / self.every_s))
            self.expect(at, self._arrival(number))
            if number % 50 == 25:
                self.expect(at, self._absence(self.dice.randrange(self.agents)))
        while True:
            due_at = next_due_at(self.hall.state)
            if self.coming and (due_at is None or self.coming[0][0] <= due_at):
                next_at, _, happen = heappop(self.coming)
                self.hall.now_ = max(self.hall.now_, next_at)
                await happen()
            elif due_at is not None:
                # A process comes to its timers a little late.
                self.hall.now_ = max(self.hall.now_, due_at + timedelta(milliseconds=self.dice.randint(0, 30)))
                await self.hall.asked()
            else:
                return
            self._look()

    def _look(self) -> None:
        """Whoever was asked will answer, whoever got something will solve it."""
        state, now = self.hall.state, self.hall.now_
        for offer in state.offers.values():
            if offer.offer_id not in self.asked:
                self.asked.add(offer.offer_id)
                after = self.dice.lognormvariate(2, 0.7)
                self.expect(now + timedelta(seconds=after), self._reply(offer.offer_id, offer.agent_id))
        for one in state.agents.values():
            for work_id in one.work:
                item = state.items[work_id]
                assert item.assigned_at is not None
                key = (work_id, item.assigned_at)
                if key not in self.taken:
                    self.taken.add(key)
                    after = self.dice.expovariate(1 / self.handling_s)
                    self.expect(now + timedelta(seconds=after), self._solve(item.ticket_id))

    def _arrival(self, number: int) -> Callable[[], Awaitable[object]]:
        facts = TicketFacts(
            channel=self.dice.choice(["mail", "mail", "web"]),
            channel_kind=self.dice.choice([ChannelKind.EMAIL, ChannelKind.CHAT]),
            customer=CustomerFacts(customer_id=UUID(int=1), tier="standard"),
            labels={"product": "bill"} if number % 3 == 0 else {},
            priority=self.dice.choice(list(Priority)),
            language=self.dice.choice(["de", "en"]),
        )
        opened = TicketOpenedV1(
            ticket_id=ticket_id(f"t{number}"),
            ticket_number=number + 1,
            facts=facts,
            opened_by=ActorKind.CUSTOMER,
            received_at=START,
        )
        return lambda: self.hall.happens(opened)

    def _reply(self, offer_id: UUID, agent_id: str) -> Callable[[], Awaitable[object]]:
        if self.dice.random() < 0.05:
            return lambda: self.hall.asked(
                inputs.DeclineOffer(offer_id=offer_id, agent_id=agent_id, reason="busy")
            )
        return lambda: self.hall.asked(inputs.AcceptOffer(offer_id=offer_id, agent_id=agent_id))

    def _solve(self, about: UUID) -> Callable[[], Awaitable[object]]:
        if self.dice.random() < 0.05:
            again = timedelta(seconds=self.dice.expovariate(1 / 3600))

            async def solve_and_reopen() -> None:
                await self.hall.happens(_status(about, TicketStatus.SOLVED))
                self.expect(self.hall.now_ + again, lambda: self.hall.happens(_status(about, TicketStatus.OPEN)))

            return solve_and_reopen
        return lambda: self.hall.happens(_status(about, TicketStatus.SOLVED))

    def _absence(self, number: int) -> Callable[[], Awaitable[object]]:
        async def leave() -> None:
            await self.hall.asked(_is(number, AgentState.AWAY))
            back = self.hall.now_ + timedelta(minutes=10)
            self.expect(back, lambda: self.hall.asked(_is(number, AgentState.AVAILABLE)))

        return leave

    def expect(self, at: datetime, happen: Callable[[], Awaitable[object]]) -> None:
        self.count += 1
        heappush(self.coming, (at, self.count, happen))


def _is(number: int, state: AgentState) -> inputs.SetAgentState:
    return inputs.SetAgentState(agent_id=f"a{number:03}", state=state, reason=None)


def _status(about: UUID, status: TicketStatus) -> TicketStatusChangedV1:
    return TicketStatusChangedV1(
        ticket_id=about,
        previous=TicketStatus.NEW,
        status=status,
        cause="set",
        actor_kind=ActorKind.AGENT,
    )
