"""A recorded office under other configurations."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from services.router.adapters.recorded import Place
from services.router.adapters.replaying import read_run
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.observed import Observed
from services.router.app.outcome import Outcome, otherwise, outcome
from services.router.app.people import RecordedStep, learn
from services.router.app.replay import blank
from services.router.app.what_if import Adapt, World
from services.router.domain.configuration import Configuration
from tests.unit.router.memory import ACME, Hall
from tests.unit.router.office import Office, part

TICKETS = 300
MINUTE = timedelta(minutes=1)
RETRAINED = {"capacity": 60, "support_tier": 2}


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


@pytest.fixture(scope="module")
async def retrained() -> list[RecordedStep]:
    """As recorded, but that half of the agents get another tier and less room, one by one, while they work."""
    hall = Hall()
    office = Office(hall, agents=8, every_s=30, handling_s=600)
    await office.open()
    for number in range(4):
        office.expect(hall.now_ + number * 20 * MINUTE, partial(retrain, hall, f"a00{number}"))
    await office.work(TICKETS)
    assert [row["kind"] for row in hall.rows.log].count("ConfigureAgents") == 4
    return await read_run(hall.rows, Place(0, 0), Place(len(hall.rows.log), len(hall.rows.decided)))


async def retrain(hall: Hall, name: str) -> None:
    assert hall.rows.configuration is not None
    before = RouterPart.model_validate(hall.rows.configuration[1])
    agents = [agent.model_copy(update=RETRAINED) if agent.id == name else agent for agent in before.agents]
    await hall.configured(before.model_copy(update={"agents": tuple(agents)}))


def test_what_changed_one_agent_changes_them_in_the_other_run_too(retrained: list[RecordedStep]) -> None:
    before, world = tried(retrained, lambda configuration: configuration)
    assert len(otherwise(before, world.seen)) < 0.02 * len(before.courses)
    capacities = {name: one.capacity for name, one in world.state.configuration.agents.items()}
    assert capacities == {f"a00{number}": 60 if number < 4 else 100 for number in range(8)}


def test_who_is_missing_in_the_other_run_does_not_come_with_a_change(retrained: list[RecordedStep]) -> None:
    _, world = tried(retrained, without("a000", "a007"))
    assert not {"a000", "a007"} & outcome(world.seen, MINUTE).agents.keys()
    assert world.state.configuration.agents.keys() == {f"a00{number}" for number in range(1, 7)}
    assert world.state.configuration.agents["a001"].capacity == 60
    assert world.state.configuration.version == 5


def test_a_configuration_that_holds_throughout_is_not_changed_by_what_changed_agents(
    retrained: list[RecordedStep],
) -> None:
    given = to_configuration(1, part(6))
    _, world = tried(retrained, lambda _: given)
    assert world.state.configuration is given
    assert {one.profile.capacity for one in world.state.agents.values()} == {100}
