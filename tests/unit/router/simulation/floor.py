"""A support floor in virtual time: the pure engine under Poisson arrivals, everything offered is taken at once.

Queueing theory knows what must come out. One run is one seed; what several independent runs found lies around
the true value as Student's t says. `WAYPOST_SIMULATION=10` makes every run ten times as long.
"""

import math
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from random import Random
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import AgentProfile
from services.router.domain.configuration import Configuration
from services.router.domain.engine import run
from services.router.domain.facts import Facts
from services.router.domain.queue import OfferMode, Queue
from services.router.domain.state import RoutingState, Touched
from shared.ids import SeededIds
from shared.vocabulary import AgentState, ChannelKind, Priority, SlaMetric, TicketStatus, WorkState
from tests.unit.router.domain.desk import START, agent, configuration, facts

SCALE = float(os.environ.get("WAYPOST_SIMULATION", "1"))
IS_LONG = SCALE >= 10
"""Whether there is time for what a short run cannot tell."""
_WARM_UP = 0.1
"""The share of arrivals that are not counted: a run begins with an empty floor."""

_T_999 = {3: 12.924, 4: 8.610, 5: 6.869, 7: 5.408, 9: 4.781, 11: 4.437, 15: 4.073, 19: 3.883}
"""Student's t by degrees of freedom: 99.9 % lie within."""

Service = Callable[[Random, str, str], float]
"""How many minutes a contact of this stream takes this agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Contacts of one kind: a Poisson process of so many a minute.

    promise: within how many minutes they are told that somebody answers
    """

    name: str
    rate: float
    facts: Facts
    promise: float | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A contact that was taken: how many minutes it had waited, by whom, and how many had waited when it came."""

    stream: str
    agent_id: str
    wait: float
    ahead: int = 0


@dataclass(slots=True)
class Outcome:
    """What one run found, its warm-up left out.

    minutes: how long it was watched; busy: agent -> minutes of that with a contact
    """

    served: list[Served] = field(default_factory=list)
    arrived: int = 0
    blocked: int = 0
    minutes: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)

    def waits(self, stream: str | None = None) -> list[float]:
        """Minutes waited, of one stream or of all."""
        return [each.wait for each in self.served if stream in (None, each.stream)]

    def mean_wait(self, stream: str | None = None) -> float:
        """Mean minutes waited."""
        return statistics.fmean(self.waits(stream))

    def waited(self, longer_than: float = 0.0) -> float:
        """The share of contacts that waited longer than so many minutes."""
        return statistics.fmean(each.wait > longer_than for each in self.served)

    def line(self) -> float:
        """How many contacts wait in the mean (Little's law)."""
        return sum(self.waits()) / self.minutes

    def longest_wait_of(self, share: float) -> float:
        """How many minutes this share of contacts waited at most."""
        waits = sorted(self.waits())
        return waits[math.ceil(share * len(waits)) - 1]

    def idle(self, agents: Sequence[str]) -> float:
        """The share of their time that these agents were idle."""
        return 1 - statistics.fmean(self.busy.get(agent_id, 0.0) for agent_id in agents) / self.minutes


class Floor:
    """One run.

    room: so many contacts may wait, the next is turned away; none: any number
    first: so many contacts come in at once: a floor that begins with its mean load needs less of a warm-up
    """

    def __init__(
        self,
        setup: Configuration,
        streams: Sequence[Stream],
        service: Service,
        *,
        seed: int,
        room: int | None = None,
        first: int = 0,
    ) -> None:
        self.outcome = Outcome()
        self.minute = 0.0
        self._streams = streams
        self._service = service
        self._room = room
        self._first = first
        self._random = Random(seed)
        self._ids = SeededIds(seed.to_bytes(8, "big"), START)
        self._state = RoutingState("floor", setup)
        self._ends: list[tuple[float, int]] = []
        self._stream_of: dict[int, str] = {}
        self._waiting: dict[int, float] = {}
        self._ahead: dict[int, int] = {}
        self._dice: dict[int, int] = {}
        """Contact -> what its service draws from, so that runs of one seed see the same contacts in any order."""
        self._at_work: dict[int, tuple[str, float]] = {}
        """Contact -> its agent, and since when."""
        self._counts_from = math.inf
        self._is_over = False
        self._feed(inputs.Configure(configuration=setup))
        for agent_id in setup.agents:
            self._feed(inputs.SetAgentState(agent_id=agent_id, state=AgentState.AVAILABLE, reason=None))

    def run(self, arrivals: int) -> Outcome:
        """So many contacts come in, those turned away and those of the warm-up among them."""
        rates = [stream.rate for stream in self._streams]
        for number in range(1, arrivals + 1):
            at = self.minute + (self._random.expovariate(sum(rates)) if number > self._first else 0.0)
            while self._ends and self._ends[0][0] <= at:
                self._end(*heappop(self._ends))
            self.minute = at
            if number > arrivals * _WARM_UP:
                self._counts_from = min(self._counts_from, at)
            self._arrive(number, self._random.choices(self._streams, rates)[0])
        self.outcome.minutes = self.minute - self._counts_from
        for agent_id, since in self._at_work.values():
            self._count_work(agent_id, since)
        self._is_over = True
        while self._waiting:
            self._end(*heappop(self._ends))
        return self.outcome

    def _arrive(self, number: int, stream: Stream) -> None:
        self._stream_of[number] = stream.name
        self._ahead[number] = len(self._waiting)
        self._waiting[number] = self.minute
        self._dice[number] = self._random.getrandbits(32)
        self._feed(inputs.TicketKnown(ticket_id=UUID(int=number), facts=stream.facts, status=TicketStatus.NEW))
        if stream.promise is not None and number in self._waiting:
            self._promise(number, timedelta(minutes=stream.promise))
        counts = self.minute >= self._counts_from
        self.outcome.arrived += counts
        if self._room is not None and len(self._waiting) > self._room:
            self.outcome.blocked += counts
            del self._waiting[number]
            self._forget(number, TicketStatus.CLOSED)

    def _promise(self, number: int, target: timedelta) -> None:
        now = START + timedelta(minutes=self.minute)
        clock = inputs.ClockKnown(
            ticket_id=UUID(int=number),
            clock_id=UUID(int=number),
            metric=SlaMetric.FIRST_REPLY,
            at=now,
            target=target,
            due_at=now + target,
        )
        self._feed(clock)

    def _end(self, at: float, number: int) -> None:
        self.minute = at
        agent_id, since = self._at_work.pop(number)
        if not self._is_over:
            self._count_work(agent_id, since)
        self._forget(number, TicketStatus.SOLVED)

    def _forget(self, number: int, final: TicketStatus) -> None:
        self._feed(inputs.TicketStatusSet(ticket_id=UUID(int=number), status=final))
        del self._state.tickets[UUID(int=number)]
        del self._stream_of[number], self._dice[number], self._ahead[number]

    def _feed(self, current: inputs.Input) -> None:
        now = START + timedelta(minutes=self.minute)
        for made in run(self._state, current, now, self._ids):
            if isinstance(made, d.WorkAssigned):
                item = self._state.items[made.work_id]
                assert item.state is WorkState.ASSIGNED
                self._take(item.ticket_id.int, made.agent_id)
        self._state.touched = Touched()

    def _take(self, number: int, agent_id: str) -> None:
        stream, came_at = self._stream_of[number], self._waiting.pop(number)
        duration = self._service(Random(self._dice[number]), stream, agent_id)
        heappush(self._ends, (self.minute + duration, number))
        self._at_work[number] = agent_id, self.minute
        if came_at >= self._counts_from:
            self.outcome.served.append(Served(stream, agent_id, self.minute - came_at, self._ahead[number]))

    def _count_work(self, agent_id: str, since: float) -> None:
        spent = max(0.0, self.minute - max(since, self._counts_from))
        self.outcome.busy[agent_id] = self.outcome.busy.get(agent_id, 0.0) + spent


def staff(count: int, prefix: str = "agent", **changes: object) -> list[AgentProfile]:
    """Agents who do one thing at a time: everything on this floor is a call."""
    return [agent(f"{prefix}-{number:03}", **changes) for number in range(count)]


def call(priority: Priority = Priority.NORMAL, **changes: object) -> Facts:
    """A call's facts: it takes all that an agent has."""
    return facts(channel="phone", channel_kind=ChannelKind.VOICE, priority=priority, **changes)


def setup(agents: Sequence[AgentProfile], **queue: object) -> Configuration:
    """These agents and the queue `general`, whose items are simply given out."""
    plain: dict[str, object] = {"queue_id": "general", "offer_mode": OfferMode.AUTO}
    return configuration(agents, queues=[Queue(**{**plain, **queue})])  # type: ignore[arg-type] # a builder's overrides


def twice_as_fast(random: Random, stream: str, _agent: str) -> float:
    """Half a minute for contacts of the stream `fast`, a minute for others, in the mean."""
    return random.expovariate(2 if stream == "fast" else 1)


def exponential(rate: float) -> Service:
    """Contacts take 1/rate minutes in the mean, whoever has them."""
    return lambda random, _stream, _agent: random.expovariate(rate)


def runs(count: int, once: Callable[[int, int], Outcome], arrivals: int) -> list[Outcome]:
    """Independent runs: once(seed, arrivals) for so many seeds."""
    return [once(seed, round(arrivals * SCALE)) for seed in range(1, count + 1)]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the true mean lies with 99.9 % certainty, as so many independent runs found."""
    mean = statistics.fmean(values)
    half = _T_999[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def holds(values: Sequence[float], exact: float) -> bool:
    """Whether an exact value lies in the interval of what runs found."""
    low, high = interval(values)
    return low <= exact <= high


def overlaps(values: Sequence[float], low: float, high: float) -> bool:
    """Whether what runs found may be what another simulation found."""
    mine = interval(values)
    return mine[0] <= high and low <= mine[1]
