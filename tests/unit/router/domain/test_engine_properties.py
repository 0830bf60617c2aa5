"""What holds after every prefix of whatever can happen to a desk."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.engine import run
from services.router.domain.evolve import evolve
from services.router.domain.state import RoutingState
from shared.errors import DomainError
from shared.ids import SeededIds
from tests.unit.router.domain.desk import Desk, ticket_id
from tests.unit.router.domain.machine import DeskMachine
from tests.unit.router.domain.model import Model
from tests.unit.router.restored import restored


class RestartingMachine(DeskMachine):
    """Makes the memory anew from rows at any time: it decides from then on what the one decides that was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.twin: RoutingState | None = None

    @rule(order=st.integers(0, 9))
    def restart(self, order: int) -> None:
        self.twin = restored(self.desk.state, self.desk.now, Random(order))

    def hand(self, current: inputs.Input) -> list[d.Decision]:
        twin, seed = self.twin, len(self.desk.log).to_bytes(8, "big")
        if twin is None:
            return super().hand(current)
        # As a commit does, it brings the input's ticket where no work is left on it.
        ticket = self.desk.state.tickets.get(getattr(current, "ticket_id", ticket_id("")))
        if ticket is not None:
            twin.tickets.setdefault(ticket.ticket_id, replace(ticket))
        again = run(twin, current, self.desk.now, SeededIds(seed, self.desk.now))
        try:
            made = super().hand(current)
        except DomainError:
            with pytest.raises(DomainError):
                list(again)
            raise
        assert list(again) == made
        return made


class ModelMachine(RestartingMachine):
    """Also asks a small model, before each thing that is given out, what that should be and to whom."""

    def __init__(self) -> None:
        super().__init__()
        self.shadow = Desk().state
        """The desk as it was before the decision that is looked at."""

    def hand(self, current: inputs.Input) -> list[d.Decision]:
        made = super().hand(current)
        now = self.desk.now
        self.shadow.reach(now)
        for each in made:
            model = Model(self.shadow, now)
            if isinstance(each, d.WorkOffered | d.WorkAssigned) and each.reasons.choice is not None:
                assert model.given_next() == (each.work_id, each.agent_id), each
            elif isinstance(each, d.WorkAssigned) and isinstance(current, inputs.TakeNext):
                assert model.taken_next(self.shadow.agents[current.agent_id]) == each.work_id, each
            evolve(self.shadow, each, now)
        assert Model(self.shadow, now).given_next() is None, "something was not given out"
        return made


ModelMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class TogetherMachine(RestartingMachine):
    """Where two items meet two agents they are matched together."""

    def __init__(self) -> None:
        super().__init__()
        self.together_from = 2

    def hand(self, current: inputs.Input) -> list[d.Decision]:
        made = super().hand(current)
        model = Model(self.desk.state, self.desk.now)
        for each in made:
            if isinstance(each, d.WorkOffered | d.WorkAssigned):
                choice = each.reasons.choice
                if choice is not None and choice.together is not None:
                    self.nobody_is_left_who_comes_before(model, each)
        return made

    def nobody_is_left_who_comes_before(self, model: Model, made: d.WorkOffered | d.WorkAssigned) -> None:
        """Before whom an item was given to, by rank, tier or membership; unless it would rather have them."""
        item, agents = self.desk.state.items[made.work_id], self.desk.state.agents
        first = model.ranking(item, agents[made.agent_id])[:3]
        left = [one for one in agents.values() if model.obstacle(one, item) is None]
        before = [one.agent_id for one in left if model.ranking(item, one)[:3] < first]
        assert made.agent_id == item.preferred_agent_id or not before


TogetherMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestTogether = pytest.mark.timeout(120)(TogetherMachine.TestCase)
TestDesk = pytest.mark.timeout(120)(ModelMachine.TestCase)
