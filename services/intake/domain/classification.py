"""Ordered rules that label a request when it opens: what routing may know of a text, they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.intake.domain.customer import Customer
from services.intake.domain.message import InboundMessage
from shared.vocabulary import ChannelKind, Priority

FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {"subject", "text", "channel", "channel_kind", "language", "from", "labels", "is_machine"}
    ),
    "customer": frozenset({"tier", "language", "organisation"}),
}
"""What a rule's condition may read."""


class Condition(Protocol):
    """A compiled condition."""

    def holds(self, variables: Mapping[str, Mapping[str, object]]) -> bool:
        """Whether it holds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Sets labels and priority where its condition holds. Every rule that holds counts, the first to set wins."""

    name: str
    condition: Condition
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: Priority | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a request is labelled with."""

    labels: dict[str, str]
    priority: Priority


def classify(
    message: InboundMessage, kind: ChannelKind, customer: Customer, rules: Sequence[Rule]
) -> Classification:
    """Labels and priority of a request. What its sender's system said stands; rules only add."""
    labels = dict(message.labels)
    priority = message.priority
    variables = _variables(message, kind, customer)
    for rule in rules:
        if rule.condition.holds(variables):
            labels = {**rule.labels, **labels}
            priority = priority or rule.priority
    return Classification(labels=labels, priority=priority or Priority.NORMAL)


def _variables(message: InboundMessage, kind: ChannelKind, customer: Customer) -> dict[str, dict[str, object]]:
    return {
        "message": {
            "subject": message.subject,
            "text": message.text_new,
            "channel": message.channel,
            "channel_kind": kind.value,
            "language": message.language or "",
            "from": message.sender.identity.value if message.sender.identity else "",
            "labels": message.labels,
            "is_machine": message.machine != "none",
        },
        "customer": {
            "tier": customer.tier,
            "language": customer.language or "",
            "organisation": customer.organisation_id or "",
        },
    }
