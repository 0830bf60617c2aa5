"""Whom a step tells, found when it is taken; nobody found is said, too."""

from dataclasses import replace

from services.escalation.app.finder import Finder, OnDuty
from services.escalation.domain.escalation_policy import Notify
from services.escalation.domain.people import People
from services.escalation.domain.sla_policy import Policies
from tests.unit.escalation.builders import T0, a_ticket

PEOPLE = People(teams={"front": ("ada", "ben")}, queues={"technical": ("ben", "cy")}, managers={"ada": "lena"})
POLICIES = Policies(people=PEOPLE)
TICKET = replace(a_ticket(), agent_id="ada", queue="technical")


def found(step: Notify, finder: Finder | None = None) -> tuple[str, ...]:
    return (finder or Finder()).found(step, TICKET, POLICIES).agents


def test_whoever_is_on_call_is_told() -> None:
    finder = Finder(on_duty={("acme", "desk"): OnDuty("zoe", T0), ("other", "desk"): OnDuty("yan", T0)})
    assert found(Notify(agents=("kim",), on_call=("desk",)), finder) == ("kim", "zoe")


def test_the_manager_and_the_queue_are_those_of_the_ticket() -> None:
    assert found(Notify(manager=True, queue=True)) == ("lena", "ben", "cy")


def test_nobody_is_told_twice() -> None:
    finder = Finder(on_duty={("acme", "desk"): OnDuty("lena", T0)})
    assert found(Notify(agents=("lena",), on_call=("desk",), manager=True), finder) == ("lena",)


def test_teams_are_told_one_after_the_other_and_what_was_taken_is_kept() -> None:
    finder = Finder(last={("acme", "front"): "ada"})
    step = Notify(teams_in_turn=("front",))
    assert [found(step, finder) for _ in range(3)] == [("ben",), ("ada",), ("ben",)]
    assert finder.taken == {("acme", "front"): "ben"}


def test_where_nobody_is_found_the_name_says_who_should_have_been() -> None:
    nobody = replace(TICKET, agent_id=None, queue="empty")
    step = Notify(on_call=("desk",), manager=True, teams_in_turn=("gone",), queue=True)
    told = Finder().found(step, nobody, POLICIES).agents
    assert told == ("on call: desk", "manager", "team: gone", "queue: empty")
