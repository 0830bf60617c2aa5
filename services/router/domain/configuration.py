"""What the engine is told about one workspace, ready to decide by."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from services.router.domain.agent import DEFAULT_LIMITS, DEFAULT_PRESENCE, AgentProfile, ChannelLimit, Presence
from services.router.domain.pairing import Solver
from services.router.domain.policy import Policy
from services.router.domain.queue import DEFAULT_QUEUE, Overflow, Queue
from shared.calendar import ALWAYS, Calendar
from shared.vocabulary import ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """When items and agents are matched all at once, and what an assignment costs then.

    at_least: so many of both have to meet
    misfit: the cost of an agent none of whose levels exceeds what is asked is half of it, and nears nothing with
        higher levels; the whole of it for each preferred skill that they lack
    load: the cost of an agent without room, against an idle one
    urgency: by how much both weigh more for an item whose promise is all used up
    stickiness: what it saves to give an item to the agent whom it would rather have
    """

    at_least: int
    misfit: float
    load: float
    urgency: float
    stickiness: float
    solver: Solver = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A workspace's agents, queues and policy. Version 0 is what holds before anything is applied.

    calendars: by id; time_zone: whose days and hours policies read
    limits: by kind of channel, for agents who have no others
    matching: how many items and many agents are matched; none: always one by one
    """

    version: int
    agents: Mapping[str, AgentProfile]
    queues: Mapping[str, Queue]
    policy: Policy
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    time_zone: str = "UTC"
    limits: Mapping[ChannelKind, ChannelLimit] = field(default_factory=lambda: DEFAULT_LIMITS)
    presence: Presence = DEFAULT_PRESENCE
    matching: Matching | None = None

    def as_version(self, version: int) -> "Configuration":
        """The same under another number."""
        return replace(self, version=version, policy=replace(self.policy, version=version))

    def with_agents(
        self, version: int, changed: Collection[AgentProfile], removed: Collection[str]
    ) -> "Configuration":
        """The same under another number, with some agents new or others than before, and some gone."""
        agents = {**self.agents, **{profile.agent_id: profile for profile in changed}}
        for agent_id in removed:
            agents.pop(agent_id, None)
        return replace(self.as_version(version), agents=agents)

    def routes_otherwise(self, before: "Configuration") -> bool:
        """Whether work that waits may have to go elsewhere than before: agents change nothing of it."""
        return (
            self.policy.rules != before.policy.rules
            or (self.calendars, self.time_zone) != (before.calendars, before.time_zone)
            or _overflows(self.queues) != _overflows(before.queues)
        )

    def stands_as(self, before: "Configuration") -> bool:
        """Whether queues and presence are the same: then only the agents who changed are looked at anew."""
        return self.queues == before.queues and self.presence == before.presence

    def calendar(self, calendar_id: str | None) -> Calendar:
        """A calendar; around the clock where none is named, or one that is gone."""
        return self.calendars.get(calendar_id or "", ALWAYS)

    def queue(self, queue_id: str) -> Queue:
        """A queue; one that was removed while work waited in it behaves like the default."""
        return self.queues.get(queue_id) or Queue(queue_id=queue_id or DEFAULT_QUEUE)


def _overflows(queues: Mapping[str, Queue]) -> dict[str, Overflow | None]:
    return {queue_id: queue.overflow for queue_id, queue in queues.items()}
