"""Whom a step tells, found when it is taken; nobody found is said, too."""

from dataclasses import replace
from uuid import UUID

from services.escalation.app.finder import AHEAD, Finder
from services.escalation.domain.escalation_policy import Notify
from services.escalation.domain.hand_over import OnDuty
from services.escalation.domain.people import People
from services.escalation.domain.sla_policy import Policies
from services.escalation.domain.stand_in import StandIn
from tests.unit.escalation.builders import T0, a_ticket, minutes
from tests.unit.escalation.domain.rotas import a_layer, a_rotation

PEOPLE = People(teams={"front": ("ada", "ben")}, queues={"technical": ("ben", "cy")}, managers={"ada": "lena"})
POLICIES = Policies(people=PEOPLE, rotations={"desk": a_rotation(a_layer("lena"))})
TICKET = replace(a_ticket(), agent_id="ada", queue="technical")


def standing_in(agent: str, *, workspace_id: str = "acme") -> StandIn:
    return StandIn(
        workspace_id=workspace_id,
        override_id=UUID(int=1),
        rotation="desk",
        agent=agent,
        start_at=T0,
        end_at=T0 + minutes(1),
        created_at=T0,
        created_by="tests",
    )


def found(step: Notify, finder: Finder | None = None) -> tuple[str, ...]:
    return (finder or Finder(now=T0)).found(step, TICKET, POLICIES).agents


def test_whoever_is_on_call_is_told() -> None:
    step = Notify(agents=("kim",), on_call=("desk",))
    assert found(step) == ("kim", "lena")
    finder = Finder(now=T0, stand_ins=[standing_in("zoe"), standing_in("yan", workspace_id="other")])
    assert found(step, finder) == ("kim", "zoe")


def test_the_manager_and_the_queue_are_those_of_the_ticket() -> None:
    assert found(Notify(manager=True, queue=True)) == ("lena", "ben", "cy")


def test_nobody_is_told_twice() -> None:
    assert found(Notify(agents=("lena",), on_call=("desk",), manager=True)) == ("lena",)


def test_teams_are_told_one_after_the_other_and_what_was_taken_is_kept() -> None:
    finder = Finder(now=T0, last={("acme", "front"): "ada"})
    step = Notify(teams_in_turn=("front",))
    assert [found(step, finder) for _ in range(3)] == [("ben",), ("ada",), ("ben",)]
    assert finder.taken == {("acme", "front"): "ben"}


def test_where_nobody_is_found_the_name_says_who_should_have_been() -> None:
    nobody = replace(TICKET, agent_id=None, queue="empty")
    step = Notify(on_call=("gone",), manager=True, teams_in_turn=("gone",), queue=True)
    told = Finder(now=T0).found(step, nobody, POLICIES).agents
    assert told == ("on call: gone", "manager", "team: gone", "queue: empty")


def test_who_is_on_call_holds_until_the_next_change_or_is_looked_at_again() -> None:
    finder = Finder(now=T0, stand_ins=[standing_in("zoe")])
    assert finder.on_duty("acme", "desk", POLICIES) == OnDuty("zoe", T0 + minutes(1))
    assert Finder(now=T0).on_duty("acme", "desk", POLICIES) == OnDuty("lena", T0 + AHEAD)
    assert finder.on_duty("acme", "gone", POLICIES) is None
