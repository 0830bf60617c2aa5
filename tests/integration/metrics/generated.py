"""Days of a desk, made up from a seed: the same seed gives the same history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import TypeVar

from shared.events.catalog import TOPIC_OF
from shared.events.contract import Contract
from shared.events.envelope import Event
from shared.vocabulary import AgentActivity, AgentState, AuthorKind, SlaMetric, SurveyKind, TicketStatus, WorkState
from tests.scribe import Scribe

T = TypeVar("T")

QUEUES = ("billing", "sales", "support")
CHANNELS = ("email", "chat", "api")
AGENTS = tuple(f"agent-{number}" for number in range(8))
METRICS = (SlaMetric.FIRST_REPLY, SlaMetric.TOTAL_RESOLUTION)


class Dice:
    """Draws that follow from a seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._rolls = count()

    def below(self, limit: int) -> int:
        digest = blake2b(f"{self._seed}/{next(self._rolls)}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % limit

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]


def desk(workspace_id: str, *, tickets: int, until: datetime, hours: int = 50, seed: str = "1") -> Scribe:
    """A workspace with so many tickets opened in the hours before `until`. Nothing happens after it."""
    scribe = Scribe(workspace_id)
    dice = Dice(f"{seed}/{workspace_id}")
    _agents(scribe, dice, until - timedelta(hours=hours), until)
    for number in range(tickets):
        # Most of it lately, so that every window has something to say.
        back = timedelta(hours=hours) if dice.chance(50) else timedelta(minutes=70)
        opened_at = until - back * (dice.below(10**6) / 10**6) - timedelta(microseconds=number)
        _Ticket(scribe, dice, f"{workspace_id}/{number}", opened_at, until).live()
    return scribe


def _agents(scribe: Scribe, dice: Dice, since: datetime, until: datetime) -> None:
    for agent in AGENTS:
        queues = [queue for queue in QUEUES if dice.chance(60)]
        scribe.agent(agent, since, queues=queues, tier=1 + dice.below(2), removed=agent == AGENTS[-1])
        for step in range(dice.below(5)):
            at = since + (until - since) * (step + 1) / 6
            state, activity = dice.pick(list(AgentState)), dice.pick(list(AgentActivity))
            scribe.state(agent, at, state, activity, is_on_duty=dice.pick([True, True, False, None]))


class _Ticket:
    """One ticket's way."""

    def __init__(self, scribe: Scribe, dice: Dice, name: str, opened_at: datetime, until: datetime) -> None:
        self.scribe, self.dice, self.name, self.at, self.until = scribe, dice, name, opened_at, until
        self.queue = dice.pick(QUEUES)
        self.tier = 1 + dice.below(3)
        self.agent = dice.pick(AGENTS)
        self.works = count()
        self.work = f"{name}/work-0"

    def step(self, minutes: int) -> bool:
        """Goes on by up to so many minutes. False where that is after the end of all."""
        self.at += timedelta(minutes=minutes) * ((1 + self.dice.below(1000)) / 1000) + timedelta(microseconds=7)
        return self.at <= self.until

    def live(self) -> None:
        scribe, dice, name = self.scribe, self.dice, self.name
        labels = {"spam": "true"} if dice.chance(4) else {}
        scribe.opened(name, self.at, channel=dice.pick(CHANNELS), labels=labels)
        if dice.chance(97) and self.step(1) and self.enter() and dice.chance(90) and self.step(20):
            self.assign()
            if dice.chance(85) and self.step(30):
                self.talk()
            if dice.chance(10) and self.step(1):
                scribe.updated(name, self.at, channel=dice.pick(CHANNELS), labels=labels)
            if dice.chance(4) and self.step(1):
                scribe.merged(name, self.at, "another")
                return
            if dice.chance(70) and self.step(240):
                self.solve()

    def enter(self) -> bool:
        self.work = f"{self.name}/work-{next(self.works)}"
        self.scribe.queued(self.name, self.at, queue=self.queue, tier=self.tier, work=self.work)
        if self.dice.chance(25) and self.step(5):
            moved = self.dice.pick(QUEUES)
            self.scribe.requeued(
                self.name,
                self.at,
                previous=WorkState.OFFERED,
                previous_queue=self.queue,
                queue=moved,
                tier=self.tier,
                work=self.work,
            )
            self.queue = moved
        return True

    def assign(self) -> None:
        self.scribe.assigned(
            self.name, self.at, agent=self.agent, queue=self.queue, tier=self.tier, work=self.work
        )

    def talk(self) -> None:
        scribe, dice, name = self.scribe, self.dice, self.name
        if dice.chance(20):
            scribe.replied(name, self.at, kind=AuthorKind.BOT, agent=None)
            if not self.step(5):
                return
        scribe.replied(name, self.at, agent=self.agent)
        if dice.chance(75):
            scribe.met(name, self.at, elapsed_s=dice.below(4000))
        else:
            breach = scribe.breached(name, self.at, queue=self.queue, agent=self.agent, late=timedelta())
            if dice.chance(30):
                scribe.withdrawn(name, self.at, breach)
                scribe.met(name, self.at, elapsed_s=dice.below(4000))

    def solve(self) -> None:
        scribe, dice, name = self.scribe, self.dice, self.name
        scribe.went(name, self.at, TicketStatus.OPEN, TicketStatus.SOLVED, agent=self.agent)
        scribe.completed(
            name, self.at + timedelta(microseconds=1), agent=self.agent, queue=self.queue, work=self.work
        )
        if dice.chance(60):
            scribe.met(name, self.at, metric=SlaMetric.TOTAL_RESOLUTION, elapsed_s=dice.below(9000))
        if dice.chance(40) and self.step(60):
            self.rate()
        if dice.chance(25) and self.step(60):
            scribe.asked(name, self.at)
            scribe.went(name, self.at, TicketStatus.SOLVED, TicketStatus.OPEN, agent=None, cause="reopen")
            if self.step(1):
                self.enter()
                if dice.chance(60) and self.step(30):
                    self.agent = dice.pick(AGENTS)
                    self.assign()
                    if dice.chance(60) and self.step(60):
                        scribe.went(name, self.at, TicketStatus.OPEN, TicketStatus.SOLVED, agent=self.agent)

    def rate(self) -> None:
        """The customer says how it was, and some think better of it."""
        dice = self.dice
        kind, least, scale = dice.pick([(SurveyKind.CSAT, 1, 5), (SurveyKind.NPS, 0, 10)])
        for revision in (1, 2):
            score = least + dice.below(scale + 1 - least)
            self.scribe.rated(
                self.name, self.at, score, kind=kind, scale=scale, agent=self.agent, revision=revision
            )
            if not (dice.chance(30) and self.step(10)):
                return


def as_delivered(events: Sequence[Event], seed: str, pieces: int) -> list[list[Event]]:
    """The same events as a broker may bring them.

    Topics run ahead of each other, subjects of a topic mix, and much comes twice; each subject keeps its order.
    """
    dice = Dice(seed)
    topics: dict[str, dict[str, list[Event]]] = {}
    for event in events:
        assert isinstance(event.data, Contract)
        topics.setdefault(TOPIC_OF[type(event.data)].name, {}).setdefault(event.subject, []).append(event)
    queues = {topic: _mixed(subjects, dice) for topic, subjects in topics.items()}
    sizes = {topic: -(-len(queue) // pieces) for topic, queue in queues.items()}
    result: list[list[Event]] = []
    while queues:
        topic = dice.pick(sorted(queues))
        size = sizes[topic]
        piece, queues[topic] = queues[topic][:size], queues[topic][size:]
        if not queues[topic]:
            del queues[topic]
        result.append(piece)
        if dice.chance(50):
            again = dice.pick(result)
            result.append(again[dice.below(len(again)) :])
    return result


def _mixed(subjects: dict[str, list[Event]], dice: Dice) -> list[Event]:
    """Neighbouring subjects interleaved, each in its order."""
    waiting = [list(reversed(events)) for events in subjects.values()]
    open_: list[list[Event]] = []
    mixed: list[Event] = []
    while waiting or open_:
        while waiting and len(open_) < 50:
            open_.append(waiting.pop())
        chosen = dice.below(len(open_))
        mixed.append(open_[chosen].pop())
        if not open_[chosen]:
            del open_[chosen]
    return mixed
