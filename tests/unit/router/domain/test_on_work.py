"""Work moved by hand."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, Step
from services.router.domain.queue import Queue
from shared.errors import IllegalTransition
from shared.vocabulary import AgentState, Priority, TicketStatus
from tests.unit.router.domain.desk import START, Desk, agent, general, kinds, ticket_id


def test_solved_work_that_was_passed_on_can_be_completed_by_whoever_has_it() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[Queue(queue_id="general", wrap_up=timedelta(minutes=1))])
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="yours", actor_id="ann", agent_id="bob"))
    complete = inputs.Complete(ticket_id=ticket_id("t"), actor_id="bob")
    assert kinds(desk.feed(complete)) == ["WorkCompleted"]
    assert desk.state.agents["bob"].used == 0


def test_nobody_completes_what_nobody_has() -> None:
    desk = Desk.of(
        agent("ann"),
        agent("expert", support_tier=2),
        queues=[Queue(queue_id="general", wrap_up=timedelta(minutes=1))],
    )
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="yours", actor_id="ann", support_tier=2))
    with pytest.raises(IllegalTransition, match="Nobody has it"):
        desk.feed(inputs.Complete(ticket_id=ticket_id("t"), actor_id="ann"))


def seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def a_desk_that_loosens(**rule: object) -> Desk:
    """German billing of level 4, then 3, then any language, then the queue `anybody`; offers stand 20 seconds."""
    steps = (
        Step(after=seconds(30), lowered=(("billing", 3),), opens_early=True),
        Step(after=seconds(60), dropped=frozenset({"german"})),
        Step(after=seconds(120), queue="anybody"),
    )
    return Desk.of(
        agent("a", skills={"billing": 4, "german": 5}),
        agent("b", skills={"billing": 3, "german": 5}),
        agent("c", skills={"billing": 3}),
        available=False,
        rules=[
            general(
                requirements=Requirements(queue="general", skills=(("billing", 4), ("german", 1))),
                steps=steps,
                **rule,
            ),
        ],
        queues=[Queue(queue_id="general", offer_timeout=seconds(20)), Queue(queue_id="anybody")],
    )


def test_steps_add_up_from_the_start_and_one_is_skipped_while_nobody_is_ready() -> None:
    desk = a_desk_that_loosens()
    for name in "abc":
        desk.set_state(name)
    desk.now = START
    desk.open("t")
    seen = [(0, desk.item("t").step, desk.asked("t"))]
    for at in (20, 25, 59, 60, 80, 119, 120):
        desk.now = START + seconds(at)
        if at == 25:
            desk.decline("b")
        else:
            desk.feed(inputs.Tick())
        seen.append((at, desk.item("t").step, desk.asked("t")))
    assert seen == [
        (0, 0, ["a"]),
        (20, 1, ["b"]),
        (25, 1, []),
        (59, 1, []),
        (60, 2, ["c"]),
        (80, 2, []),
        (119, 2, []),
        (120, 3, []),
    ]
    assert desk.state.agents["a"].state is AgentState.AWAY
    assert desk.item("t").requirements.queue == "anybody"


def test_a_step_that_is_skipped_says_why_and_the_last_one_that_it_is() -> None:
    desk = a_desk_that_loosens()
    words = [explain(made) for made in desk.open("t") if isinstance(made, d.StepOpened)]
    words += [explain(made) for made in desk.after(seconds=120) if isinstance(made, d.StepOpened)]
    assert words == [
        "Nobody could be asked, so step 1 opens early: now in queue general for tier 1, billing at least 3,"
        " german at least 1.",
        "It has waited long enough for step 2: now in queue general for tier 1, billing at least 3.",
        "It has waited long enough for step 3: now in queue anybody for tier 1, billing at least 3."
        " No step comes after it.",
    ]


def test_a_step_is_not_skipped_while_somebody_is_asked_or_ready() -> None:
    desk = a_desk_that_loosens()
    desk.set_state("a")
    desk.open("t")
    assert (desk.item("t").step, desk.asked("t")) == (0, ["a"])
    # Whoever is ready is asked for what comes back, in the step that it is in.
    desk.open("u")
    assert (desk.item("u").step, desk.asked("u")) == (0, ["a"])


def test_a_step_makes_an_item_more_pressing_and_it_stays_so() -> None:
    steps = (Step(after=seconds(30), raise_by=1), Step(after=seconds(60), raise_by=2))
    desk = Desk.of(agent("ann"), available=False, rules=[general(steps=steps)])
    desk.open("t", priority=Priority.LOW)
    assert kinds(desk.after(seconds=30)) == ["StepOpened", "PriorityChanged"]
    assert desk.item("t").priority is Priority.NORMAL
    desk.after(seconds=30)
    assert desk.item("t").priority is Priority.URGENT
    desk.open("t", priority=Priority.NORMAL)
    assert desk.item("t").priority is Priority.URGENT


def test_steps_begin_anew_in_another_tier_and_not_when_an_offer_is_refused() -> None:
    desk = Desk.of(
        agent("ann"),
        agent("eve", support_tier=2),
        rules=[general(steps=(Step(after=seconds(30), raise_by=1), Step(after=seconds(60), raise_by=1)))],
    )
    started = desk.now
    desk.open("t")
    desk.after(seconds=30)
    desk.decline("ann")
    assert (desk.item("t").step, desk.item("t").started_at) == (1, started)
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="r", actor_id="boss", support_tier=2))
    assert (desk.item("t").step, desk.item("t").started_at) == (0, desk.now)
