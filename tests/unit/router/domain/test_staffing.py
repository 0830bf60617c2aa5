"""Who could ever serve what, and what is missing: the same as asking every agent."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.agent import AgentProfile
from services.router.domain.eligibility import misfit
from services.router.domain.partner import Partner
from services.router.domain.policy import Requirements, Step, TierMode
from services.router.domain.staffing import Lack, Staff, Staffed
from tests.unit.router.domain.desk import agent

queues = st.sampled_from(["general", "billing", "field"])
skills = st.sampled_from(["german", "billing"])
levels = st.integers(1, 5)
tiers = st.integers(1, 3)
teams = st.sampled_from(["red", "blue"])
profiles = st.builds(
    AgentProfile,
    agent_id=st.just("somebody"),
    name=st.just(""),
    support_tier=tiers,
    teams=st.frozensets(teams),
    queues=st.frozensets(queues),
    skills=st.dictionaries(skills, levels),
    partner=st.none() | st.just(Partner(queue="field", fallback="general")),
)
requirements = st.builds(
    Requirements,
    queue=queues,
    also=st.lists(queues, max_size=2).map(tuple),
    support_tier=tiers,
    tier_mode=st.sampled_from(TierMode),
    skills=st.dictionaries(skills, levels).map(lambda asked: tuple(sorted(asked.items()))),
    without=st.lists(skills, max_size=1).map(tuple),
    teams=st.lists(teams, max_size=2).map(tuple),
)


@given(st.lists(profiles, max_size=6), requirements)
def test_the_index_finds_exactly_those_who_fit(staff: list[AgentProfile], asked: Requirements) -> None:
    expected = sum(1 << index for index, profile in enumerate(staff) if misfit(profile, asked) is None)
    assert Staff(staff).who(asked) == expected


def lowered(minutes: int, level: int) -> Step:
    return Step(after=timedelta(minutes=minutes), lowered=(("german", level),))


@pytest.mark.parametrize(
    ("asked", "steps", "staffed"),
    [
        (Requirements(queue="general"), (), Staffed(opens_with=0, count=3)),
        (
            Requirements(queue="billing"),
            (Step(after=timedelta(minutes=1), also=("general",)),),
            Staffed(opens_with=1, count=3, lack=Lack(left=4, what="queue")),
        ),
        (
            Requirements(queue="general", support_tier=3),
            (),
            Staffed(opens_with=None, lack=Lack(left=3, what="support_tier")),
        ),
        (
            Requirements(queue="general", skills=(("german", 5),)),
            (lowered(1, 4), lowered(2, 4), lowered(3, 3)),
            Staffed(
                opens_with=3, count=1, lack=Lack(left=3, what="skill", name="german", level=5, best=3), idle=(2,)
            ),
        ),
        (
            Requirements(queue="general", skills=(("french", 1),)),
            (),
            Staffed(opens_with=None, lack=Lack(left=3, what="skill", name="french", level=1)),
        ),
        (
            Requirements(queue="general", skills=(("german", 1),), without=("english",)),
            (),
            Staffed(opens_with=None, lack=Lack(left=2, what="without", name="english")),
        ),
        (
            Requirements(queue="general", teams=("red",)),
            (),
            Staffed(opens_with=None, lack=Lack(left=3, what="team")),
        ),
    ],
)
def test_the_first_thing_that_nobody_has_is_named(
    asked: Requirements, steps: tuple[Step, ...], staffed: Staffed
) -> None:
    staff = Staff(
        [
            agent("ann", skills={"german": 3, "english": 5}),
            agent("bob", skills={"german": 1, "english": 5}),
            agent("cid"),
            agent("dot", queues=frozenset({"technical"}), support_tier=3, skills={"german": 5}),
        ]
    )
    assert staff.staffed(asked, steps) == staffed
