"""How many items and many agents are matched all at once, as it is written in a configuration."""

from pydantic import Field

from services.router.domain.configuration import Matching
from shared.http.types import Request


class MatchingPart(Request):
    """When who gets what is decided for many items and agents together, and what an assignment costs then."""

    at_least: int = Field(
        default=20, ge=0, le=1000, description="From so many items and agents that meet; 0: always one by one."
    )
    misfit: float = Field(default=1.0, ge=0, le=100)
    load: float = Field(default=1.0, ge=0, le=100)
    urgency: float = Field(default=1.0, ge=0, le=100)
    stickiness: float = Field(default=2.0, ge=0, le=100)


def to_matching(part: MatchingPart, *, agents: int) -> Matching | None:
    """What the engine decides by; None where it is always one by one, as with fewer agents than it takes."""
    if not 0 < part.at_least <= agents:
        return None
    from services.router.app.sparse_solver import SparseSolver

    return Matching(
        at_least=part.at_least,
        misfit=part.misfit,
        load=part.load,
        urgency=part.urgency,
        stickiness=part.stickiness,
        solver=SparseSolver(),
    )
