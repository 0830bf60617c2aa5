"""A support desk in memory: the engine with a clock that the test moves and seeds that follow from its steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import DEFAULT_PRESENCE, AgentProfile, ChannelLimit, Presence
from services.router.domain.configuration import Configuration, Matching
from services.router.domain.engine import run
from services.router.domain.facts import Facts
from services.router.domain.floor_decision import SetAside
from services.router.domain.partner import Partner, partner_id
from services.router.domain.policy import Policy, Requirements, Rule
from services.router.domain.queue import Queue
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Offer, WorkItem
from shared.calendar import Calendar
from shared.ids import SeededIds
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_NAMES = UUID("01890000-0000-7000-8000-000000000000")


def ticket_id(name: str) -> UUID:
    """The id of a ticket that a test calls so."""
    return uuid5(_NAMES, name)


def facts(**changes: object) -> Facts:
    """A dull ticket's facts."""
    plain: dict[str, object] = {
        "channel": "mail",
        "channel_kind": ChannelKind.EMAIL,
        "priority": Priority.NORMAL,
        "labels": {},
        "language": "en",
        "customer_tier": "standard",
        "customer_language": None,
        "organisation_id": None,
    }
    return Facts(**{**plain, **changes})  # type: ignore[arg-type] # a builder's overrides


def agent(name: str, **changes: object) -> AgentProfile:
    """An agent of tier 1 in the queue `general`."""
    plain: dict[str, object] = {"agent_id": name, "name": name, "queues": frozenset({"general"})}
    return AgentProfile(**{**plain, **changes})  # type: ignore[arg-type] # a builder's overrides


def partner(
    queue: str,
    *,
    fallback: str = "general",
    most: int = 2,
    done_within: timedelta | None = None,
    url: str = "https://vendor.example/",
    secret: str = "sealed:one",
) -> AgentProfile:
    """The partner that a queue stands for, as the configuration makes it."""
    return AgentProfile(
        agent_id=partner_id(queue),
        name=queue,
        queues=frozenset({queue}),
        capacity=most,
        limits={kind: ChannelLimit(cost=1, most=most) for kind in ChannelKind},
        partner=Partner(queue=queue, fallback=fallback, done_within=done_within, url=url, secret=secret),
    )


def general(**changes: object) -> Rule:
    """The rule that sends everything to the queue `general`."""
    plain: dict[str, object] = {
        "rule_id": "everything",
        "condition": None,
        "requirements": Requirements(queue="general"),
    }
    return Rule(**{**plain, **changes})  # type: ignore[arg-type] # a builder's overrides


def configuration(
    agents: Sequence[AgentProfile],
    *,
    rules: Sequence[Rule] = (),
    queues: Sequence[Queue] = (Queue(queue_id="general"),),
    version: int = 1,
    calendars: Mapping[str, Calendar] | None = None,
    presence: Presence = DEFAULT_PRESENCE,
    matching: Matching | None = None,
    reopened_wait: timedelta = timedelta(),
) -> Configuration:
    """Agents, queues and rules; `everything` goes to `general` unless other rules are given."""
    return Configuration(
        version=version,
        agents={profile.agent_id: profile for profile in agents},
        queues={queue.queue_id: queue for queue in queues},
        policy=Policy(version=version, rules=tuple(rules) or (general(),), reopened_wait=reopened_wait),
        calendars=calendars or {},
        presence=presence,
        matching=matching,
    )


def no_defects(timers: Iterable[tuple[str, SetAside]]) -> None:
    """Raises what kept a timer from being decided."""
    for _, timer in timers:
        raise timer.error


@dataclass
class Desk:
    """Feeds inputs to one workspace's engine and keeps what it decided."""

    state: RoutingState = field(
        default_factory=lambda: RoutingState(
            "acme", Configuration(version=0, agents={}, queues={}, policy=Policy(version=0, rules=(general(),)))
        )
    )
    now: datetime = START
    log: list[tuple[inputs.Input, datetime, bytes]] = field(default_factory=list)
    decisions: list[d.Decision] = field(default_factory=list)

    @classmethod
    def of(cls, *agents: AgentProfile, available: bool = True, **parts: object) -> "Desk":
        """A desk with these agents, all available unless said otherwise."""
        desk = cls()
        desk.configure(*agents, **parts)
        if available:
            for profile in agents:
                desk.set_state(profile.agent_id)
        return desk

    def configure(self, *agents: AgentProfile, **parts: object) -> list[d.Decision]:
        """Another configuration holds."""
        return self.feed(inputs.Configure(configuration=configuration(agents, **parts)))  # type: ignore[arg-type] # a builder's

    def feed(self, current: inputs.Input) -> list[d.Decision]:
        """Runs one input; a refused command raises and leaves no trace."""
        seed = len(self.log).to_bytes(8, "big")
        made = list(run(self.state, current, self.now, SeededIds(seed, self.now)))
        no_defects(("", each) for each in made if isinstance(each, SetAside))
        self.log.append((current, self.now, seed))
        self.decisions.extend(made)
        return made

    def after(self, **duration: float) -> list[d.Decision]:
        """Lets time pass and what becomes due happen."""
        self.now += timedelta(**duration)
        return self.feed(inputs.Tick())

    def open(self, name: str, **changes: object) -> list[d.Decision]:
        """A ticket comes in."""
        return self.feed(
            inputs.TicketKnown(ticket_id=ticket_id(name), facts=facts(**changes), status=TicketStatus.NEW)
        )

    def status(self, name: str, status: TicketStatus) -> list[d.Decision]:
        """A ticket's status changes."""
        return self.feed(inputs.TicketStatusSet(ticket_id=ticket_id(name), status=status))

    def set_state(self, agent_id: str, state: AgentState = AgentState.AVAILABLE) -> list[d.Decision]:
        """An agent becomes something; each a second after the other, so that who idles longest is known."""
        self.now += timedelta(seconds=1)
        return self.feed(inputs.SetAgentState(agent_id=agent_id, state=state, reason=None))

    def item(self, name: str) -> WorkItem:
        """The live work item of a ticket."""
        found = self.state.live_item(ticket_id(name))
        assert found is not None, f"no live work on {name}"
        return found

    def offers(self, agent_id: str) -> list[Offer]:
        """An agent's pending offers."""
        return [self.state.offers[offer_id] for offer_id in sorted(self.state.agents[agent_id].offers)]

    def accept(self, agent_id: str) -> list[d.Decision]:
        """The agent takes what is offered to them first."""
        offer = self.offers(agent_id)[0]
        return self.feed(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id=agent_id))

    def decline(self, agent_id: str) -> list[d.Decision]:
        """The agent refuses what is offered to them first."""
        offer = self.offers(agent_id)[0]
        return self.feed(inputs.DeclineOffer(offer_id=offer.offer_id, agent_id=agent_id, reason="busy"))

    def take_next(self, agent_id: str) -> list[d.Decision]:
        """The agent takes what is next for them."""
        return self.feed(inputs.TakeNext(agent_id=agent_id))

    def asked(self, name: str) -> list[str]:
        """The agents to whom a ticket's item is offered now."""
        return sorted(self.item(name).offers.values())


def kinds(decisions: Sequence[d.Decision]) -> list[str]:
    """The names of decisions, to compare with."""
    return [type(decision).__name__ for decision in decisions if not isinstance(decision, d.TicketLearned)]


def labels(**values: str) -> Mapping[str, str]:
    """Labels of a ticket."""
    return values
