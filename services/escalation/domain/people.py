"""Who belongs where, and whose turn it is in a team that is told one after the other."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody who can be told. teams, queues: their people, in the order of their ids

    managers: of agents; queue_managers: of queues, for work that nobody has, or whose agent has no manager
    """

    teams: Mapping[str, Sequence[str]] = field(default_factory=dict)
    queues: Mapping[str, Sequence[str]] = field(default_factory=dict)
    managers: Mapping[str, str] = field(default_factory=dict)
    queue_managers: Mapping[str, str] = field(default_factory=dict)

    def manager(self, agent: str | None, queue: str | None) -> str | None:
        """Who answers for work that this agent has in this queue."""
        return self.managers.get(agent or "") or self.queue_managers.get(queue or "")


def next_in_turn(members: Sequence[str], last: str | None) -> str | None:
    """Who follows the one who had the last turn, in the order of ids and round; none in an empty team.

    So nobody is passed over or comes twice where others join or leave, or whoever was last does.
    """
    if not members:
        return None
    return members[bisect_right(members, last or "") % len(members)]
