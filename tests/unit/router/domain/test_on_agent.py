"""What agents who leave, and new configurations, do to work."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import AgentProfile
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Requirements, Rule, Step
from services.router.domain.queue import Queue
from shared.conditions import compile_condition
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, configuration, general, kinds, ticket_id

GENERAL = Queue(queue_id="general")
BILLING = Queue(queue_id="billing")
BOTH = frozenset({"general", "billing"})
BILLS = general(requirements=Requirements(queue="billing"))


def configure(
    desk: Desk, *agents: AgentProfile, rules: Sequence[Rule] = (), queues: Sequence[Queue] = (GENERAL,)
) -> list[d.Decision]:
    """A second configuration."""
    return desk.feed(inputs.Configure(configuration=configuration(agents, rules=rules, queues=queues, version=2)))


@pytest.mark.parametrize("kind", [ChannelKind.EMAIL, ChannelKind.CHAT])
def test_a_pending_ticket_keeps_its_agent_who_goes_offline(kind: ChannelKind) -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t", channel_kind=kind)
    desk.accept("ann")
    desk.status("t", TicketStatus.PENDING)
    desk.set_state("ann", AgentState.OFFLINE)
    desk.after(days=1)
    assert desk.item("t").agent_id == "ann"


def test_a_ticket_that_becomes_pending_stays_with_its_agent_who_is_offline() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.accept("ann")
    desk.set_state("ann", AgentState.OFFLINE)
    desk.status("t", TicketStatus.PENDING)
    desk.after(days=1)
    assert desk.item("t").agent_id == "ann"


def test_what_a_removed_agent_had_does_not_wait_in_a_queue_that_is_removed_with_them() -> None:
    bob = agent("bob")
    desk = Desk.of(agent("ann", queues=BOTH), bob, rules=[BILLS], queues=(GENERAL, BILLING))
    desk.open("t")
    desk.accept("ann")
    desk.open("offered")
    made = configure(desk, bob)
    assert (desk.asked("t"), desk.asked("offered")) == (["bob"], ["bob"])
    requeued = [
        each for each in made if isinstance(each, d.WorkRequeued) and each.work_id == desk.item("t").work_id
    ]
    assert [(each.reason, each.previous) for each in requeued] == [
        ("agent_left", WorkState.ASSIGNED),
        ("requirements_changed", WorkState.QUEUED),
    ]
    assert desk.item("t").policy_version == 2


def test_work_that_was_moved_by_hand_leaves_a_queue_that_is_gone() -> None:
    ann = agent("ann", queues=BOTH)
    desk = Desk.of(ann, queues=(GENERAL, BILLING))
    desk.open("t")
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="a bill", actor_id="boss", queue="billing"))
    configure(desk, ann, queues=(GENERAL, BILLING))
    assert desk.item("t").requirements.queue == "billing"
    configure(desk, agent("ann"))
    assert desk.item("t").requirements.queue == "general"
    assert desk.asked("t") == ["ann"]


def test_released_work_does_not_go_back_to_a_queue_that_is_gone() -> None:
    desk = Desk.of(agent("ann", queues=BOTH), rules=[BILLS], queues=(GENERAL, BILLING))
    desk.open("t")
    desk.accept("ann")
    configure(desk, agent("ann"), agent("bob"))
    desk.set_state("bob")
    assert desk.item("t").agent_id == "ann"
    desk.feed(inputs.Release(ticket_id=ticket_id("t"), reason="not mine", actor_id="ann"))
    assert desk.item("t").requirements.queue == "general"
    assert desk.asked("t") == ["bob"]


def test_released_work_takes_no_step_into_a_queue_that_is_gone() -> None:
    to_billing = general(steps=(Step(after=timedelta(seconds=30), queue="billing"),))
    desk = Desk.of(agent("ann", queues=BOTH), rules=[to_billing], queues=(GENERAL, BILLING))
    desk.open("t")
    desk.accept("ann")
    configure(desk, agent("ann"))
    desk.feed(inputs.Release(ticket_id=ticket_id("t"), reason="not mine", actor_id="ann"))
    desk.after(minutes=1)
    assert desk.item("t").requirements.queue == "general"


def test_a_new_policy_changes_the_priority_of_work_that_waits_and_of_no_other() -> None:
    desk = Desk.of(agent("ann", capacity=20))
    desk.open("held")
    desk.accept("ann")
    desk.open("waits")
    pressing = general(priority=Priority.URGENT)
    made = configure(desk, agent("ann", capacity=20), rules=[pressing])
    assert kinds(made) == ["Configured", "PriorityChanged"]
    assert (desk.item("waits").priority, desk.item("held").priority) == (Priority.URGENT, Priority.NORMAL)


def test_a_new_policy_takes_offers_back_where_it_asks_for_something_else() -> None:
    rule = general(condition=compile_condition('ticket.language == "en"', FIELDS), requirements=BILLS.requirements)
    desk = Desk.of(agent("ann"), agent("bill", queues=BOTH))
    desk.open("t")
    assert desk.asked("t") == ["ann"]
    made = configure(
        desk, agent("ann"), agent("bill", queues=BOTH), rules=[rule, general()], queues=(GENERAL, BILLING)
    )
    assert kinds(made) == ["Configured", "OfferEnded", "WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["bill"]
