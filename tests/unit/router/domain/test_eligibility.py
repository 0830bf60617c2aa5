"""What an agent lacks by configuration."""

import pytest

from services.router.domain.eligibility import misfit
from services.router.domain.policy import Requirements
from tests.unit.router.domain.desk import agent

ANN = agent("ann", skills={"billing": 3, "trainee": 1}, teams=frozenset({"north", "night"}))


@pytest.mark.parametrize(
    ("asked", "lacks"),
    [
        ({}, None),
        ({"skills": (("billing", 3),)}, None),
        ({"skills": (("billing", 4),)}, "skill:billing"),
        ({"preferred": (("billing", 5), ("french", 1))}, None),
        ({"without": ("trainee",)}, "without:trainee"),
        ({"without": ("french",)}, None),
        ({"teams": ("north", "south")}, None),
        ({"teams": ("south",)}, "team"),
        ({"support_tier": 2}, "support_tier"),
    ],
)
def test_the_first_thing_that_is_lacking_is_named(asked: dict[str, object], lacks: str | None) -> None:
    assert misfit(ANN, Requirements(queue="general", **asked)) == lacks  # type: ignore[arg-type] # a table's
