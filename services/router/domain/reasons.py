"""Why something was decided about work: what explains it in words, and lets it be found again."""

from dataclasses import dataclass

from services.router.domain.order import Precedence
from services.router.domain.pairing import Method
from services.router.domain.policy import Requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What was decided all at once with this, and what that gained.

    items, agents: how many met; method: how it was decided; served: items that got an agent
    cost: of all assignments; one by one, the same agents may have got other items, and at another cost
    """

    items: int
    agents: int
    method: Method
    served: int
    cost: float
    served_one_by_one: int
    cost_one_by_one: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Why this item and this agent: what was asked for, who could be asked, who could not and why.

    eligible: agents who could be asked; others: counts of the rest by the first reason
    ranked: (agent, ranking values) of the winner and the next best, in order
    precedence: why the item was first in its line
    together: where many items and agents were matched at once
    """

    requirements: Requirements
    ranking: str
    eligible: int
    others: dict[str, int]
    ranked: tuple[tuple[str, tuple[float | int | str, ...]], ...] = ()
    preferred_agent_id: str | None = None
    precedence: Precedence | None = None
    together: Together | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """A decision's record: what explains it in words, and lets it be found again.

    trail: (rule, what became of it), where a policy was evaluated
    """

    policy_version: int
    step: int = 0
    trail: tuple[tuple[str, str], ...] = ()
    choice: Choice | None = None
    note: str | None = None
