"""What holds after every prefix of whatever can happen to a desk."""

import pytest
from hypothesis import HealthCheck, settings

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.evolve import evolve
from tests.unit.router.domain.desk import Desk
from tests.unit.router.domain.machine import DeskMachine
from tests.unit.router.domain.model import Model


class ModelMachine(DeskMachine):
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


class TogetherMachine(DeskMachine):
    """Where two items meet two agents they are matched together."""

    def __init__(self) -> None:
        super().__init__()
        self.together_from = 2


TogetherMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestTogether = pytest.mark.timeout(120)(TogetherMachine.TestCase)
TestDesk = pytest.mark.timeout(120)(ModelMachine.TestCase)
