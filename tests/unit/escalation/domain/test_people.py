"""Whose turn it is in a team, and who answers for what."""

from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.people import People, next_in_turn

names = st.sampled_from("abcdefgh")
teams = st.sets(names, min_size=1).map(sorted)


@given(teams, st.none() | names, st.integers(1, 3))
def test_everybody_has_as_many_turns(team: list[str], last: str | None, rounds: int) -> None:
    had = []
    for _ in range(rounds * len(team)):
        last = next_in_turn(team, last)
        had.append(last)
    assert {member: had.count(member) for member in team} == dict.fromkeys(team, rounds)


@given(teams, names, names)
def test_who_joins_or_leaves_shifts_nobody_elses_turn(team: list[str], last: str, other: str) -> None:
    following = next_in_turn(team, last)
    without = next_in_turn([member for member in team if member != other], last)
    assert following == other or without == following


def test_a_team_without_people_has_no_turn() -> None:
    assert next_in_turn([], "a") is None


def test_the_agents_own_manager_comes_before_that_of_the_queue() -> None:
    people = People(managers={"ada": "lena"}, queue_managers={"technical": "max"})
    assert people.manager("ada", "technical") == "lena"
    assert people.manager("ben", "technical") == people.manager(None, "technical") == "max"
    assert people.manager(None, None) is None
