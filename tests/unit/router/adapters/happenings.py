"""What can happen to a workspace, commit by commit, for runs that are replayed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.router.app.configuration import RouterPart
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.errors import NotFound
from shared.events.contract import Contract
from shared.events.escalations import EscalationRaisedV2, RaisePriority, Requeue, SlaClockStartedV1
from shared.events.tickets import (
    CustomerFacts,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketSnapshotV1,
    TicketStatusChangedV1,
)
from shared.vocabulary import ActorKind, AgentState, ChannelKind, Priority, SlaMetric, TicketStatus
from tests.unit.router.domain.desk import START, ticket_id

AGENTS = ("ann", "bob", "cid", "dot")
PART: dict[str, Any] = {
    "skills": ["german"],
    "queues": [
        {"id": "general", "rank": 20, "offer_timeout": "30s", "ranking": "least_loaded"},
        {"id": "billing", "rank": 10, "offer_mode": "auto", "wrap_up": "20s", "ranking": "round_robin"},
        {
            "id": "vendor",
            "partner": {
                "url": "https://vendor.example/",
                "secret": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
                "answer_within": "30s",
                "done_within": "1m",
                "fallback": "general",
                "at_most": 2,
            },
        },
    ],
    "agents": [
        {"id": "ann", "queues": ["general", "billing"], "skills": {"german": 3}, "capacity": 40},
        {"id": "bob", "queues": ["general"], "capacity": 20},
        {"id": "cid", "queues": ["billing"], "skills": {"german": 5}, "capacity": 60},
        {"id": "dot", "queues": ["general", "billing"], "support_tier": 2},
    ],
    "policy": {
        "rules": [
            {
                "id": "german",
                "when": 'ticket.language == "de"',
                "queue": "general",
                "skills": {"german": 3},
                "steps": [{"after": "60s", "drop": ["german"]}],
            },
            {
                "id": "bills",
                "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
                "queue": "billing",
            },
            {
                "id": "pumps",
                "when": 'has(ticket.labels.product) && ticket.labels.product == "pump"',
                "queue": "vendor",
                "support_tier": 2,
            },
        ],
        "default": {"queue": "general", "tier_mode": "at_least"},
    },
}

RICH: dict[str, Any] = {
    "skills": ["german"],
    "teams": ["night"],
    "presence": {"lost_after": "40s", "away_after": 2},
    "queues": [
        {
            "id": "general",
            "order": "ageing",
            "ageing": "2m",
            "asked_at_once": 2,
            "offer_timeout": "30s",
            "overflow": {"after": "3m", "to": "billing"},
            "ranking": "best_match",
        },
        {"id": "billing", "rank": 10, "order": "sla_urgency", "offer_mode": "auto", "wrap_up": "20s"},
        {"id": "pulled", "offer_mode": "pull", "order": "score"},
        {
            "id": "shop",
            "hours": {"weekly": {"mon": ["09:00-09:05", "09:20-18:00"]}},
            "closed_to": "general",
            "reserve": 1,
        },
    ],
    "agents": [
        {"id": "ann", "queues": ["general", "pulled"], "skills": {"german": 3}, "capacity": 40},
        {"id": "bob", "queues": ["general", "shop"], "capacity": 40, "shifts": {"mon": ["09:00-09:10"]}},
        {"id": "cid", "queues": ["billing", "shop"], "skills": {"german": 5}, "capacity": 60},
        {"id": "dot", "queues": ["billing", "pulled"], "support_tier": 2},
    ],
    "policy": {
        "rules": [
            {
                "id": "german",
                "when": 'ticket.language == "de"',
                "queue": "general",
                "skills": {"german": 4},
                "skip_if": "nobody_ready",
                "steps": [
                    {"after": "60s", "lower": {"german": 2}, "raise_by": 1},
                    {"after": "120s", "drop": ["german"], "expedite": True, "also": ["billing"]},
                ],
            },
            {
                "id": "bills",
                "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
                "queue": "billing",
                "split": [{"weight": 1, "queue": "pulled"}, {"weight": 1, "queue": "shop"}, {"weight": 2}],
            },
        ],
        "default": {"queue": "general", "tier_mode": "at_least"},
    },
}


def part(content: dict[str, Any], *, without: str | None = None, other: str | None = None) -> RouterPart:
    """other: an agent who can do something else"""
    agents = [
        agent | ({"skills": {"german": 4}, "queues": ["billing"]} if agent["id"] == other else {})
        for agent in content["agents"]
        if agent["id"] != without
    ]
    return RouterPart.model_validate({**content, "agents": agents})


@dataclass(frozen=True)
class Commit:
    """What one commit consists of, and what becomes of it."""

    wait_s: float
    events: tuple[Contract, ...] = ()
    asked: tuple[Callable[[RoutingState], inputs.Input], ...] = ()
    without: str | None = None
    other: str | None = None
    is_configuring: bool = False
    is_whole: bool = False
    is_lost: bool = False
    forgets: bool = False


def facts(language: str, product: str, priority: Priority, kind: ChannelKind) -> TicketFacts:
    return TicketFacts(
        channel="mail",
        channel_kind=kind,
        customer=CustomerFacts(customer_id=UUID(int=1), tier="standard"),
        labels={"product": product},
        priority=priority,
        language=language,
    )


def opened(name: str, what: TicketFacts) -> TicketOpenedV1:
    return TicketOpenedV1(
        ticket_id=ticket_id(name),
        ticket_number=1,
        facts=what,
        opened_by=ActorKind.CUSTOMER,
        received_at=START,
    )


def status_set(name: str, status: TicketStatus) -> TicketStatusChangedV1:
    return TicketStatusChangedV1(
        ticket_id=ticket_id(name),
        previous=TicketStatus.NEW,
        status=status,
        cause="set",
        actor_kind=ActorKind.AGENT,
    )


def snapshot(name: str, what: TicketFacts, status: TicketStatus) -> TicketSnapshotV1:
    return TicketSnapshotV1(
        ticket_id=ticket_id(name),
        ticket_number=1,
        facts=what,
        status=status,
        opened_by=ActorKind.CUSTOMER,
        opened_at=START,
        first_replied_at=None,
        solved_at=None,
        merged_into=None,
    )


def escalated(name: str, action: RaisePriority | Requeue) -> EscalationRaisedV2:
    return EscalationRaisedV2(
        escalation_id=ticket_id("e"),
        ticket_id=ticket_id(name),
        policy="late",
        policy_version=1,
        level=1,
        step=1,
        trigger="sla.breached",
        metric=None,
        action=action,
    )


def clock_started(name: str, target_s: float) -> SlaClockStartedV1:
    return SlaClockStartedV1(
        clock_id=ticket_id(f"{name}/{target_s}"),
        ticket_id=ticket_id(name),
        metric=SlaMetric.FIRST_REPLY,
        generation=1,
        policy="gold",
        policy_version=1,
        target_s=target_s,
        started_at=START,
        due_at=START + timedelta(seconds=target_s),
    )


def answer(number: int, accepts: bool) -> Callable[[RoutingState], inputs.Input]:
    """To one of the pending offers."""

    def make(state: RoutingState) -> inputs.Input:
        if not state.offers:
            raise NotFound
        offer = state.offers[sorted(state.offers)[number % len(state.offers)]]
        if accepts:
            return inputs.AcceptOffer(offer_id=offer.offer_id, agent_id=offer.agent_id)
        return inputs.DeclineOffer(offer_id=offer.offer_id, agent_id=offer.agent_id, reason="no")

    return make


def ended(is_done: bool) -> Callable[[RoutingState], inputs.Input]:
    """By the partner: the first work order that it has."""

    def make(state: RoutingState) -> inputs.Input:
        partner = state.agents.get("partner:vendor")
        for work_id in sorted(partner.work if partner else ()):
            if offer_id := state.items[work_id].accepted_offer_id:
                return inputs.EndOrder(offer_id=offer_id, agent_id="partner:vendor", is_done=is_done)
        raise NotFound

    return make


def plainly(current: inputs.Input) -> Callable[[RoutingState], inputs.Input]:
    return lambda _: current


names = st.sampled_from([f"t{number}" for number in range(5)])
agents = st.sampled_from(AGENTS)
some_facts = st.builds(
    facts,
    st.sampled_from(["de", "en"]),
    st.sampled_from(["bill", "pump", "other"]),
    st.sampled_from(list(Priority)),
    st.sampled_from([ChannelKind.EMAIL, ChannelKind.CHAT, ChannelKind.VOICE]),
)
statuses = st.sampled_from(list(TicketStatus))
events = st.one_of(
    st.builds(opened, names, some_facts),
    st.builds(snapshot, names, some_facts, statuses),
    st.builds(status_set, names, statuses),
    st.builds(clock_started, names, st.sampled_from([300.0, 3600.0])),
    st.builds(
        lambda name: TicketMergedV1(
            ticket_id=ticket_id(name),
            target_ticket_id=ticket_id("t0"),
            previous=TicketStatus.OPEN,
            actor_kind=ActorKind.AGENT,
        ),
        names,
    ),
    st.builds(
        escalated,
        names,
        st.one_of(
            st.builds(RaisePriority, by=st.just(1)), st.builds(Requeue, support_tier=st.sampled_from([1, 2]))
        ),
    ),
)
commands = st.one_of(
    st.builds(lambda agent: plainly(inputs.TakeNext(agent_id=agent)), agents),
    st.builds(lambda agent: plainly(inputs.Connected(agent_id=agent)), agents),
    st.builds(lambda agent: plainly(inputs.Disconnected(agent_ids=(agent,))), agents),
    st.builds(answer, st.integers(0, 5), st.booleans()),
    st.builds(ended, st.booleans()),
    st.builds(
        lambda agent, state: plainly(inputs.SetAgentState(agent_id=agent, state=state, reason=None)),
        agents,
        st.sampled_from([AgentState.AVAILABLE, *AgentState]),
    ),
    st.builds(
        lambda name, agent: plainly(inputs.Assign(ticket_id=ticket_id(name), agent_id=agent, actor_id="boss")),
        names,
        agents,
    ),
    st.builds(
        lambda name, queue: plainly(
            inputs.Transfer(ticket_id=ticket_id(name), reason="r", actor_id="boss", queue=queue)
        ),
        names,
        st.sampled_from(["general", "billing"]),
    ),
    st.builds(lambda name: plainly(inputs.Release(ticket_id=ticket_id(name), reason="r", actor_id="boss")), names),
    st.builds(lambda name: plainly(inputs.Complete(ticket_id=ticket_id(name), actor_id="boss")), names),
)
waits = st.sampled_from([0, 0.001, 1, 25, 70, 1000])
rarely = st.sampled_from([False] * 6 + [True])
commits = st.one_of(
    st.builds(
        Commit, wait_s=waits, events=st.lists(events, max_size=4).map(tuple), is_lost=rarely, forgets=rarely
    ),
    st.builds(
        Commit, wait_s=waits, asked=st.lists(commands, max_size=4).map(tuple), is_lost=rarely, forgets=rarely
    ),
    st.builds(
        Commit,
        wait_s=waits,
        without=st.one_of(st.none(), agents),
        other=st.one_of(st.none(), agents),
        is_configuring=st.just(True),
        is_whole=st.booleans(),
    ),
)
