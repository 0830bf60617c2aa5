"""Many items and many agents at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.app.sparse_solver import SparseSolver
from services.router.domain import batch, inputs
from services.router.domain import decision as d
from services.router.domain.configuration import Matching
from services.router.domain.explanation import explain
from services.router.domain.pairing import Method
from services.router.domain.policy import Requirements, Rule, TierMode
from services.router.domain.queue import OfferMode, Queue
from shared.conditions import compile_condition
from shared.vocabulary import AgentState, Priority, SlaMetric, WorkState
from tests.unit.router.domain.desk import Desk, agent, general, ticket_id

QUEUE = Queue(queue_id="general", offer_mode=OfferMode.AUTO)
GERMAN = general(
    rule_id="german",
    condition=compile_condition('ticket.language == "de"', {"ticket": frozenset({"language"})}),
    requirements=Requirements(queue="general", skills=(("german", 3),)),
)
ONE = {"capacity": 20}


def matching(at_least: int = 2, **weights: float) -> Matching:
    """Matches from two items and two agents on; what is not named weighs nothing."""
    dull = {"misfit": 0.0, "load": 0.0, "urgency": 0.0, "stickiness": 0.0}
    return Matching(at_least=at_least, solver=SparseSolver(), **{**dull, **weights})


def both_languages(at_least: int, **weights: float) -> Desk:
    """Ann speaks German and has idled longer than bob, who does not; nobody is there yet."""
    return Desk.of(
        agent("ann", skills={"german": 3}, **ONE),
        agent("bob", **ONE),
        available=False,
        rules=[GERMAN, general()],
        queues=[QUEUE],
        matching=matching(at_least, **weights),
    )


def ask(desk: Desk) -> None:
    """First whatever anybody may have, then what only ann may."""
    desk.open("english")
    desk.now += timedelta(seconds=1)
    desk.open("german", language="de")


def arrive(desk: Desk, names: Sequence[str]) -> list[d.WorkAssigned]:
    """All of them are there at the same moment: their state is known before the queue is looked at."""
    for name in names:
        desk.state.agents[name].state = AgentState.AVAILABLE
        desk.state.refresh(desk.state.agents[name])
    made = desk.feed(inputs.Tick())
    return [each for each in made if isinstance(each, d.WorkAssigned)]


def test_nobody_is_stranded_whom_one_by_one_would_strand() -> None:
    stranded, served = both_languages(at_least=10), both_languages(at_least=2)
    for desk in (stranded, served):
        ask(desk)
    assert [made.agent_id for made in arrive(stranded, ["ann", "bob"])] == ["ann"]
    assert {made.agent_id for made in arrive(served, ["ann", "bob"])} == {"ann", "bob"}
    assert served.item("german").agent_id == "ann"


def test_the_record_says_what_decided_and_what_that_gained() -> None:
    desk = both_languages(at_least=2)
    ask(desk)
    first, _ = arrive(desk, ["ann", "bob"])
    assert first.reasons.choice is not None
    together = first.reasons.choice.together
    assert together is not None
    assert (together.items, together.agents, together.served, together.served_one_by_one) == (2, 2, 2, 1)
    assert together.method is Method.LEAST_COST
    assert "2 were served, 1 more than one by one" in explain(first)


def test_where_not_all_can_be_served_those_first_in_order_are() -> None:
    desk = both_languages(at_least=2)
    for name, priority in (("low", Priority.LOW), ("urgent", Priority.URGENT), ("high", Priority.HIGH)):
        desk.open(name, priority=priority)
    arrive(desk, ["ann", "bob"])
    assert desk.item("low").state is WorkState.QUEUED
    assert {desk.item(name).agent_id for name in ("urgent", "high")} == {"ann", "bob"}


def desk_of_levels(weights: Matching) -> Desk:
    return Desk.of(
        agent("ann", skills={"german": 3}, **ONE),
        agent("bob", skills={"german": 5}, **ONE),
        available=False,
        rules=[GERMAN, general()],
        queues=[QUEUE],
        matching=weights,
    )


def test_the_better_fit_gets_what_asks_for_a_skill() -> None:
    desk = desk_of_levels(matching(misfit=1.0))
    desk.open("german", language="de")
    desk.open("english")
    arrive(desk, ["ann", "bob"])
    assert (desk.item("german").agent_id, desk.item("english").agent_id) == ("bob", "ann")


def test_the_better_fit_gets_what_is_more_urgent() -> None:
    desk = desk_of_levels(matching(misfit=1.0, urgency=1.0))
    for name in ("calm", "late"):
        desk.open(name, language="de")
    desk.feed(
        inputs.ClockKnown(
            ticket_id=ticket_id("late"),
            clock_id=ticket_id("clock"),
            metric=SlaMetric.FIRST_REPLY,
            at=desk.now,
            elapsed=timedelta(minutes=55),
            target=timedelta(hours=1),
            due_at=desk.now + timedelta(minutes=5),
        )
    )
    arrive(desk, ["ann", "bob"])
    assert (desk.item("late").agent_id, desk.item("calm").agent_id) == ("bob", "ann")


def test_work_goes_back_to_whom_it_would_rather_have() -> None:
    desk = desk_of_levels(matching(stickiness=1.0))
    for name in ("one", "two"):
        desk.open(name)
    desk.item("one").preferred_agent_id = "bob"
    arrive(desk, ["ann", "bob"])
    assert (desk.item("one").agent_id, desk.item("two").agent_id) == ("bob", "ann")


def test_nobody_is_given_again_what_they_have_refused() -> None:
    desk = desk_of_levels(matching())
    for name in ("one", "two"):
        desk.open(name)
    desk.item("one").refused_by["ann"] = desk.state.agents["ann"].availability
    arrive(desk, ["ann", "bob"])
    assert (desk.item("one").agent_id, desk.item("two").agent_id) == ("bob", "ann")


def test_agents_with_room_for_more_get_more_in_further_rounds() -> None:
    desk = Desk.of(
        *(agent(f"agent-{number}", capacity=60) for number in range(4)),
        available=False,
        queues=[QUEUE],
        matching=matching(load=1.0),
    )
    for number in range(12):
        desk.open(f"t{number}")
    made = arrive(desk, [f"agent-{number}" for number in range(4)])
    assert len(made) == 12
    assert all(each.reasons.choice and each.reasons.choice.together for each in made)
    assert {len(one.work) for one in desk.state.agents.values()} == {3}


def test_offers_to_several_at_once_stay_out_of_it() -> None:
    desk = Desk.of(
        agent("ann"),
        agent("bob"),
        available=False,
        queues=[Queue(queue_id="general", asked_at_once=2)],
        matching=matching(),
    )
    for name in ("one", "two"):
        desk.open(name)
    arrive(desk, ["ann", "bob"])
    assert len(desk.item("one").offers) == 2


FIRST, LAST = ["ann", "bob"], ["xan", "yve"]
SPEAKS = Requirements(queue="general", skills=(("german", 1),))
AT_LEAST = general(requirements=replace(SPEAKS, tier_mode=TierMode.AT_LEAST))
HELPED = general(requirements=replace(SPEAKS, also=("other",)))


@pytest.mark.parametrize(
    ("rule", "first", "last"),
    [
        (general(requirements=SPEAKS), {"ranks": {"general": 1}}, {}),
        (AT_LEAST, {}, {"support_tier": 2}),
        (HELPED, {}, {"queues": frozenset({"other"})}),
    ],
    ids=["rank", "tier", "helpers"],
)
def test_who_comes_first_by_rank_tier_or_queue_gets_it_however_well_others_would_suit(
    rule: Rule, first: dict[str, object], last: dict[str, object]
) -> None:
    desk = Desk.of(
        *(agent(name, **{"skills": {"german": 1}, **ONE, **first}) for name in FIRST),
        *(agent(name, **{"skills": {"german": 5}, **ONE, **last}) for name in LAST),
        available=False,
        rules=[rule],
        queues=[QUEUE, Queue(queue_id="other", offer_mode=OfferMode.AUTO)],
        matching=matching(misfit=1.0),
    )
    for name in ("one", "two", "three", "four", "five"):
        desk.open(name)
        desk.now += timedelta(seconds=1)
    made = arrive(desk, [*LAST, *FIRST])
    assert {each.agent_id for each in made[:2]} == set(FIRST)
    assert {each.agent_id for each in made[2:]} == set(LAST)
    assert all(each.reasons.choice and each.reasons.choice.together for each in made)
    assert desk.item("five").state is WorkState.QUEUED


def test_nothing_is_passed_over_whose_next_agents_are_of_the_next_round() -> None:
    """What any tier may have comes first: the tier that else only later items could have is its as well."""
    exact = general(
        rule_id="exact",
        condition=GERMAN.condition,
        requirements=Requirements(queue="general", support_tier=2),
    )
    whoever = general(requirements=Requirements(queue="general", tier_mode=TierMode.AT_LEAST))
    desk = Desk.of(
        agent("ann", **ONE),
        *(agent(name, support_tier=2, **ONE) for name in ("bob", "cid")),
        available=False,
        rules=[exact, whoever],
        queues=[QUEUE],
        matching=matching(),
    )
    for name, language in (("one", "en"), ("two", "en"), ("three", "en"), ("four", "de")):
        desk.open(name, language=language)
        desk.now += timedelta(seconds=1)
    arrive(desk, ["ann", "bob", "cid"])
    assert [desk.item(name).agent_id is None for name in ("one", "two", "three", "four")] == [False] * 3 + [True]
    assert desk.item("one").agent_id == "ann"


def test_whom_an_item_would_rather_have_may_be_of_a_higher_tier() -> None:
    whoever = general(requirements=Requirements(queue="general", tier_mode=TierMode.AT_LEAST))
    desk = Desk.of(
        *(agent(name, **ONE) for name in ("ann", "bob")),
        agent("cid", support_tier=2, **ONE),
        available=False,
        rules=[whoever],
        queues=[QUEUE],
        matching=matching(stickiness=2.0),
    )
    for name in ("one", "two"):
        desk.open(name)
        desk.now += timedelta(seconds=1)
    desk.item("one").preferred_agent_id = "cid"
    arrive(desk, ["ann", "bob", "cid"])
    assert (desk.item("one").agent_id, desk.item("two").agent_id) == ("cid", "ann")


def test_one_agent_counts_once_however_many_lines_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = both_languages(at_least=2)
    ask(desk)

    def looked_at(*_: object) -> None:
        raise AssertionError("nothing was to be matched together")

    monkeypatch.setattr(batch, "_first", looked_at)
    assert [made.agent_id for made in arrive(desk, ["ann"])] == ["ann"]


def test_of_equally_cheap_agents_the_ranking_decides() -> None:
    names = [f"agent-{number}" for number in range(6)]
    desk = Desk.of(*(agent(name, **ONE) for name in names), available=False, queues=[QUEUE], matching=matching())
    for number, name in enumerate(reversed(names)):
        desk.state.agents[name].idle_since += timedelta(seconds=number)
    for number in range(3):
        desk.open(f"t{number}")
        desk.now += timedelta(seconds=1)
    made = arrive(desk, names)
    assert [each.agent_id for each in made] == ["agent-5", "agent-4", "agent-3"]
