"""Whoever was not asked can be told why, from the state directly after the choice."""

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.engine import run
from services.router.domain.policy import Requirements
from services.router.domain.why_not import WhyNot, is_choice, why_not
from shared.ids import SeededIds
from shared.vocabulary import AgentState, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, facts, general, ticket_id

GERMAN = general(requirements=Requirements(queue="general", skills=(("german", 3),)))


def asked(desk: Desk, name: str, about: str) -> WhyNot:
    """Why the first choice that follows from a new ticket is not of an agent."""
    opened = inputs.TicketKnown(ticket_id=ticket_id(name), facts=facts(), status=TicketStatus.NEW)
    for made in run(desk.state, opened, desk.now, SeededIds(b"seed", desk.now)):
        if isinstance(made, d.WorkOffered | d.WorkAssigned) and is_choice(made):
            return why_not(desk.state, made, about)
    raise AssertionError("nobody was asked")


@pytest.mark.parametrize(
    ("other", "reason", "words"),
    [
        (agent("bob", queues=frozenset({"billing"})), "queue", "bob was passed over: not in the queue."),
        (agent("bob", skills={"german": 2}), "skill:german", "bob was passed over: lacking german."),
        (agent("bob", skills={"german": 3}, support_tier=2), "support_tier", "bob was passed over: of another"),
    ],
)
def test_who_does_not_fit_lacks_something(other: object, reason: str, words: str) -> None:
    desk = Desk.of(agent("ann", skills={"german": 3}), other, rules=[GERMAN])  # type: ignore[arg-type] # profiles
    found = asked(desk, "one", "bob")
    assert found.reason == reason
    assert found.words.startswith(words)


def test_who_is_away_or_full_could_not_be_asked() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), agent("cid", capacity=10))
    desk.set_state("bob", AgentState.AWAY)
    assert asked(desk, "one", "bob").reason == "state:away"
    assert asked(desk, "two", "cid").reason == "capacity"


def test_who_has_refused_it_is_not_asked_again() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("one")
    made = desk.decline("ann")
    (again,) = [each for each in made if isinstance(each, d.WorkOffered)]
    assert why_not(desk.state, again, "ann").reason == "refused"


def test_who_came_later_in_rank_sees_both_ranking_values() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    found = asked(desk, "one", "bob")
    assert found.reason == "ranked"
    assert found.words == "bob could have been asked, but ann came first by longest idle."
    assert found.ranking is not None
    assert found.chosen_ranking is not None
    assert found.chosen_ranking < found.ranking


def test_the_chosen_one_was_the_one_and_a_stranger_was_not_there() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    assert asked(desk, "one", "ann").reason == "chosen"
    assert asked(desk, "two", "mallory").words == "There was no agent mallory then."


def test_an_item_asks_its_preferred_agent_first() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("one")
    desk.accept("ann")
    desk.status("one", TicketStatus.SOLVED)
    made = desk.status("one", TicketStatus.OPEN)
    (again,) = [each for each in made if isinstance(each, d.WorkOffered)]
    found = why_not(desk.state, again, "bob")
    assert (found.reason, found.words) == (
        "preferred",
        "bob could have been asked, but ann is asked first for this item.",
    )
