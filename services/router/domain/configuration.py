"""What the engine is told about one workspace, ready to decide by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.router.domain.agent import DEFAULT_PRESENCE, AgentProfile, Presence
from services.router.domain.policy import Policy
from services.router.domain.queue import DEFAULT_QUEUE, Overflow, Queue
from shared.calendar import ALWAYS, Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A workspace's agents, queues and policy. Version 0 is what holds before anything is applied.

    calendars: by id; time_zone: whose days and hours policies read
    """

    version: int
    agents: Mapping[str, AgentProfile]
    queues: Mapping[str, Queue]
    policy: Policy
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    time_zone: str = "UTC"
    presence: Presence = DEFAULT_PRESENCE

    def routes_otherwise(self, before: "Configuration") -> bool:
        """Whether work that waits may have to go elsewhere than before: one agent more changes nothing of it."""
        return (
            self.policy.rules != before.policy.rules
            or (self.calendars, self.time_zone) != (before.calendars, before.time_zone)
            or _overflows(self.queues) != _overflows(before.queues)
            or not self.agents.keys() >= before.agents.keys()
        )

    def calendar(self, calendar_id: str | None) -> Calendar:
        """A calendar; around the clock where none is named, or one that is gone."""
        return self.calendars.get(calendar_id or "", ALWAYS)

    def queue(self, queue_id: str) -> Queue:
        """A queue; one that was removed while work waited in it behaves like the default."""
        return self.queues.get(queue_id) or Queue(queue_id=queue_id or DEFAULT_QUEUE)


def _overflows(queues: Mapping[str, Queue]) -> dict[str, Overflow | None]:
    return {queue_id: queue.overflow for queue_id, queue in queues.items()}
