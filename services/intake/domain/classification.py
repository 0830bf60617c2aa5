"""Ordered rules over a request: labels, priority and language for routing, and whether it is let in at all.

They run when a ticket opens and again when its labels are changed. What somebody said stands; rules only add
to it, and what they added before they may change. Each label and the priority keep who set them. Language and
fate are decided once, when the ticket opens.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from services.intake.domain.customer import Customer
from services.intake.domain.message import Sender
from services.intake.domain.word_lists import MAX_TEXT, WordList, found_in
from shared.vocabulary import ChannelKind, Priority

FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {"subject", "text", "channel", "channel_kind", "language", "from", "labels", "is_machine", "spam"}
    ),
    "sender": frozenset({"kind", "value", "domain", "name", "is_verified", "is_known"}),
    "customer": frozenset({"tier", "language", "organisation"}),
}
"""What a rule's condition may read, beside `lists` where the workspace has word lists."""

FAILED = "classification"
"""The label that a request gets, with the value `failed`, where a condition could not be evaluated."""

PRIORITY = "priority"
LANGUAGE = "language"
SPAM_LABEL = "spam_score"
MAX_LABEL = 200
_RULE = "rule:"

Variables = Mapping[str, Mapping[str, object]]


def _as_they_are(variables: Variables) -> Variables:
    return variables


class Fate(StrEnum):
    """What becomes of a request that would open a ticket."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"
    DROP = "drop"


class Condition(Protocol):
    """A compiled condition."""

    def holds(self, variables: Variables) -> bool | None:
        """Whether it holds; None where it cannot be told."""
        ...


class Value(Protocol):
    """What a label is set to."""

    def of(self, variables: Variables, seed: bytes) -> str | None:
        """The value; None where it cannot be told.

        seed: the same for the same request
        """
        ...


@dataclass(frozen=True, slots=True)
class Static:
    """Always the same."""

    value: str

    def of(self, variables: Variables, seed: bytes) -> str | None:  # noqa: ARG002 - as any value
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Weighted:
    """One of several, each for its share of the requests: the same request always gets the same.

    choices: value and weight, of which at least one is above 0
    """

    choices: tuple[tuple[str, int], ...]

    def of(self, variables: Variables, seed: bytes) -> str | None:  # noqa: ARG002 - as any value
        """The value that this request gets."""
        drawn = int.from_bytes(seed[:8], "big") % sum(weight for _, weight in self.choices)
        for value, weight in self.choices:
            drawn -= weight
            if drawn < 0:
                return value
        raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens where its condition holds. Every rule that holds counts, the first to set something wins.

    spam: points that it adds, or takes away; fate: only of requests that would open a ticket
    """

    name: str
    condition: Condition
    labels: Mapping[str, Value] = field(default_factory=dict)
    priority: Priority | None = None
    language: str | None = None
    spam: int = 0
    fate: Fate = Fate.ACCEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """The rules of a workspace.

    version: of the configuration that they are of
    prepared: makes variables ready for all conditions and values that read them before they change
    """

    rules: tuple[Rule, ...] = ()
    lists: Mapping[str, WordList] = field(default_factory=dict)
    version: int = 0
    prepared: Callable[[Variables], Variables] = _as_they_are


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What rules may read of a request, beside its customer.

    language: as far as it is known; is_known: whether its sender wrote before
    """

    subject: str
    text: str
    channel: str
    channel_kind: ChannelKind
    language: str
    sender: Sender
    is_known: bool
    is_machine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a request is labelled with, and by whom.

    priority, language: none where nobody has set one
    sources: `priority`, `language` and `labels/{key}` -> `rule:{name}@{version}`, `sender`, `agent:{id}`
    fate, fate_by: of the first rule that refuses it, and that rule's name
    """

    labels: dict[str, str]
    priority: Priority | None
    sources: dict[str, str]
    language: str | None = None
    fate: Fate = Fate.ACCEPT
    fate_by: str = ""


def label_source(key: str) -> str:
    """Where `sources` keeps who set a label."""
    return f"labels/{key}"


def stated(labels: Mapping[str, str], priority: Priority | None, source: str) -> Classification:
    """Labels and priority that somebody stated."""
    sources = {label_source(key): source for key in labels}
    if priority is not None:
        sources[PRIORITY] = source
    return Classification(labels=dict(labels), priority=priority, sources=sources)


def classify(request: Described, customer: Customer, book: RuleBook, known: Classification) -> Classification:
    """What the rules make of a request about which this much is known."""
    labels, priority, sources = _without_rules(known)
    if not book.rules:
        return Classification(labels=labels, priority=priority, sources=sources)
    message = _message(request, labels)
    variables: dict[str, Mapping[str, object]] = {
        "message": message,
        "sender": _sender(request),
        "customer": _customer(customer),
        "lists": found_in(book.lists, request.subject, request.text),
    }
    seed = _seed(request)
    language: str | None = None
    fate, fate_by, spam = Fate.ACCEPT, "", 0
    ready, set_before = book.prepared(variables), (len(labels), language, spam)
    for rule in book.rules:
        # Rules see what the rules before them have set.
        if (len(labels), language, spam) != set_before:
            ready, set_before = book.prepared(variables), (len(labels), language, spam)
        source = f"{_RULE}{rule.name}@{book.version}"
        holds = rule.condition.holds(ready)
        if holds is None:
            _set(labels, sources, [(FAILED, "failed")], source)
        if not holds:
            continue
        _set(labels, sources, _values(rule, ready, seed), source)
        if rule.priority is not None and priority is None:
            priority = rule.priority
            sources[PRIORITY] = source
        if rule.language is not None and language is None:
            message["language"] = language = rule.language
            sources[LANGUAGE] = source
        if rule.spam:
            message["spam"] = spam = spam + rule.spam
        if fate is Fate.ACCEPT:
            fate, fate_by = rule.fate, rule.name
    if spam > 0:
        _set(labels, sources, [(SPAM_LABEL, str(spam))], f"{_RULE}{SPAM_LABEL}@{book.version}")
    return Classification(
        labels=labels, priority=priority, sources=sources, language=language, fate=fate, fate_by=fate_by
    )


def _values(rule: Rule, variables: Variables, seed: bytes) -> Iterator[tuple[str, str]]:
    for key, value in rule.labels.items():
        said = value.of(variables, hashlib.sha256(seed + key.encode()).digest())
        if said is None:
            yield FAILED, "failed"
        elif said:
            yield key, said[:MAX_LABEL]


def _without_rules(known: Classification) -> tuple[dict[str, str], Priority | None, dict[str, str]]:
    """What people and systems stated: what rules set before is decided anew."""
    sources = {
        what: source for what, source in known.sources.items() if what == LANGUAGE or not source.startswith(_RULE)
    }
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


def _seed(request: Described) -> bytes:
    identity = request.sender.identity
    said = (request.subject, request.text, identity.value if identity else "")
    return hashlib.sha256("\0".join(said).encode()).digest()


def _message(request: Described, labels: Mapping[str, str]) -> dict[str, object]:
    """What rules read of the message. Labels are the same object all along."""
    identity = request.sender.identity
    return {
        "subject": request.subject,
        "text": request.text[:MAX_TEXT],
        "channel": request.channel,
        "channel_kind": request.channel_kind.value,
        "language": request.language,
        "from": identity.value if identity else "",
        "labels": labels,
        "is_machine": request.is_machine,
        "spam": 0,
    }


def _sender(request: Described) -> dict[str, object]:
    identity = request.sender.identity
    value = identity.value if identity else ""
    return {
        "kind": identity.kind.value if identity else "",
        "value": value,
        "domain": value.rpartition("@")[2] if "@" in value else "",
        "name": request.sender.name or "",
        "is_verified": request.sender.is_verified,
        "is_known": request.is_known,
    }


def _customer(customer: Customer) -> dict[str, object]:
    return {
        "tier": customer.tier,
        "language": customer.language or "",
        "organisation": customer.organisation_id or "",
    }
