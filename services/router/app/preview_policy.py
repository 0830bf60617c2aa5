"""Shows what another policy would make of recorded tickets."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.domain.configuration import Configuration
from services.router.domain.facts import Facts, moment_at
from services.router.domain.policy import Requirements, Step, failures, match
from services.router.domain.staffing import Staff
from services.router.domain.steps import base_priority
from shared.vocabulary import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A ticket as it is known now. at: when it was queued first, none if it never was"""

    ticket_id: UUID
    facts: Facts
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy makes of a ticket. failed: why conditions could not be evaluated on the way"""

    rule: str
    requirements: Requirements
    steps: tuple[Step, ...]
    priority: Priority
    failed: tuple[str, ...] = ()

    def leads_as(self, other: "Outcome") -> bool:
        """Whether the ticket goes the same way: the rule's name makes no difference to it."""
        mine = (self.requirements, self.steps, self.priority)
        return mine == (other.requirements, other.steps, other.priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A ticket that would go another way. is_servable: whether anybody could ever take it there"""

    sample: Sample
    before: Outcome
    after: Outcome
    is_servable: bool


class Comparison:
    """Two configurations, and what they make of the tickets looked at so far."""

    def __init__(self, before: Configuration, after: Configuration, *, rule: str | None, most: int) -> None:
        """rule: only tickets on which it decides, before or after; most: so many differences are kept"""
        self._before = before
        self._after = after
        self._rule = rule
        self._most = most
        self._staff = Staff(after.agents.values())
        self._servable: dict[tuple[Requirements, tuple[Step, ...]], bool] = {}
        self.looked_at = 0
        self.changed = 0
        self.unservable = 0
        self.failed = 0
        self.rules: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.queues: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.differences: list[Difference] = []

    def look_at(
        self, samples: Sequence[Sample], now: datetime, *, is_over: Callable[[], bool] = lambda: False
    ) -> int:
        """Asks both about some more tickets, each at the time at which it was queued; about how many.

        is_over: whether there is no time for another one
        """
        for number, sample in enumerate(samples):
            if is_over():
                return number
            at = sample.at or now
            before, after = _outcome(self._before, sample, at), _outcome(self._after, sample, at)
            if self._rule in (None, before.rule, after.rule):
                self._count(sample, before, after)
        return len(samples)

    def _count(self, sample: Sample, before: Outcome, after: Outcome) -> None:
        self.looked_at += 1
        for side, outcome in enumerate((before, after)):
            self.rules[side][outcome.rule] += 1
            self.queues[side][outcome.requirements.queue] += 1
        is_servable = self._is_servable(after)
        self.unservable += not is_servable
        self.failed += bool(after.failed)
        if not before.leads_as(after):
            self.changed += 1
            if len(self.differences) < self._most:
                difference = Difference(sample=sample, before=before, after=after, is_servable=is_servable)
                self.differences.append(difference)

    def _is_servable(self, outcome: Outcome) -> bool:
        asked = (outcome.requirements, outcome.steps)
        if asked not in self._servable:
            self._servable[asked] = self._staff.staffed(*asked).opens_with is not None
        return self._servable[asked]


def _outcome(by: Configuration, sample: Sample, at: datetime) -> Outcome:
    matched = match(by.policy, sample.ticket_id, sample.facts, moment_at(at, by.time_zone, by.calendars))
    return Outcome(
        rule=matched.rule.rule_id,
        requirements=matched.requirements,
        steps=matched.rule.steps,
        priority=base_priority(matched, sample.facts),
        failed=tuple(failures(matched.trail)),
    )
