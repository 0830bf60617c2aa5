"""What metrics remembers of an SLA clock: how each of its generations ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A promise was kept or broken.

    at: when; a breach happened when it was due, however late that was noticed
    value: wall time used, in microseconds; business_value: the same in the clock's calendar
    queue, agent_id: who had it, where the event says so
    """

    is_met: bool
    at: datetime
    event_id: UUID
    value: int
    business_value: int
    queue: str | None = None
    agent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStory:
    """One clock: the verdict on each generation."""

    metric: str
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)


def judged(story: ClockStory, generation: int, verdict: Verdict) -> ClockStory:
    """A generation ended. A breach is final: only its withdrawal makes room for another verdict."""
    standing = story.verdicts.get(generation)
    if standing is not None and not standing.is_met:
        return story
    return replace(story, verdicts={**story.verdicts, generation: verdict})


def withdrawn(story: ClockStory, breach_event_id: UUID) -> ClockStory:
    """The breach never was."""
    kept = {
        generation: verdict
        for generation, verdict in story.verdicts.items()
        if verdict.is_met or verdict.event_id != breach_event_id
    }
    return replace(story, verdicts=kept)
