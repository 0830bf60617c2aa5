"""A recorded office under other configurations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.adapters.recorded import Place
from services.router.adapters.replaying import read_run
from services.router.app.observed import Observed
from services.router.app.outcome import Outcome, otherwise, outcome
from services.router.app.people import RecordedStep, learn
from services.router.app.replay import blank
from services.router.app.what_if import Adapt, World
from services.router.domain.configuration import Configuration
from tests.unit.router.memory import ACME, Hall
from tests.unit.router.office import Office

TICKETS = 300
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
async def recorded() -> list[RecordedStep]:
    hall = Hall()
    office = Office(hall, agents=8, every_s=30, handling_s=600)
    await office.open()
    await office.work(TICKETS)
    return await read_run(hall.rows, Place(0, 0), Place(len(hall.rows.log), len(hall.rows.decided)))


def tried(run: list[RecordedStep], adapt: Adapt) -> tuple[Observed, World]:
    began = run[0][0].decided_at
    state = blank(ACME)
    people, before = learn(state, run, began)
    before.end(run[-1][0].decided_at)
    world = World(state, people, Observed.beginning(state, began), adapt, began)
    world.live(run[-1][0].decided_at)
    return before, world


def mean(found: Outcome) -> float:
    assert found.waits.mean_s is not None
    return found.waits.mean_s


def level(found: Outcome) -> float:
    assert found.waits.level is not None
    return found.waits.level


def without(*names: str) -> Adapt:
    def adapt(configuration: Configuration) -> Configuration:
        agents = {name: one for name, one in configuration.agents.items() if name not in names}
        return replace(configuration, agents=agents)

    return adapt


def test_the_same_configuration_comes_to_the_same(recorded: list[RecordedStep]) -> None:
    before, world = tried(recorded, lambda configuration: configuration)
    changed = otherwise(before, world.seen)
    assert len(changed) < 0.02 * len(before.courses)
    one, other = outcome(before, MINUTE), outcome(world.seen, MINUTE)
    assert one.waits.items == other.waits.items
    assert mean(other) == pytest.approx(mean(one), rel=0.02)


def test_with_fewer_agents_work_waits_longer_and_the_others_have_more(recorded: list[RecordedStep]) -> None:
    before, world = tried(recorded, without("a000", "a001"))
    one, other = outcome(before, MINUTE), outcome(world.seen, MINUTE)
    assert not {"a000", "a001"} & other.agents.keys()
    assert mean(other) > 2 * mean(one)
    assert level(other) < level(one)
    assert sum(load.assigned for load in other.agents.values()) >= TICKETS
    assert {each.after for each in otherwise(before, world.seen)} >= {"a002", "a003"}
