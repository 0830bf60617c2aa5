"""Metrics' part of a workspace's configuration: as it is written, checked, and turned into what is counted by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from services.metrics.domain.definitions import VARIANTS
from services.metrics.domain.fact import WHOLE, Dimension, Scope
from shared.configuration import Problem, refuse, repeated, unknown
from shared.durations import Duration
from shared.http.types import Request, Slug


class TargetPart(Request):
    """What a KPI should reach, in its unit; for one queue, or for the workspace."""

    kpi: str = Field(max_length=100, examples=["first_reply.p90"])
    queue: Slug | None = None
    target: float = Field(strict=True, ge=0, le=1e12)


class QueuePart(Request):
    """A queue that is shown even while nothing happens in it."""

    id: Slug
    answer_within: Duration | None = None


class MetricsPart(Request):
    """Metrics' part of the configuration.

    time_zone: whose days `today` and daily series are made of
    roster: the agents there are; those of whom nothing has been heard are offline
    """

    time_zone: str = Field(default="UTC", max_length=64, examples=["Europe/Berlin"])
    targets: tuple[TargetPart, ...] = Field(default=(), max_length=1000)
    roster: tuple[Slug, ...] = Field(default=(), max_length=20_000)
    queues: tuple[QueuePart, ...] = Field(default=(), max_length=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    """The workspace's configuration as metrics counts by it."""

    version: int = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    targets: dict[tuple[str, Scope], float] = field(default_factory=dict)
    roster: frozenset[str] = frozenset()
    queues: tuple[str, ...] = ()


def to_settings(version: int, part: MetricsPart) -> WorkspaceSettings:
    """What is counted by. Raises InvalidInput naming every rule that the part breaks."""
    refuse(_problems(part))
    return WorkspaceSettings(
        version=version,
        zone=ZoneInfo(part.time_zone),
        targets={(target.kpi, _scope(target)): target.target for target in part.targets},
        roster=frozenset(part.roster),
        queues=tuple(queue.id for queue in part.queues),
    )


def _scope(target: TargetPart) -> Scope:
    return WHOLE if target.queue is None else Scope(Dimension.QUEUE, target.queue)


def _problems(part: MetricsPart) -> Iterator[Problem]:
    try:
        ZoneInfo(part.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "/time_zone", f"there is no time zone {part.time_zone}"
    queues = [queue.id for queue in part.queues]
    yield from repeated("/queues", queues)
    seen: set[tuple[str, Scope]] = set()
    for index, target in enumerate(part.targets):
        yield from unknown(f"/targets/{index}/kpi", [target.kpi], list(VARIANTS), "KPI")
        if target.queue is not None and queues:
            yield from unknown(f"/targets/{index}/queue", [target.queue], queues, "queue")
        if (target.kpi, _scope(target)) in seen:
            yield f"/targets/{index}", f"{target.kpi} has a target there already"
        seen.add((target.kpi, _scope(target)))
    agents: set[str] = set()
    for index, agent_id in enumerate(part.roster):
        if agent_id in agents:
            yield f"/roster/{index}", f"{agent_id} stands twice"
        agents.add(agent_id)
