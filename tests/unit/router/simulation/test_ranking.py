"""Whom work goes to: agents with one, two, three and six skills, and the fastest first, against known results."""

from dataclasses import dataclass
from random import Random

import pytest

from services.router.domain.configuration import Configuration
from services.router.domain.policy import Requirements
from services.router.domain.queue import SCORE_FIELDS, OfferMode, Queue, Ranking
from shared.conditions import compile_expression
from tests.unit.router.domain.desk import agent, configuration, general
from tests.unit.router.simulation.floor import (
    IS_LONG,
    SCALE,
    Floor,
    Outcome,
    Stream,
    call,
    exponential,
    holds,
    interval,
    overlaps,
    runs,
    staff,
)

TYPES = [f"type-{number}" for number in range(6)]


@dataclass(frozen=True)
class Speaks:
    """Holds for contacts in one language: what a type of contact is told by."""

    language: str

    def evaluate(self, variables: object) -> tuple[bool, str | None]:
        assert isinstance(variables, dict)
        return variables["ticket"]["language"] == self.language, None


def six_types(skills: int) -> Configuration:
    """90 agents, each at home in one of six queues and helping in so many less one of the others."""
    agents = []
    for number in range(90):
        primary, group = number % 6, number // 6
        others = [(primary + 1 + (group + each) % 5) % 6 for each in range(skills - 1)]
        served = [TYPES[each] for each in (primary, *others)]
        agents.append(agent(f"agent-{number:03}", queues=frozenset(served), ranks={TYPES[primary]: 1}))
    rules = [
        general(rule_id=each, condition=Speaks(each), requirements=Requirements(queue=each)) for each in TYPES
    ]
    queues = [Queue(queue_id=each, offer_mode=OfferMode.AUTO) for each in (*TYPES, "general")]
    return configuration(agents, rules=[*rules, general()], queues=queues)


@dataclass(frozen=True)
class Published:
    """What a simulation of six times 400,000 contacts found for so many skills, with 95 % intervals."""

    skills: int
    blocked: tuple[float, float]
    mean_wait: tuple[float, float]
    within_half: tuple[float, float]
    at_once: tuple[float, float]
    primary: tuple[float, float]
    of_99_percent: tuple[float, float]


ONE_SKILL = Published(
    1, (0.0379, 0.0010), (2.445, 0.024), (0.498, 0.004), (0.445, 0.003), (1.0, 0.0), (15.23, 0.22)
)


@pytest.mark.parametrize(
    "known",
    [
        ONE_SKILL,
        Published(
            2, (0.0044, 0.0004), (0.593, 0.015), (0.718, 0.006), (0.578, 0.006), (0.743, 0.002), (5.73, 0.10)
        ),
        Published(
            3, (0.0038, 0.0004), (0.479, 0.014), (0.758, 0.005), (0.611, 0.006), (0.699, 0.001), (4.90, 0.07)
        ),
        Published(
            6, (0.0037, 0.0003), (0.450, 0.024), (0.766, 0.010), (0.622, 0.011), (0.682, 0.004), (4.46, 0.11)
        ),
    ],
    ids=lambda known: f"{known.skills}-skills",
)
def test_waits_and_primary_share_by_skills_an_agent_has(known: Published) -> None:
    """Six types at 1.4 a minute for ten minutes each, 90 agents, 30 places to wait for all."""
    streams = [Stream(name=each, rate=1.4, facts=call(language=each)) for each in TYPES]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(six_types(known.skills), streams, exponential(0.1), seed=seed, room=30, first=84).run(
            arrivals
        )

    found = runs(16, once, 1_500)
    blocked, waits = [each.blocked / each.arrived for each in found], [each.mean_wait() for each in found]
    for values, (about, half) in (
        (waits, known.mean_wait),
        ([1 - each.waited(longer_than=0.5) for each in found], known.within_half),
        ([1 - each.waited() for each in found], known.at_once),
        ([_primary_share(each) for each in found], known.primary),
    ):
        assert overlaps(values, about - half, about + half)
    # With two skills few are turned away, and in bursts: a short run mostly finds none, which tells nothing.
    if known is ONE_SKILL or SCALE >= 5:
        assert overlaps(blocked, known.blocked[0] - known.blocked[1], sum(known.blocked))
    # One contact in a hundred: too few in a short run.
    if IS_LONG:
        about, half = known.of_99_percent
        assert overlaps([each.longest_wait_of(0.99) for each in found], about - half, about + half)
    if known is not ONE_SKILL:
        assert interval(blocked)[1] < ONE_SKILL.blocked[0], "two skills are nearly as good as all"
        assert interval(waits)[1] < ONE_SKILL.mean_wait[0] / 2


def _primary_share(outcome: Outcome) -> float:
    """The share of contacts that went to agents at home in their queue."""
    at_home = sum(TYPES[int(each.agent_id[-3:]) % 6] == each.stream for each in outcome.served)
    return at_home / len(outcome.served)


FAST, SLOW = ([f"{pace}-{number:03}" for number in range(20)] for pace in ("fast", "slow"))


def two_paces(**queue: object) -> Configuration:
    """20 fast and 20 slow agents, whose levels say who is which, in one queue."""
    agents = [*staff(20, "fast", skills={"calls": 5}), *staff(20, "slow", skills={"calls": 1})]
    plain: dict[str, object] = {"queue_id": "general", "offer_mode": OfferMode.AUTO}
    return configuration(
        agents,
        rules=[general(requirements=Requirements(queue="general", skills=(("calls", 1),)))],
        queues=[Queue(**{**plain, **queue})],  # type: ignore[arg-type] # a table's
    )


def by_pace(random: Random, _stream: str, agent_id: str) -> float:
    return random.expovariate(1.5 if agent_id in FAST else 0.75)


def at_two_paces(load: float, **queue: object) -> list[Outcome]:
    """Contacts at this share of what both can do."""
    chosen = two_paces(**queue)
    streams = [Stream(name="all", rate=load * 45, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(chosen, streams, by_pace, seed=seed).run(arrivals)

    return runs(10, once, 3_000)


LOADS = (0.85, 0.9, 0.95) if IS_LONG else (0.85,)
RANDOM_IDLE = {0.85: (0.174, 0.102), 0.9: (0.117, 0.067), 0.95: (0.058, 0.033)}
"""The share of their time that the fast and the slow are idle where chance decides who of the idle is next."""

FASTEST_FIRST: dict[str, object] = {"ranking": Ranking.BEST_MATCH}
SLOWEST_FIRST: dict[str, object] = {
    "ranking": Ranking.SCORE,
    "score": compile_expression("-agent.skills.calls", SCORE_FIELDS),
}


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize(
    ("queue", "exact"),
    [
        (
            FASTEST_FIRST,
            {
                0.85: (0.1934, 0.02865, 0.080, 0.290),
                0.9: (0.3715, 0.08256, 0.057, 0.186),
                0.95: (0.6374, 0.28329, 0.030, 0.089),
            },
        ),
        (
            SLOWEST_FIRST,
            {
                0.85: (0.2856, 0.04232, 0.214, 0.022),
                0.9: (0.4605, 0.10234, 0.142, 0.016),
                0.95: (0.6968, 0.30967, 0.071, 0.008),
            },
        ),
    ],
    ids=["fastest-first", "slowest-first"],
)
def test_who_is_asked_first_decides_waits_and_who_idles(
    queue: dict[str, object], exact: dict[float, tuple[float, float, float, float]], load: float
) -> None:
    found = at_two_paces(load, **queue)
    waits, mean, fast_idle, slow_idle = exact[load]
    assert holds([each.waited() for each in found], waits)
    assert holds([each.mean_wait() for each in found], mean)
    for agents, idle in ((FAST, fast_idle), (SLOW, slow_idle)):
        # The exact shares are known to three digits.
        assert overlaps([each.idle(agents) for each in found], idle - 0.0005, idle + 0.0005)
    of_the_fast = [each.idle(FAST) / (each.idle(FAST) + each.idle(SLOW)) for each in found]
    by_chance = RANDOM_IDLE[load]
    assert not holds(of_the_fast, by_chance[0] / sum(by_chance)), "it can be told from chance"


@pytest.mark.parametrize("load", LOADS)
def test_longest_idle_is_near_chance(load: float) -> None:
    found = at_two_paces(load)
    for agents, random in zip((FAST, SLOW), RANDOM_IDLE[load], strict=True):
        assert overlaps([each.idle(agents) for each in found], random - 0.005, random + 0.005)


pytestmark = pytest.mark.timeout(600)
