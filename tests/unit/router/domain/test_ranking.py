"""Who of several agents that fit is asked first."""

from dataclasses import replace

import pytest

from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, TierMode
from services.router.domain.queue import SCORE_FIELDS, Queue, Ranking
from services.router.domain.ranking import goodness
from shared.conditions import compile_expression
from shared.vocabulary import AgentState, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, general

BILLING = general(requirements=Requirements(queue="general", skills=(("billing", 1),)))


def scoring(source: str) -> list[Queue]:
    score = compile_expression(source, SCORE_FIELDS, written=True)
    return [Queue(queue_id="general", ranking=Ranking.SCORE, score=score)]


def choice(made: list[d.Decision]) -> d.Choice:
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
