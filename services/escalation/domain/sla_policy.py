"""SLA policies: which promises hold for a ticket. Of each agreement the first whose condition holds decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.escalation.domain.condition import Condition, Variables
from services.escalation.domain.escalation_policy import Chat, Contact, EscalationPolicy, Webhook
from services.escalation.domain.on_call import Rotation
from services.escalation.domain.people import People
from services.escalation.domain.promise import Basis, OnChange, Promise
from services.escalation.domain.ticket import Terms
from services.escalation.domain.trigger import Trigger
from shared.calendar import ALWAYS, Calendar
from shared.vocabulary import Agreement, Priority, SlaMetric

FIELDS: Mapping[str, frozenset[str]] = {
    "ticket": frozenset({"channel", "channel_kind", "priority", "labels", "language", "queue", "support_tier"}),
    "customer": frozenset({"tier", "language", "organisation"}),
    "channel": frozenset({"id", "kind"}),
}
"""What a policy's condition may read."""

BEGINNING = datetime.min.replace(tzinfo=UTC)
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a policy promises of one metric, for tickets of some priorities and customers of some tiers.

    customer_tiers: none for all whom no other target of the metric names
    has_calendar: whether it has a calendar of its own, `calendar_id`, which is none around the clock
    """

    metric: SlaMetric
    priorities: frozenset[Priority]
    customer_tiers: frozenset[str] | None = None
    within: timedelta
    has_calendar: bool = False
    calendar_id: str | None = None
    warn_at: tuple[int, ...] = ()
    escalation: str | None = None
    on_change: OnChange = OnChange.CARRY


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """Whose hours count for some tickets: those of an organisation, a queue or a channel."""

    calendar_id: str
    organisation: str | None = None
    queue: str | None = None
    channel: str | None = None

    def fits(self, terms: Terms) -> bool:
        """Whether everything that it names is the ticket's."""
        wanted = (
            (self.organisation, terms.facts.organisation_id),
            (self.queue, terms.queue),
            (self.channel, terms.facts.channel),
        )
        return all(name is None or name == actual for name, actual in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPolicy:
    """Promises for tickets on which a condition holds.

    calendar_rules: the first that fits decides whose hours count; calendar_id: where none does
    """

    policy_id: str
    agreement: Agreement = Agreement.SLA
    condition: Condition
    calendar_id: str | None = None
    calendar_rules: tuple[CalendarRule, ...] = ()
    targets: tuple[Target, ...]

    def target(self, metric: SlaMetric, priority: Priority, customer_tier: str) -> Target | None:
        """What is promised of a metric; a target that names the customer's tier comes first."""
        general = None
        for target in self.targets:
            if target.metric is metric and priority in target.priorities:
                if target.customer_tiers is None:
                    general = target
                elif customer_tier in target.customer_tiers:
                    return target
        return general

    def basis(self, terms: Terms) -> Basis:
        """What decides which of the promises hold for a ticket."""
        chosen = next((rule.calendar_id for rule in self.calendar_rules if rule.fits(terms)), None)
        return Basis(terms.facts.priority, terms.facts.customer_tier, chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """One version of a workspace's service levels; it holds from `since` until the next."""

    version: int = 0
    since: datetime = BEGINNING
    sla: Sequence[SlaPolicy] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    chats: Mapping[str, Chat] = field(default_factory=dict)
    people: People = field(default_factory=People)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    quiet_outside: Calendar | None = None
    _matched: dict[Terms, Mapping[Agreement, str]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _promises: dict[tuple[Agreement, str, Basis], Mapping[SlaMetric, Promise]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def following(self, before: "Policies") -> "Policies":
        """This version after the one before it: whoever is on call stays on, see `Layer.continued`."""
        rotations = {
            name: rotation.continued(before.rotations[name], self.since) if name in before.rotations else rotation
            for name, rotation in self.rotations.items()
        }
        return replace(self, rotations=rotations)

    def match(self, terms: Terms) -> Mapping[Agreement, str]:
        """The policy of each agreement that holds for a ticket; agreements without one are not there."""
        if not self.sla:
            return {}
        known = self._matched.get(terms)
        if known is None:
            if len(self._matched) >= _MOST_REMEMBERED:
                self._matched.clear()
            known = self._matched[terms] = self._match(terms)
        return known

    def promises(self, policy_id: str | None, agreement: Agreement, terms: Terms) -> Mapping[SlaMetric, Promise]:
        """What a policy promises for a ticket; metrics without a promise, which have no clock, are not there."""
        policy = self._policy(agreement, policy_id)
        return {} if policy is None else self._by_basis(policy, policy.basis(terms))

    def promised(self, policy_id: str, agreement: Agreement, metric: SlaMetric, basis: Basis) -> Promise:
        """A promise that was made before, found again. Raises LookupError where this version never made it."""
        policy = self._policy(agreement, policy_id)
        if policy is None:
            raise LookupError(f"version {self.version} has no policy {policy_id}")
        return self._by_basis(policy, basis)[metric]

    def _match(self, terms: Terms) -> Mapping[Agreement, str]:
        read = variables(terms)
        found: dict[Agreement, str] = {}
        for policy in self.sla:
            if policy.agreement not in found and policy.condition.holds(read):
                found[policy.agreement] = policy.policy_id
        return found

    def _policy(self, agreement: Agreement, policy_id: str | None) -> SlaPolicy | None:
        for policy in self.sla:
            if policy.policy_id == policy_id and policy.agreement is agreement:
                return policy
        return None

    def _by_basis(self, policy: SlaPolicy, basis: Basis) -> Mapping[SlaMetric, Promise]:
        key = policy.agreement, policy.policy_id, basis
        known = self._promises.get(key)
        if known is None:
            if len(self._promises) >= _MOST_REMEMBERED:
                self._promises.clear()
            targets = [
                (metric, policy.target(metric, basis.priority, basis.customer_tier)) for metric in SlaMetric
            ]
            known = {metric: self._promise(policy, target, basis) for metric, target in targets if target}
            self._promises[key] = known
        return known

    def _promise(self, policy: SlaPolicy, target: Target, basis: Basis) -> Promise:
        calendar_id = target.calendar_id if target.has_calendar else basis.calendar or policy.calendar_id
        return Promise(
            policy=policy.policy_id,
            version=self.version,
            basis=basis,
            target=target.within,
            calendar_id=calendar_id,
            calendar=self.calendars[calendar_id] if calendar_id else ALWAYS,
            warn_at=target.warn_at,
            escalation=target.escalation,
            on_change=target.on_change,
        )


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """The versions that a workspace's service levels have had, oldest first. The first is the built-in one.

    agreements: those that anything was ever promised by, customers' first
    """

    versions: tuple[Policies, ...] = (Policies(),)
    agreements: tuple[Agreement, ...] = field(init=False, compare=False, repr=False)
    _places: Mapping[int, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        places = {policies.version: place for place, policies in enumerate(self.versions)}
        object.__setattr__(self, "_places", places)
        ever = {policy.agreement for policies in self.versions for policy in policies.sla}
        object.__setattr__(self, "agreements", tuple(agreement for agreement in Agreement if agreement in ever))

    @property
    def latest(self) -> Policies:
        """The version that holds now."""
        return self.versions[-1]

    def at(self, instant: datetime) -> Policies:
        """The version that held then."""
        return next(policies for policies in reversed(self.versions) if policies.since <= instant)

    def version(self, number: int) -> Policies:
        """A version by its number."""
        return self.versions[self._places[number]]

    def between(self, number: int, until: datetime) -> list[Policies]:
        """The versions after one that came to hold until a moment."""
        later = self.versions[self._places[number] + 1 :]
        return [policies for policies in later if policies.since <= until]


def variables(terms: Terms) -> Variables:
    """What conditions read of a ticket."""
    facts = terms.facts
    return {
        "ticket": {
            "channel": facts.channel,
            "channel_kind": facts.channel_kind.value,
            "priority": facts.priority.value,
            "labels": dict(facts.labels),
            "language": facts.language or "",
            "queue": terms.queue or "",
            "support_tier": terms.support_tier or 0,
        },
        "customer": {
            "tier": facts.customer_tier,
            "language": facts.customer_language or "",
            "organisation": facts.organisation_id or "",
        },
        "channel": {"id": facts.channel, "kind": facts.channel_kind.value},
    }
