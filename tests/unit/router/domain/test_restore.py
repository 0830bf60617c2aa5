"""Memory that is made anew from rows decides as the one would have that was lost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from services.router.app.sparse_solver import SparseSolver
from services.router.domain import decision as d
from services.router.domain.agent import ChannelLimit
from services.router.domain.configuration import Matching
from services.router.domain.policy import Preference, Requirements
from services.router.domain.queue import OfferMode, Queue
from shared.conditions import compile_condition
from shared.vocabulary import AgentState, ChannelKind
from tests.unit.router.domain.desk import Desk, agent, general
from tests.unit.router.restored import restored

AUTO = Queue(queue_id="general", offer_mode=OfferMode.AUTO)
FRENCH = compile_condition('ticket.language == "fr"', {"ticket": frozenset({"language"})})
ONE_AT_A_TIME = {kind: ChannelLimit(cost=100, most=1) for kind in ChannelKind}
TWO_AT_A_TIME = {kind: ChannelLimit(cost=50, most=2) for kind in ChannelKind}


def lived_on(desk: Desk) -> None:
    """Nothing has happened to the memory."""


def restarted(desk: Desk) -> None:
    """The memory was lost; rows come in any order."""
    desk.state = restored(desk.state, desk.now, Random(3))


@pytest.mark.parametrize("meanwhile", [lived_on, restarted])
def test_what_was_settled_has_no_part_in_what_is_matched_together(meanwhile: Callable[[Desk], None]) -> None:
    rules = [general(rule_id="asks", condition=FRENCH, requirements=Requirements(queue="asking")), general()]
    queues = [AUTO, Queue(queue_id="asking", asked_at_once=2)]
    together = Matching(at_least=2, misfit=0.0, load=1.0, urgency=0.0, stickiness=0.0, solver=SparseSolver())
    asked = agent("ann", queues=frozenset({"asking"}), limits=TWO_AT_A_TIME)
    names = ["bob", "cid"]
    elsewhere = [agent(name, queues=frozenset(), limits=ONE_AT_A_TIME) for name in names]
    desk = Desk.of(asked, *elsewhere, rules=rules, queues=queues, matching=together)
    desk.open("asks", language="fr")
    for name in ("one", "two"):
        desk.open(name)
    meanwhile(desk)
    here = [agent(name, limits=ONE_AT_A_TIME) for name in names]
    made = desk.configure(asked, *here, rules=rules, queues=queues, matching=together)
    given = [each for each in made if isinstance(each, d.WorkAssigned)]
    assert len(given) == 2
    assert all(each.reasons.choice and each.reasons.choice.together for each in given)


@pytest.mark.parametrize("meanwhile", [lived_on, restarted])
def test_holds_end_in_the_order_of_what_is_held(meanwhile: Callable[[Desk], None]) -> None:
    held_for = Preference(agent_id="ann", wait=timedelta(hours=1))
    rules = [
        general(rule_id="a", condition=FRENCH, requirements=Requirements(queue="a"), preference=held_for),
        general(preference=held_for),
    ]
    ann = agent("ann", queues=frozenset({"a", "general"}), limits=ONE_AT_A_TIME)
    desk = Desk.of(ann, rules=rules, queues=[AUTO, Queue(queue_id="a", offer_mode=OfferMode.AUTO)])
    desk.open("busy")
    names = ["one", "two", "three", "four"]
    for name, language in zip(names, ["fr", "en", "fr", "en"], strict=True):
        desk.now += timedelta(seconds=1)
        desk.open(name, language=language)
    meanwhile(desk)
    made = desk.set_state("ann", AgentState.AWAY)
    ended = [each.work_id for each in made if isinstance(each, d.HoldEnded)]
    assert ended == [desk.item(name).work_id for name in names]


def test_what_means_something_else_to_another_release_is_given_out_after_all() -> None:
    desk = Desk.of(agent("ann", queues=frozenset()), queues=[AUTO])
    desk.open("one")
    # The rows are those of a release to which ann could not have it.
    desk.state.configuration = replace(desk.state.configuration, agents={"ann": agent("ann")})
    restarted(desk)
    desk.after(seconds=1)
    assert desk.item("one").agent_id == "ann"
