"""Whether anybody could ever serve what a rule asks for, and what is missing where nobody could.

Agents are kept as bits: one number for each queue, tier, team and level of a skill says who has it. So thousands
of rules with all their steps are held against thousands of agents in a moment.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.router.domain.agent import AgentProfile
from services.router.domain.policy import Requirements, Step, TierMode, relaxed

_LEVELS = range(5, 0, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """The first thing by which nobody is left.

    left: how many agents had everything named before it; what: queue, support_tier, skill, without or team
    name: of the skill; level: that was asked for; best: the highest level among those who were left
    """

    left: int
    what: str
    name: str = ""
    level: int = 0
    best: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffed:
    """Who could serve what a rule asks for.

    opens_with: the step from which somebody could, 0 from the beginning; none: never
    count: how many then; lack: what is missing at the beginning, or where nobody ever could
    idle: steps, from 1, that ask for just what was asked for before
    """

    opens_with: int | None
    count: int = 0
    lack: Lack | None = None
    idle: tuple[int, ...] = ()


class Staff:
    """All agents of a workspace."""

    def __init__(self, profiles: Iterable[AgentProfile]) -> None:
        self.names: list[str] = []
        self._queues: dict[str, int] = defaultdict(int)
        self._tiers: dict[int, int] = defaultdict(int)
        self._teams: dict[str, int] = defaultdict(int)
        self._levels: dict[tuple[str, int], int] = defaultdict(int)
        self._partners = 0
        for index, profile in enumerate(profiles):
            self._take_in(1 << index, profile)
            self.names.append(profile.agent_id)

    def who(self, requirements: Requirements) -> int:
        """Those who have what is asked for, as bits."""
        return list(self._narrowed(requirements))[-1][1]

    def named(self, who: int) -> list[str]:
        """The ids of agents that are given as bits."""
        return [name for index, name in enumerate(self.names) if who >> index & 1]

    def in_queues(self, queues: Iterable[str]) -> int:
        """Those who are in any of these queues, as bits."""
        found = 0
        for queue in queues:
            found |= self._queues.get(queue, 0)
        return found

    def serves(self, queue: str) -> bool:
        """Whether anybody is in a queue."""
        return bool(self._queues.get(queue))

    def has_skill(self, skill: str) -> bool:
        """Whether anybody has a skill."""
        return bool(self._levels.get((skill, 1)))

    def staffed(self, target: Requirements, steps: tuple[Step, ...]) -> Staffed:
        """Whether what a rule asks for could be served, and from which of its steps on."""
        asked = [relaxed(target, steps[:count]) for count in range(len(steps) + 1)]
        idle = tuple(
            index
            for index, step in enumerate(steps, 1)
            if asked[index] == asked[index - 1] and not (step.raise_by or step.expedite)
        )
        counts = [self.who(requirements).bit_count() for requirements in asked]
        opens_with = next((index for index, count in enumerate(counts) if count), None)
        return Staffed(
            opens_with=opens_with,
            count=counts[opens_with] if opens_with is not None else 0,
            lack=None if opens_with == 0 else self._lack(asked[0 if opens_with else -1]),
            idle=idle,
        )

    def _lack(self, requirements: Requirements) -> Lack | None:
        """What nobody has of what is asked for."""
        left = len(self.names)
        before = (1 << left) - 1
        for lack, who in self._narrowed(requirements):
            if not who:
                best = self._best(lack.name, before) if lack.what == "skill" else 0
                return Lack(left=before.bit_count(), what=lack.what, name=lack.name, level=lack.level, best=best)
            before = who
        return None

    def _best(self, skill: str, who: int) -> int:
        """The highest level that any of these has."""
        return next((level for level in _LEVELS if self._levels.get((skill, level), 0) & who), 0)

    def _narrowed(self, requirements: Requirements) -> Iterator[tuple[Lack, int]]:
        """What is asked for, one thing after the other, and who has all of it so far; of partners the queue."""
        partners = self._queues.get(requirements.queue, 0) & self._partners
        who = self._queues.get(requirements.queue, 0)
        for queue in requirements.also:
            who |= self._queues.get(queue, 0) & ~self._partners
        yield Lack(left=0, what="queue"), who
        who &= self._of_tier(requirements)
        yield Lack(left=0, what="support_tier"), who | partners
        for skill, level in requirements.skills:
            who &= self._levels.get((skill, level), 0)
            yield Lack(left=0, what="skill", name=skill, level=level), who | partners
        for skill in requirements.without:
            who &= ~self._levels.get((skill, 1), 0)
            yield Lack(left=0, what="without", name=skill), who | partners
        if requirements.teams:
            teams = 0
            for team in requirements.teams:
                teams |= self._teams.get(team, 0)
            yield Lack(left=0, what="team"), (who & teams) | partners

    def _of_tier(self, requirements: Requirements) -> int:
        if requirements.tier_mode is TierMode.EXACT:
            return self._tiers.get(requirements.support_tier, 0)
        found = 0
        for tier, who in self._tiers.items():
            if tier >= requirements.support_tier:
                found |= who
        return found

    def _take_in(self, bit: int, profile: AgentProfile) -> None:
        for queue in profile.queues:
            self._queues[queue] |= bit
        for team in profile.teams:
            self._teams[team] |= bit
        for skill, top in profile.skills.items():
            for level in range(1, top + 1):
                self._levels[skill, level] |= bit
        self._tiers[profile.support_tier] |= bit
        if profile.partner is not None:
            self._partners |= bit


def lack_in_words(lack: Lack, asked: Requirements) -> str:
    """What nobody has, and what to do about it."""
    queue = f"queue {' or '.join((asked.queue, *asked.also))}"
    there = f"{agents_in_words(lack.left)} in {queue}"
    match lack.what:
        case "queue":
            return f"no agent is in {queue}; add it to somebody's queues"
        case "support_tier":
            higher = " or higher" if asked.tier_mode is TierMode.AT_LEAST else ""
            return f"of {there} none is of tier {asked.support_tier}{higher}; ask for another, or add somebody"
        case "skill" if lack.best:
            return (
                f"of {there} who may be asked otherwise none has {lack.name} at {lack.level}, the best has"
                f" {lack.best}; lower it to {lack.best}, or train somebody"
            )
        case "skill":
            return f"of {there} who may be asked otherwise none has {lack.name}; drop it, or train somebody"
        case "without":
            return f"{there} may be asked otherwise, and all of them have {lack.name}, which it rules out"
        case _:
            return f"of {there} who may be asked otherwise none is in team {' or '.join(asked.teams)}"


def agents_in_words(count: int) -> str:
    """So many agents."""
    return f"{count} agent{'s' if count != 1 else ''}"
