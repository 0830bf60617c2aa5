"""What escalations do to work, and what they leave alone."""

from datetime import timedelta
from typing import Any

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, Rule, Step
from services.router.domain.queue import OfferMode, Queue
from services.router.domain.work_item import Raised
from shared.calendar import Calendar, parse_hours
from shared.vocabulary import AgentState, Priority, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, kinds, ticket_id

QUEUES = (Queue(queue_id="general"), Queue(queue_id="billing"))
MORNINGS = Calendar(time_zone="UTC", weekly={day: (parse_hours("08:00-12:00"),) for day in range(7)})
WRAP_UP = (Queue(queue_id="general", wrap_up=timedelta(minutes=10)),)


def escalate(desk: Desk, number: int = 1, **action: object) -> list[d.Decision]:
    """One escalation of the ticket `t`; another number is another escalation."""
    raised = Raised(escalation_id=ticket_id(f"escalation {number} of t"), **action)  # type: ignore[arg-type] # what it asks
    return desk.feed(inputs.EscalationRaised(ticket_id=ticket_id("t"), raised=raised))


def refusals(made: list[d.Decision]) -> list[str]:
    """What was asked and not done, and why."""
    return [f"{each.wanted}: {each.reason}" for each in made if isinstance(each, d.EscalationRefused)]


def loosened() -> Rule:
    """German at 4, at 2 after ten minutes, not at all after twenty, in the queue `billing` after thirty."""
    return general(
        requirements=Requirements(queue="general", skills=(("german", 4),)),
        steps=(
            Step(after=timedelta(minutes=10), lowered=(("german", 2),)),
            Step(after=timedelta(minutes=20), dropped=frozenset({"german"})),
            Step(after=timedelta(minutes=30), queue="billing"),
        ),
    )


def test_an_escalation_moves_work_to_tier_two_and_takes_it_from_whoever_has_it() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    desk.open("t")
    desk.accept("ann")
    assert kinds(escalate(desk, support_tier=2)) == ["WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["expert"]


def test_an_escalation_to_where_the_work_is_leaves_a_record_alone() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    made = escalate(desk, support_tier=1)
    assert refusals(made) == ["queue general, tier 1: it is there already"]
    assert len(made) == 1
    assert explain(made[0]) == (
        f"Escalation {ticket_id('escalation 1 of t')} asks for queue general, tier 1, which is not done:"
        " it is there already."
    )


def test_an_escalation_raises_the_priority_until_it_cannot_be_raised_further() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    escalate(desk, raise_by=1)
    assert desk.item("t").priority is Priority.HIGH
    escalate(desk, raise_by=1_000_000)
    assert (desk.item("t").priority, desk.item("t").raised_by) == (Priority.URGENT, 3)
    assert refusals(escalate(desk, raise_by=1)) == ["a higher priority: it cannot be raised any further"]


def test_an_escalation_that_arrives_before_its_ticket_is_kept_until_then() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    escalate(desk, support_tier=2)
    desk.open("t")
    assert desk.asked("t") == ["expert"]


@pytest.mark.parametrize("wrap_up", [True, False])
def test_an_escalation_of_solved_work_leaves_a_record_alone(wrap_up: bool) -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2), queues=WRAP_UP if wrap_up else QUEUES)
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    made = escalate(desk, support_tier=2)
    assert refusals(made) == ["tier 2: the ticket is solved"]
    assert len(made) == 1
    if wrap_up:
        assert desk.item("t").state is WorkState.WRAPPING


@pytest.mark.parametrize(
    ("action", "place"),
    [({"support_tier": 2}, "queue general, tier 2"), ({"queue": "billing"}, "queue billing, tier 1")],
)
def test_an_escalation_moves_nothing_to_where_nobody_could_ever_take_it(
    action: dict[str, Any], place: str
) -> None:
    desk = Desk.of(agent("ann"), queues=QUEUES)
    desk.open("t")
    assert refusals(escalate(desk, **action)) == [f"{place}: no agent could ever take it there"]
    assert desk.asked("t") == ["ann"]


def test_an_agent_who_comes_later_can_be_escalated_to() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    assert refusals(escalate(desk, support_tier=2)) == ["queue general, tier 2: no agent could ever take it there"]
    desk.configure(agent("ann"), agent("expert", support_tier=2))
    desk.set_state("expert")
    escalate(desk, support_tier=2)
    assert desk.asked("t") == ["expert"]
    desk.configure(agent("ann"))
    assert refusals(escalate(desk, number=2, support_tier=3)) == [
        "queue general, tier 3: no agent could ever take it there"
    ]


def test_an_escalation_to_a_queue_that_is_gone_still_moves_it_to_the_tier() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    desk.open("t")
    made = escalate(desk, queue="gone", support_tier=2)
    assert refusals(made) == ["queue gone: there is no such queue"]
    assert desk.asked("t") == ["expert"]


def test_an_escalation_does_not_bring_work_back_to_where_another_one_took_it_from() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    desk.open("t")
    escalate(desk, number=1, support_tier=2)
    assert refusals(escalate(desk, support_tier=1, number=2)) == [
        "queue general, tier 1: another escalation took it away from there"
    ]
    assert desk.asked("t") == ["expert"]


def test_an_escalation_may_bring_work_back_to_where_it_took_it_from_itself() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    desk.open("t")
    escalate(desk, support_tier=2)
    escalate(desk, support_tier=1)
    assert desk.asked("t") == ["ann"]


def test_a_reopened_ticket_may_be_escalated_to_where_it_was_before() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2))
    desk.open("t")
    escalate(desk, number=1, support_tier=2)
    desk.status("t", TicketStatus.SOLVED)
    desk.status("t", TicketStatus.OPEN)
    assert desk.asked("t") == ["ann"]
    escalate(desk, support_tier=2, number=2)
    assert desk.asked("t") == ["expert"]


def test_an_escalation_widens_to_all_who_would_be_asked_later_in_the_same_queue() -> None:
    desk = Desk.of(agent("ann"), agent("bill", queues=frozenset({"billing"})), rules=[loosened()], queues=QUEUES)
    desk.open("t")
    assert desk.asked("t") == []
    made = escalate(desk, widen=True)
    assert kinds(made) == ["StepOpened", "StepOpened", "WorkOffered"]
    assert desk.asked("t") == ["ann"]
    assert explain(made[1]) == (
        f"Step 2 opens at once (escalation {ticket_id('escalation 1 of t')}): now in queue general for tier 1."
    )
    assert refusals(escalate(desk, widen=True)) == ["more agents: no step is left that would ask more of them"]
    desk.decline("ann")
    desk.after(minutes=30)
    assert desk.asked("t") == ["bill"]


def test_steps_that_are_opened_at_once_raise_the_priority_as_they_would_later() -> None:
    steps = tuple(Step(after=timedelta(minutes=minute), raise_by=1) for minute in (1, 2))
    desk = Desk.of(rules=[general(steps=steps)])
    desk.open("t")
    escalate(desk, widen=True)
    assert (desk.item("t").priority, desk.item("t").raised_by) == (Priority.URGENT, 2)


def test_an_escalation_does_not_widen_what_somebody_has() -> None:
    desk = Desk.of(agent("ann", skills={"german": 4}), rules=[loosened()], queues=QUEUES)
    desk.open("t")
    desk.accept("ann")
    assert refusals(escalate(desk, widen=True)) == ["more agents: ann has it"]


def test_what_is_moved_and_widened_asks_for_what_its_steps_leave() -> None:
    bill = agent("bill", queues=frozenset({"billing"}))
    desk = Desk.of(agent("ann"), bill, rules=[loosened()], queues=QUEUES)
    desk.open("t")
    escalate(desk, queue="billing", widen=True)
    assert desk.asked("t") == ["bill"]


def test_what_is_moved_to_where_somebody_could_take_it_later_goes_there_with_its_steps() -> None:
    bill = agent("bill", queues=frozenset({"billing"}))
    desk = Desk.of(agent("ann"), bill, rules=[loosened()], queues=QUEUES)
    desk.open("t")
    escalate(desk, queue="billing")
    desk.after(minutes=10)
    assert desk.asked("t") == []
    desk.after(minutes=10)
    assert desk.asked("t") == ["bill"]


def test_an_escalation_hands_work_to_an_agent_before_whoever_has_it() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), agent("lead"))
    desk.open("t")
    desk.accept("ann")
    assert kinds(escalate(desk, agent_id="lead")) == ["WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["lead"]
    desk.decline("lead")
    assert desk.asked("t") == ["bob"]


def test_an_escalation_hands_work_that_is_offered_to_somebody_else() -> None:
    desk = Desk.of(agent("ann"), agent("lead"))
    desk.open("t")
    assert kinds(escalate(desk, agent_id="lead")) == ["OfferEnded", "WorkRequeued", "WorkOffered"]
    assert desk.asked("t") == ["lead"]
    assert refusals(escalate(desk, agent_id="lead")) == ["agent lead: is asked already"]
    desk.accept("lead")
    assert refusals(escalate(desk, agent_id="lead")) == ["agent lead: has it already"]


def test_an_escalation_moves_work_and_hands_it_over_there() -> None:
    desk = Desk.of(agent("ann"), agent("expert", support_tier=2), agent("lead", support_tier=2))
    desk.open("t")
    escalate(desk, support_tier=2, agent_id="lead")
    assert desk.asked("t") == ["lead"]


def test_an_escalation_widens_for_the_agent_to_whom_it_hands_over() -> None:
    skilled = agent("ann", skills={"german": 4})
    desk = Desk.of(skilled, agent("lead"), rules=[loosened()], queues=QUEUES)
    desk.open("t")
    desk.accept("ann")
    escalate(desk, agent_id="lead", widen=True)
    assert desk.asked("t") == ["lead"]


@pytest.mark.parametrize(
    ("lead", "state", "reason"),
    [
        ({"support_tier": 2}, AgentState.AVAILABLE, "may not have it (support_tier)"),
        ({"queues": frozenset({"billing"})}, AgentState.AVAILABLE, "may not have it (queue)"),
        ({}, AgentState.AWAY, "state:away"),
        ({"capacity": 10}, AgentState.AVAILABLE, "capacity"),
    ],
)
def test_an_escalation_leaves_work_where_it_is_if_who_is_named_cannot_have_it(
    lead: dict[str, object], state: AgentState, reason: str
) -> None:
    desk = Desk.of(agent("ann"), agent("lead", **lead), queues=QUEUES)
    desk.set_state("lead", state)
    desk.open("t")
    desk.accept("ann")
    assert refusals(escalate(desk, agent_id="lead")) == [f"agent lead: {reason}"]
    assert desk.item("t").agent_id == "ann"


@pytest.mark.parametrize(
    ("queues", "reason"),
    [
        ((Queue(queue_id="general", hours=MORNINGS),), "queue general is closed"),
        ((Queue(queue_id="general", offer_mode=OfferMode.PULL),), "nobody is asked in queue general"),
        ((Queue(queue_id="general"), Queue(queue_id="billing", reserve=1)), "reserved"),
    ],
)
def test_an_escalation_takes_work_from_nobody_for_an_agent_who_would_not_be_asked(
    queues: tuple[Queue, ...], reason: str
) -> None:
    lead = agent("lead", queues=frozenset({"general", "billing"}))
    desk = Desk.of(agent("ann"), lead, queues=queues)
    desk.open("t")
    desk.feed(inputs.Assign(ticket_id=ticket_id("t"), agent_id="ann", actor_id="boss"))
    desk.after(hours=4)
    assert refusals(escalate(desk, agent_id="lead")) == [f"agent lead: {reason}"]
    assert desk.item("t").agent_id == "ann"


def test_an_escalation_does_not_ask_again_whoever_has_refused() -> None:
    desk = Desk.of(agent("lead"), agent("ann"))
    desk.open("t")
    desk.decline("lead")
    assert refusals(escalate(desk, agent_id="lead")) == ["agent lead: refused it before"]
    assert desk.asked("t") == ["ann"]
    assert refusals(escalate(desk, agent_id="nobody")) == ["agent nobody: there is no such agent"]
