"""What fills the variables of templates."""

from services.intake.app.template_values import SAMPLES
from services.intake.domain.template import BUILT_IN


def test_every_built_in_variable_has_a_sample() -> None:
    assert SAMPLES.keys() == BUILT_IN.keys()
