"""Where new work goes while its queue is closed, and who helps out with what has waited long."""

from dataclasses import replace
from datetime import timedelta

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, Step
from services.router.domain.queue import Overflow, Queue
from services.router.domain.work_item import Raised
from shared.calendar import Calendar, parse_hours
from shared.vocabulary import AgentState, Priority, WorkState
from tests.unit.router.domain.desk import Desk, agent, configuration, general, kinds, ticket_id

DAYTIME = Calendar(time_zone="UTC", weekly={day: (parse_hours("09:00-17:00"),) for day in range(7)})
EVENING = Calendar(time_zone="UTC", weekly={day: (parse_hours("17:00-22:00"),) for day in range(7)})
GENERAL = Queue(queue_id="general", hours=DAYTIME, closed_to="evening")
QUEUES = [GENERAL, Queue(queue_id="evening", hours=EVENING, closed_to="night"), Queue(queue_id="night")]
ANN = agent("ann")
EVA = agent("eva", queues=frozenset({"evening"}))
NOX = agent("nox", queues=frozenset({"night"}))
TO_DESK = general(requirements=Requirements(queue="desk"))


def queue_of(desk: Desk, name: str) -> str:
    return desk.item(name).requirements.queue


def test_new_work_goes_to_the_first_open_queue_that_stands_in() -> None:
    desk = Desk.of(ANN, EVA, NOX, queues=QUEUES)
    desk.open("day")
    desk.after(hours=8)
    made = desk.open("evening")
    assert desk.asked("evening") == ["eva"]
    desk.after(hours=5)
    desk.open("night")
    assert [queue_of(desk, name) for name in ("day", "evening", "night")] == ["general", "evening", "night"]
    queued = next(each for each in made if isinstance(each, d.WorkQueued))
    assert "queue general is closed until 2026-03-03 09:00 UTC, evening stands in for it" in explain(queued)


def test_what_waits_when_a_queue_closes_stays() -> None:
    desk = Desk.of(EVA, queues=QUEUES)
    desk.open("one")
    desk.after(hours=9)
    assert queue_of(desk, "one") == "general"


def test_work_waits_in_its_own_queue_where_nobody_elsewhere_could_take_it() -> None:
    desk = Desk.of(ANN, queues=QUEUES)
    desk.after(hours=9)
    desk.open("one")
    assert (queue_of(desk, "one"), desk.item("one").state) == ("general", WorkState.QUEUED)


def test_work_waits_in_its_own_queue_where_none_is_open() -> None:
    desk = Desk.of(ANN, EVA, queues=[GENERAL, replace(QUEUES[1], closed_to=None)])
    desk.after(hours=14)
    desk.open("one")
    assert queue_of(desk, "one") == "general"


def test_what_went_elsewhere_stays_there_while_the_policy_says_the_same() -> None:
    desk = Desk.of(EVA, queues=QUEUES)
    desk.after(hours=9)
    desk.open("one")
    made = desk.open("one", language="de")
    assert not any(isinstance(each, d.WorkRequeued) for each in made)
    assert queue_of(desk, "one") == "evening"


def test_what_waits_in_a_queue_that_has_closed_is_only_put_in_another_order() -> None:
    desk = Desk.of(ANN, EVA, queues=QUEUES)
    desk.set_state("ann", AgentState.AWAY)
    desk.open("one")
    desk.after(hours=9)
    made = desk.open("one", priority=Priority.URGENT)
    assert kinds(made) == ["PriorityChanged"]
    assert queue_of(desk, "one") == "general"


def test_a_transfer_leads_into_a_closed_queue_and_waits_there() -> None:
    desk = Desk.of(ANN, EVA, queues=QUEUES)
    desk.after(hours=9)
    desk.open("one")
    transfer = inputs.Transfer(ticket_id=ticket_id("one"), reason="r", actor_id="boss", queue="general")
    desk.feed(transfer)
    assert (queue_of(desk, "one"), desk.item("one").state) == ("general", WorkState.QUEUED)
    desk.after(hours=15)
    assert desk.asked("one") == ["ann"]


def escalate(desk: Desk, name: str, number: int = 1, **action: object) -> list[d.Decision]:
    raised = Raised(escalation_id=ticket_id(f"escalation {number}"), **action)  # type: ignore[arg-type] # what it asks
    return desk.feed(inputs.EscalationRaised(ticket_id=ticket_id(name), raised=raised))


def test_an_escalation_into_a_closed_queue_leads_to_the_one_that_stands_in() -> None:
    desk = Desk.of(ANN, EVA, NOX, queues=[*QUEUES, Queue(queue_id="desk")], rules=[TO_DESK])
    desk.open("one")
    desk.after(hours=9)
    made = escalate(desk, "one", queue="general")
    assert (desk.asked("one"), queue_of(desk, "one")) == (["eva"], "evening")
    moved = next(each for each in made if isinstance(each, d.WorkRequeued))
    assert "queue general is closed until 2026-03-03 09:00 UTC, evening stands in for it" in explain(moved)
    desk.after(hours=15)
    assert queue_of(desk, "one") == "evening"


def test_an_escalation_to_another_tier_of_a_closed_queue_leads_to_the_one_that_stands_in() -> None:
    expert = agent("expert", queues=frozenset({"evening"}), support_tier=2)
    desk = Desk.of(ANN, expert, queues=QUEUES)
    desk.open("one")
    desk.accept("ann")
    desk.after(hours=9)
    escalate(desk, "one", support_tier=2)
    assert (desk.asked("one"), queue_of(desk, "one")) == (["expert"], "evening")


def test_an_escalation_waits_in_the_closed_queue_where_none_stands_in_and_the_record_says_so() -> None:
    desk = Desk.of(ANN, queues=[*QUEUES, Queue(queue_id="desk")], rules=[TO_DESK])
    desk.open("one")
    desk.after(hours=9)
    made = escalate(desk, "one", queue="general")
    assert (queue_of(desk, "one"), desk.item("one").state) == ("general", WorkState.QUEUED)
    moved = next(each for each in made if isinstance(each, d.WorkRequeued))
    assert "queue general is closed until 2026-03-03 09:00 UTC" in explain(moved)
    assert "stands in" not in explain(moved)


def test_an_escalation_into_a_closed_queue_leaves_what_waits_where_one_stands_in() -> None:
    desk = Desk.of(ANN, EVA, queues=QUEUES)
    desk.after(hours=9)
    desk.open("one")
    made = escalate(desk, "one", queue="general")
    assert kinds(made) == ["EscalationRefused"]
    assert explain(made[0]).endswith(
        "asks for queue general, tier 1, which is not done: queue general is closed until 2026-03-03 09:00 UTC,"
        " evening stands in for it; it is there already."
    )


def test_who_stands_in_for_an_escalation_may_fit_after_steps_of_the_work() -> None:
    asks = Requirements(queue="desk", skills=(("german", 3),))
    rule = general(requirements=asks, steps=(Step(after=timedelta(hours=10), dropped=frozenset({"german"})),))
    desk = Desk.of(EVA, queues=[*QUEUES, Queue(queue_id="desk")], rules=[rule])
    desk.open("one")
    desk.after(hours=9)
    escalate(desk, "one", queue="general")
    assert (queue_of(desk, "one"), desk.asked("one")) == ("evening", [])
    escalate(desk, "one", widen=True)
    assert desk.asked("one") == ["eva"]


def test_an_escalation_into_a_closed_queue_brings_nothing_back_to_where_another_took_it_from() -> None:
    expert = agent("expert", queues=frozenset({"desk"}))
    desk = Desk.of(EVA, expert, queues=[*QUEUES, Queue(queue_id="desk")])
    desk.after(hours=9)
    desk.open("one")
    escalate(desk, "one", 1, queue="desk")
    made = escalate(desk, "one", 2, queue="general")
    assert (queue_of(desk, "one"), kinds(made)) == ("desk", ["EscalationRefused"])


BUSY = Queue(queue_id="general", overflow=Overflow(after=timedelta(minutes=5), to="second"))
SECOND = Queue(queue_id="second")
SUE = agent("sue", queues=frozenset({"second"}))


def test_what_has_waited_long_is_offered_to_the_agents_of_the_other_queue_and_keeps_its_own() -> None:
    desk = Desk.of(SUE, queues=[BUSY, SECOND])
    desk.open("one")
    desk.after(minutes=4, seconds=59)
    assert desk.asked("one") == []
    desk.after(seconds=1)
    assert (desk.asked("one"), queue_of(desk, "one")) == (["sue"], "general")


def test_the_overflow_stands_among_the_steps_of_the_rule_by_its_time() -> None:
    rule = general(
        requirements=Requirements(queue="general", skills=(("german", 3),)),
        steps=(
            Step(after=timedelta(minutes=1), lowered=(("german", 2),)),
            Step(after=timedelta(minutes=9), dropped=frozenset({"german"})),
        ),
    )
    desk = Desk.of(SUE, rules=[rule], queues=[BUSY, SECOND])
    desk.open("one")
    assert [step.after.total_seconds() / 60 for step in desk.item("one").steps] == [1, 5, 9]
    desk.after(minutes=8)
    assert desk.asked("one") == []
    desk.after(minutes=1)
    assert desk.asked("one") == ["sue"]


def test_work_that_moves_takes_the_overflow_of_where_it_goes() -> None:
    desk = Desk.of(ANN, SUE, queues=[BUSY, SECOND])
    desk.open("one")
    desk.feed(inputs.Transfer(ticket_id=ticket_id("one"), reason="r", actor_id="boss", queue="second"))
    assert desk.item("one").steps == ()
    desk.feed(inputs.Transfer(ticket_id=ticket_id("one"), reason="r", actor_id="boss", queue="general"))
    assert [step.also for step in desk.item("one").steps] == [("second",)]


def test_an_overflow_that_is_configured_later_counts_for_what_waits() -> None:
    desk = Desk.of(SUE, queues=[Queue(queue_id="general"), SECOND])
    desk.open("one")
    desk.feed(inputs.Configure(configuration=configuration([SUE], queues=[BUSY, SECOND], version=2)))
    desk.after(minutes=5)
    assert desk.asked("one") == ["sue"]


THIRD = Queue(queue_id="third", overflow=Overflow(after=timedelta(minutes=10), to="second"))
TIM = agent("tim", queues=frozenset({"third"}))
TO_THIRD = general(
    steps=(Step(after=timedelta(minutes=3), queue="third"), Step(after=timedelta(minutes=30), raise_by=1))
)
"""Leaves the queue `general` before that overflows."""


def test_overflow_is_that_of_the_queue_into_which_a_step_brings_the_work_counted_from_then() -> None:
    desk = Desk.of(SUE, rules=[TO_THIRD], queues=[BUSY, SECOND, THIRD])
    desk.open("one")
    desk.after(minutes=3)
    desk.after(minutes=9, seconds=59)
    assert (queue_of(desk, "one"), desk.asked("one")) == ("third", [])
    desk.after(seconds=1)
    assert (queue_of(desk, "one"), desk.asked("one")) == ("third", ["sue"])


def test_a_queue_without_overflow_has_no_help_of_the_one_from_which_a_step_brought_the_work() -> None:
    plain = replace(THIRD, overflow=None)
    desk = Desk.of(SUE, TIM, rules=[TO_THIRD], queues=[BUSY, SECOND, plain])
    desk.set_state("tim", AgentState.AWAY)
    desk.open("one")
    desk.after(minutes=29)
    assert (queue_of(desk, "one"), desk.asked("one")) == ("third", [])


def test_overflow_counts_from_when_a_step_opened_early() -> None:
    rule = general(steps=(Step(after=timedelta(minutes=4), queue="third", opens_early=True),))
    desk = Desk.of(SUE, rules=[rule], queues=[BUSY, SECOND, THIRD])
    desk.open("one")
    assert queue_of(desk, "one") == "third"
    desk.after(minutes=10)
    assert desk.asked("one") == ["sue"]


def test_overflow_counts_in_the_hours_of_the_queue_into_which_a_step_brings_the_work() -> None:
    late = Calendar(time_zone="UTC", weekly={day: (parse_hours("09:30-17:00"),) for day in range(7)})
    desk = Desk.of(SUE, rules=[TO_THIRD], queues=[BUSY, SECOND, replace(THIRD, hours=late)])
    desk.open("one")
    desk.after(minutes=3)
    assert queue_of(desk, "one") == "third"
    desk.after(minutes=36, seconds=50)
    assert desk.asked("one") == []
    desk.after(seconds=10)
    assert desk.asked("one") == ["sue"]


def test_what_a_step_has_brought_elsewhere_stays_there_while_the_policy_says_the_same() -> None:
    desk = Desk.of(SUE, rules=[TO_THIRD], queues=[BUSY, SECOND, THIRD])
    desk.open("one")
    desk.after(minutes=3)
    desk.after(minutes=10)
    made = desk.open("one", language="de")
    assert kinds(made) == []
    assert (queue_of(desk, "one"), desk.asked("one")) == ("third", ["sue"])


def test_the_last_step_is_the_overflow_of_the_queue_that_a_step_leads_to() -> None:
    rule = general(steps=(Step(after=timedelta(minutes=3), queue="third"),))
    desk = Desk.of(rules=[rule], queues=[BUSY, SECOND, THIRD])
    desk.open("one")
    made = [*desk.after(minutes=3), *desk.after(minutes=10)]
    assert [each.is_last for each in made if isinstance(each, d.StepOpened)] == [False, True]
