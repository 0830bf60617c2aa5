"""Ordered rules that label a request: what routing may know of a text, they say.

They run when a ticket opens and again when its labels are changed. What somebody said stands; rules only add
to it, and what they added before they may change. Each label and the priority keep who set them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.intake.domain.customer import Customer
from shared.vocabulary import ChannelKind, Priority

FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {"subject", "text", "channel", "channel_kind", "language", "from", "labels", "is_machine"}
    ),
    "customer": frozenset({"tier", "language", "organisation"}),
}
"""What a rule's condition may read."""

FAILED = "classification"
"""The label that a request gets, with the value `failed`, where a condition could not be evaluated."""

PRIORITY = "priority"
_RULE = "rule:"


class Condition(Protocol):
    """A compiled condition."""

    def holds(self, variables: Mapping[str, Mapping[str, object]]) -> bool | None:
        """Whether it holds; None where it cannot be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Sets labels and priority where its condition holds. Every rule that holds counts, the first to set wins."""

    name: str
    condition: Condition
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: Priority | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What rules may read of a request, beside its customer."""

    subject: str
    text: str
    channel: str
    channel_kind: ChannelKind
    language: str
    sender: str
    is_machine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a request is labelled with, and by whom.

    priority: none where nobody has set one
    sources: `priority` and `labels/{key}` -> `rule:{name}@{version}`, `sender`, `agent:{id}`
    """

    labels: dict[str, str]
    priority: Priority | None
    sources: dict[str, str]


def label_source(key: str) -> str:
    """Where `sources` keeps who set a label."""
    return f"labels/{key}"


def stated(labels: Mapping[str, str], priority: Priority | None, source: str) -> Classification:
    """Labels and priority that somebody stated."""
    sources = {label_source(key): source for key in labels}
    if priority is not None:
        sources[PRIORITY] = source
    return Classification(labels=dict(labels), priority=priority, sources=sources)


def classify(
    request: Described, customer: Customer, rules: Sequence[Rule], version: int, known: Classification
) -> Classification:
    """What the rules make of a request about which this much is known.

    version: of the configuration that the rules are of
    """
    labels, priority, sources = _without_rules(known)
    variables = _variables(request, customer, labels)
    for rule in rules:
        source = f"{_RULE}{rule.name}@{version}"
        holds = rule.condition.holds(variables)
        if holds is None:
            _set(labels, sources, [(FAILED, "failed")], source)
        if not holds:
            continue
        _set(labels, sources, rule.labels.items(), source)
        if rule.priority is not None and priority is None:
            priority = rule.priority
            sources[PRIORITY] = source
    return Classification(labels=labels, priority=priority, sources=sources)


def _without_rules(known: Classification) -> tuple[dict[str, str], Priority | None, dict[str, str]]:
    """What people and systems stated: what rules set before is decided anew."""
    sources = {what: source for what, source in known.sources.items() if not source.startswith(_RULE)}
    labels = {
        key: value
        for key, value in known.labels.items()
        if not known.sources.get(label_source(key), "").startswith(_RULE)
    }
    return labels, known.priority if PRIORITY in sources else None, sources


def _set(labels: dict[str, str], sources: dict[str, str], values: Iterable[tuple[str, str]], source: str) -> None:
    for key, value in values:
        # A label that somebody took away has a source and no value.
        if key not in labels and label_source(key) not in sources:
            labels[key] = value
            sources[label_source(key)] = source


def _variables(request: Described, customer: Customer, labels: Mapping[str, str]) -> dict[str, dict[str, object]]:
    return {
        "message": {
            "subject": request.subject,
            "text": request.text,
            "channel": request.channel,
            "channel_kind": request.channel_kind.value,
            "language": request.language,
            "from": request.sender,
            # The same object all along: a rule sees what the rules before it have set.
            "labels": labels,
            "is_machine": request.is_machine,
        },
        "customer": {
            "tier": customer.tier,
            "language": customer.language or "",
            "organisation": customer.organisation_id or "",
        },
    }
