"""SLA policies: which promises hold for a ticket. Ordered; the first whose condition holds decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.escalation.domain.escalation_policy import Contact, EscalationPolicy, Webhook
from services.escalation.domain.on_call import Rotation
from services.escalation.domain.ticket import Facts
from shared.calendar import Calendar
from shared.vocabulary import Priority, SlaMetric

FIELDS: Mapping[str, frozenset[str]] = {
    "ticket": frozenset({"channel", "channel_kind", "priority", "labels", "language"}),
    "customer": frozenset({"tier", "language", "organisation"}),
    "channel": frozenset({"id", "kind"}),
}
"""What a policy's condition may read."""

BEGINNING = datetime.min.replace(tzinfo=UTC)


class Condition(Protocol):
    """A compiled condition."""

    def holds(self, variables: Mapping[str, Mapping[str, object]]) -> bool:
        """Whether it holds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a clock measures against.

    version: of the configuration that made it; priority: of the tickets that it is made for
    calendar_id: none around the clock
    warn_at: shares of the target in per cent, rising; escalation: the policy that a breach sets off
    """

    policy: str
    version: int
    priority: Priority = field(compare=False)
    target: timedelta
    calendar_id: str | None
    calendar: Calendar
    warn_at: tuple[int, ...] = ()
    escalation: str | None = None

    def is_same(self, other: "Promise") -> bool:
        """Whether the two differ in nothing but the version that made them."""
        return self == replace(other, version=self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPolicy:
    """Promises for tickets on which a condition holds."""

    policy_id: str
    condition: Condition
    promises: Mapping[tuple[SlaMetric, Priority], Promise]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """One version of a workspace's service levels; it holds from `since` until the next."""

    version: int = 0
    since: datetime = BEGINNING
    sla: Sequence[SlaPolicy] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)

    def following(self, before: "Policies") -> "Policies":
        """This version after the one before it: whoever is on call stays on, see `Layer.continued`."""
        rotations = {
            name: rotation.continued(before.rotations[name], self.since) if name in before.rotations else rotation
            for name, rotation in self.rotations.items()
        }
        return replace(self, rotations=rotations)

    def match(self, facts: Facts) -> str | None:
        """The policy that holds for a ticket, if any does."""
        if not self.sla:
            return None
        variables = _variables(facts)
        return next((policy.policy_id for policy in self.sla if policy.condition.holds(variables)), None)

    def promise(self, policy_id: str | None, metric: SlaMetric, priority: Priority) -> Promise | None:
        """What a policy promises; none means that there is no clock."""
        for policy in self.sla:
            if policy.policy_id == policy_id:
                return policy.promises.get((metric, priority))
        return None


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """The versions that a workspace's service levels have had, oldest first. The first is the built-in one."""

    versions: tuple[Policies, ...] = (Policies(),)

    @property
    def latest(self) -> Policies:
        """The version that holds now."""
        return self.versions[-1]

    def at(self, instant: datetime) -> Policies:
        """The version that held then."""
        return next(policies for policies in reversed(self.versions) if policies.since <= instant)

    def version(self, number: int) -> Policies:
        """A version by its number."""
        return next(policies for policies in self.versions if policies.version == number)

    def between(self, number: int, until: datetime) -> list[Policies]:
        """The versions after one that came to hold until a moment."""
        return [policies for policies in self.versions if policies.version > number and policies.since <= until]


def _variables(facts: Facts) -> dict[str, dict[str, object]]:
    return {
        "ticket": {
            "channel": facts.channel,
            "channel_kind": facts.channel_kind.value,
            "priority": facts.priority.value,
            "labels": dict(facts.labels),
            "language": facts.language or "",
        },
        "customer": {
            "tier": facts.customer_tier,
            "language": facts.customer_language or "",
            "organisation": facts.organisation_id or "",
        },
        "channel": {"id": facts.channel, "kind": facts.channel_kind.value},
    }
