"""Who of several agents that fit is asked first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain.agent import AgentProfile
from services.router.domain.eligibility import misfit
from services.router.domain.explanation import explain
from services.router.domain.partner import Partner
from services.router.domain.policy import Requirements, Step, TierMode, relaxed
from services.router.domain.queue import SCORE_FIELDS, Queue, Ranking
from services.router.domain.ranking import goodness
from services.router.domain.reasons import Choice
from shared.conditions import compile_condition, compile_expression
from shared.vocabulary import AgentState, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, general

BILLING = general(requirements=Requirements(queue="general", skills=(("billing", 1),)))


def scoring(source: str) -> list[Queue]:
    score = compile_expression(source, SCORE_FIELDS, written=True)
    return [Queue(queue_id="general", ranking=Ranking.SCORE, score=score)]


def choice(made: list[d.Decision]) -> Choice:
    offered = made[-1]
    assert isinstance(offered, d.WorkOffered)
    assert offered.reasons.choice is not None
    return offered.reasons.choice


@pytest.mark.parametrize(
    ("level", "least", "expected"), [(3, 3, 0.5), (4, 3, 0.5826), (5, 3, 0.6608), (5, 1, 0.9820)]
)
def test_the_goodness_of_a_match_is_logistic_in_what_exceeds_the_least_level(
    level: int, least: int, expected: float
) -> None:
    ann = Desk.of(agent("ann", skills={"billing": level})).state.agents["ann"]
    asked = Requirements(queue="general", skills=(("billing", least),))
    assert goodness(ann, asked) == pytest.approx(expected, abs=5e-5)


def test_the_goodness_of_a_match_is_the_mean_over_skills() -> None:
    ann = Desk.of(agent("ann", skills={"billing": 3, "german": 5})).state.agents["ann"]
    asked = Requirements(queue="general", skills=(("billing", 3), ("german", 1)))
    assert goodness(ann, asked) == pytest.approx((0.5 + 0.9820) / 2, abs=5e-5)


def test_best_match_asks_whoever_has_most_of_the_skills_asked_for() -> None:
    desk = Desk.of(
        agent("ann", skills={"billing": 2}),
        agent("bob", skills={"billing": 5, "german": 1}),
        agent("cid", skills={"billing": 3}),
        rules=[BILLING],
        queues=[Queue(queue_id="general", ranking=Ranking.BEST_MATCH)],
    )
    assert [name for name, _ in choice(desk.open("t")).ranked] == ["bob", "cid", "ann"]


def test_best_match_without_skills_asks_whoever_idles_longest() -> None:
    queues = [Queue(queue_id="general", ranking=Ranking.BEST_MATCH)]
    desk = Desk.of(agent("bob", skills={"billing": 1}), agent("ann", skills={"billing": 5}), queues=queues)
    desk.open("t")
    assert desk.asked("t") == ["bob"]


def test_the_highest_score_is_asked_first_and_follows_the_load() -> None:
    desk = Desk.of(
        agent("ann", skills={"billing": 3}),
        agent("bob", skills={"billing": 4}),
        queues=scoring("agent.skills.billing * 15 - agent.load"),
    )
    for name, expected in (("t", "bob"), ("u", "ann"), ("v", "bob")):
        desk.open(name)
        assert desk.asked(name) == [expected]
        desk.accept(expected)


def test_a_score_reads_what_is_documented() -> None:
    desk = Desk.of(
        agent("ann", support_tier=2, teams=frozenset({"night"}), capacity=200),
        rules=[general(requirements=Requirements(queue="general", support_tier=2))],
        queues=scoring(
            'agent.tier + agent.capacity + (agent.teams == ["night"] ? 1000 : 0)'
            ' + (work.queue == "general" && work.channel_kind == "email" ? 10000 : 0) + work.support_tier * 100000'
        ),
    )
    (_, key) = choice(desk.open("t")).ranked[0]
    assert key[-4:-2] == (0, -211_202)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("agent.skills.billing", "reads a field that is not there"),
        ("agent.tier == 1 ? 0.0 / 0.0 : 1.0", "is not a number"),
        ('agent.skills.all(s, s == "billing") ? 1 : 1 / 0', "ZeroDivisionError"),
    ],
)
def test_who_cannot_be_scored_comes_last_and_the_record_says_so(source: str, problem: str) -> None:
    desk = Desk.of(
        agent("ann", skills={"german": 1}, support_tier=1),
        agent("bob", skills={"billing": 1}, support_tier=1),
        queues=scoring(f"agent.skills.exists(s, s == 'billing') ? -5.0 : double({source})"),
    )
    made = desk.open("t")
    assert choice(made).ranked[0][0] == "bob"
    assert choice(made).ranked[1][1][-4:-2] == (1, problem)
    assert explain(made[-1]) == (
        "Offered to bob, first of 2 who could be asked by score; next would have been ann;"
        f" no score for ann ({problem})."
    )


def test_truth_and_words_are_no_scores() -> None:
    for source in ("agent.load == 0", "work.queue"):
        desk = Desk.of(agent("ann"), queues=scoring(source))
        assert choice(desk.open("t")).ranked[0][1][-4:-2] == (1, "is not a number")


def test_an_agent_is_scored_once_for_each_change_of_load() -> None:
    asked: list[object] = []

    class Counting:
        def value(self, variables: object) -> tuple[object, str | None]:
            asked.append(variables)
            return 1, None

    queues = [Queue(queue_id="general", ranking=Ranking.SCORE, score=Counting())]
    desk = Desk.of(agent("ann"), queues=queues)
    desk.open("t")
    assert len(asked) == 2
    desk.accept("ann")
    desk.set_state("ann", AgentState.AWAY)
    desk.set_state("ann")
    assert len(asked) == 2
    desk.status("t", TicketStatus.SOLVED)
    assert len(asked) == 3


PREFERRING = Requirements(queue="general", skills=(("billing", 2),), preferred=(("french", 3), ("german", 1)))


def test_of_those_that_fit_whoever_has_more_of_what_is_preferred_is_asked_first() -> None:
    skilled = {
        "none": {"billing": 5},
        "both": {"billing": 2, "french": 3, "german": 5},
        "one": {"billing": 4, "french": 4},
        "unfit": {"billing": 1, "french": 5, "german": 5},
        "nearly": {"billing": 5, "french": 2},
    }
    desk = Desk.of(
        *(agent(name, skills=skills) for name, skills in skilled.items()),
        rules=[general(requirements=PREFERRING)],
    )
    made = desk.open("t")
    assert [name for name, _ in choice(made).ranked] == ["both", "one", "none"]
    assert explain(made[-1]).startswith(
        "Offered to both, first of 4 who could be asked by longest idle, with 2 of 2"
    )
    desk.decline("both")
    assert desk.asked("t") == ["one"]


def test_the_lowest_sufficient_tier_is_asked_before_what_is_preferred() -> None:
    asked = replace(PREFERRING, tier_mode=TierMode.AT_LEAST)
    desk = Desk.of(
        agent("two", support_tier=2, skills={"billing": 2, "french": 3, "german": 5}),
        agent("one", skills={"billing": 2}),
        rules=[general(requirements=asked)],
    )
    assert [name for name, _ in choice(desk.open("t")).ranked] == ["one", "two"]


TWO = (Queue(queue_id="general"), Queue(queue_id="billing"))
BILLS = general(
    rule_id="bills",
    condition=compile_condition('ticket.language == "de"', {"ticket": frozenset({"language"})}),
    requirements=Requirements(queue="billing"),
)
BOTH = frozenset({"general", "billing"})


def test_an_item_asks_the_agents_whose_primary_queue_it_is_before_others() -> None:
    desk = Desk.of(
        agent("second"),
        agent("first", ranks={"general": 1}, support_tier=2),
        rules=[general(requirements=replace(PREFERRING, skills=(), tier_mode=TierMode.AT_LEAST))],
    )
    assert [name for name, _ in choice(desk.open("t")).ranked] == ["first", "second"]


@pytest.mark.parametrize(("ranks", "served"), [({}, ["old", "new"]), ({"billing": 1}, ["new", "old"])])
def test_a_freed_agent_serves_their_primary_queue_then_what_waits_longest(
    ranks: dict[str, int], served: list[str]
) -> None:
    desk = Desk.of(agent("ann", capacity=20, queues=BOTH, ranks=ranks), rules=[BILLS, general()], queues=TWO)
    desk.open("running")
    desk.accept("ann")
    for name, language in (("old", "en"), ("new", "de")):
        desk.now += timedelta(seconds=1)
        desk.open(name, language=language)
    for name in served:
        desk.status("running" if name == served[0] else served[0], TicketStatus.SOLVED)
        assert desk.asked(name) == ["ann"]
        desk.accept("ann")


HELPED = general(
    requirements=Requirements(queue="general"),
    steps=(Step(after=timedelta(seconds=30), also=("billing",)),),
)


def test_a_step_lets_the_agents_of_another_queue_help_out() -> None:
    desk = Desk.of(agent("bill", queues=frozenset({"billing"})), rules=[HELPED], queues=TWO)
    desk.open("t")
    assert desk.asked("t") == []
    assert "now in queue general with help of billing for tier 1." in explain(desk.after(seconds=30)[0])
    assert desk.asked("t") == ["bill"]
    assert desk.item("t").requirements.queue == "general"


def test_a_queue_asks_its_own_agents_before_those_who_help_out() -> None:
    desk = Desk.of(
        agent("bill", queues=frozenset({"billing"})),
        agent("ann"),
        rules=[HELPED],
        queues=TWO,
    )
    for name in ("ann", "bill"):
        desk.set_state(name, AgentState.AWAY)
    desk.open("t")
    desk.after(seconds=30)
    desk.set_state("bill")
    assert desk.asked("t") == ["bill"]
    desk.set_state("ann")
    desk.decline("bill")
    assert desk.asked("t") == ["ann"]


def test_a_move_to_another_queue_leaves_helpers_behind() -> None:
    helped = Step(after=timedelta(seconds=30), also=("billing",))
    moved = Step(after=timedelta(seconds=60), queue="third", also=("general",))
    assert relaxed(Requirements(queue="general"), (helped, moved)) == Requirements(
        queue="third", also=("general",)
    )


def test_no_partner_helps_out() -> None:
    outside = AgentProfile(
        agent_id="partner:billing",
        name="",
        queues=frozenset({"billing"}),
        partner=Partner(queue="billing", fallback="general"),
    )
    assert misfit(outside, Requirements(queue="general", also=("billing",))) == "queue"
    assert misfit(outside, Requirements(queue="billing", skills=(("latin", 5),))) is None
