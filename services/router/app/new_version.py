"""What the engine is given where a part is to hold: the whole of it, or the agents who differ.

Most changes are one agent's, of as many as fifteen thousand: what is logged for ever is what changed.
"""

from dataclasses import dataclass

from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.matching_parts import to_matching
from services.router.domain import inputs
from services.router.domain.configuration import Configuration, Matching
from services.router.domain.state import RoutingState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A part that is to hold.

    configuration: what it becomes; base: the version that was there when it was written
    agents: what makes it of the base; none where more than agents differ
    """

    configuration: Configuration
    base: int
    agents: inputs.ConfigureAgents | None

    def input(self, state: RoutingState) -> inputs.Configure | inputs.ConfigureAgents:
        """What makes it the version after the one that holds."""
        version = state.configuration.version
        if self.agents is not None and version == self.base:
            return self.agents
        return inputs.Configure(configuration=self.configuration.as_version(version + 1))


def new_version(base: int, before: RouterPart, part: RouterPart) -> NewVersion:
    """What makes a part hold. base, before: the version that holds, and its part.

    Raises InvalidInput naming every rule that the part breaks.
    """
    return NewVersion(
        configuration=to_configuration(base + 1, part), base=base, agents=_agents(base, before, part)
    )


def _agents(base: int, before: RouterPart, part: RouterPart) -> inputs.ConfigureAgents | None:
    if before.model_copy(update={"agents": part.agents}) != part:
        return None
    if _matching(before) != _matching(part):
        return None  # how many agents there are says whether many are matched together
    known = {agent.id: agent for agent in before.agents}
    named = {agent.id for agent in part.agents}
    return inputs.ConfigureAgents(
        version=base + 1,
        changed=tuple(agent for agent in part.agents if known.get(agent.id) != agent),
        removed=tuple(sorted(known.keys() - named)),
    )


def _matching(part: RouterPart) -> Matching | None:
    return to_matching(part.matching, agents=len(part.agents))
