"""A policy that changes is asked about all that waits, a portion a commit."""

from datetime import timedelta
from random import Random

import pytest

from services.router.domain import inputs
from services.router.domain.due import next_due_at
from services.router.domain.policy import Requirements
from services.router.domain.queue import Queue
from services.router.domain.reconsidering import PAUSE, PORTION, Reconsidering
from tests.unit.router.domain.desk import Desk, agent, general, kinds
from tests.unit.router.restored import restored

QUEUES = [Queue(queue_id="general"), Queue(queue_id="other")]
OTHERWISE = [general(requirements=Requirements(queue="other"))]
COUNT = 2 * PORTION + 10


@pytest.fixture
def crowded() -> Desk:
    desk = Desk.of(agent("ann", queues=frozenset({"other"})), queues=QUEUES, available=False)
    for number in range(COUNT):
        desk.now += timedelta(milliseconds=1)
        desk.open(str(number))
    return desk


def moved(desk: Desk) -> int:
    return sum(item.requirements.queue == "other" for item in desk.state.items.values())


def test_what_waits_is_asked_about_in_portions_between_which_others_are_served(crowded: Desk) -> None:
    crowded.configure(agent("ann", queues=frozenset({"other"})), queues=QUEUES, rules=OTHERWISE, version=2)
    assert moved(crowded) == PORTION
    assert next_due_at(crowded.state) == crowded.now + PAUSE
    crowded.set_state("ann")
    assert crowded.asked("0") == ["ann"], "what has been moved is given out meanwhile"
    crowded.open("new")
    assert crowded.item("new").requirements.queue == "other"
    crowded.after(seconds=1)
    crowded.after(seconds=1)
    assert moved(crowded) == COUNT + 1
    assert (crowded.state.reconsidering, next_due_at(crowded.state)) == (None, crowded.offers("ann")[0].expires_at)


def test_a_policy_that_changes_again_is_asked_about_all_from_the_first_on(crowded: Desk) -> None:
    ann = agent("ann", queues=frozenset({"other"}))
    crowded.configure(ann, queues=QUEUES, rules=OTHERWISE, version=2)
    crowded.configure(ann, queues=QUEUES, version=3)
    assert moved(crowded) == 0
    for _ in range(3):
        crowded.after(seconds=1)
    assert (moved(crowded), crowded.state.reconsidering) == (0, None)


def test_what_else_is_configured_meanwhile_breaks_nothing_off(crowded: Desk) -> None:
    ann = agent("ann", queues=frozenset({"other"}))
    crowded.configure(ann, queues=QUEUES, rules=OTHERWISE, version=2)
    slower = [*QUEUES[:1], Queue(queue_id="other", offer_timeout=timedelta(hours=1))]
    crowded.configure(ann, queues=slower, rules=OTHERWISE, version=3)
    for _ in range(3):
        crowded.after(seconds=1)
    assert moved(crowded) == COUNT


def test_another_name_of_a_queue_makes_no_index_anew(crowded: Desk) -> None:
    classes = list(crowded.state.classes.values())
    named = [Queue(queue_id="general", name="General"), Queue(queue_id="other")]
    made = crowded.configure(agent("ann", queues=frozenset({"other"})), queues=named, version=2)
    assert kinds(made) == ["Configured"]
    assert list(crowded.state.classes.values()) == classes


def test_whoever_goes_on_from_rows_does_the_same_in_the_same_portions(crowded: Desk) -> None:
    state = crowded.state
    everything = Reconsidering.of(state.items)
    assert everything is not None
    first = list(everything.portion(state.items))
    for work_id in sorted(state.items)[PORTION : PORTION + 5]:
        del state.items[work_id]
    again = Reconsidering(until=everything.until, after=everything.after)
    second = list(everything.portion(state.items))
    assert list(again.portion(state.items)) == second
    assert [len(first), len(second)] == [PORTION, PORTION]
    assert list(again.portion(state.items)) == list(everything.portion(state.items)) == sorted(state.items)[-5:]
    assert again.is_over(state.items)


def test_whoever_takes_over_goes_on_where_it_was(crowded: Desk) -> None:
    crowded.configure(agent("ann", queues=frozenset({"other"})), queues=QUEUES, rules=OTHERWISE, version=2)
    crowded.after(seconds=1)
    again = Desk(state=restored(crowded.state, crowded.now, Random(1)), now=crowded.now)
    assert next_due_at(again.state) == next_due_at(crowded.state) == crowded.now + PAUSE
    assert kinds(again.after(seconds=1)) == kinds(crowded.after(seconds=1)) == ["WorkRequeued"] * 10
    assert (moved(again), again.state.reconsidering) == (COUNT, None)


def test_nothing_is_asked_about_where_nothing_waits() -> None:
    desk = Desk.of(agent("ann"), queues=QUEUES)
    desk.configure(agent("ann"), queues=QUEUES, rules=OTHERWISE, version=2)
    assert desk.state.reconsidering is None
    assert not desk.state.timers
    desk.feed(inputs.Tick())
