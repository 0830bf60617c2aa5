"""Shows what other rules would have made of the requests that opened the newest tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.classification import (
    PRIORITY,
    Classification,
    Described,
    RuleBook,
    classify,
    label_source,
    stated,
)
from services.intake.domain.customer import Customer
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx

_SENDER = "sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A request that opened a ticket. request: without a language"""

    message_id: UUID
    created_at: datetime
    ticket: Ticket
    customer: Customer
    request: Described


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A request of which the new rules make something else than those that hold."""

    sample: Sample
    before: Classification
    after: Classification


class Samples(Protocol):
    """Requests that opened tickets."""

    async def newest(
        self, tx: Tx, workspace_id: str, before: tuple[datetime, UUID] | None, most: int
    ) -> list[Sample]:
        """The newest, of those before this moment and message."""
        ...


def preview_rules(samples: Sequence[Sample], workspace: Workspace, book: RuleBook) -> list[Difference]:
    """Where these rules make something else of a request than the workspace's own do.

    What people have changed since plays no part: both are asked about the request as it came.
    """
    found = []
    for sample in samples:
        before, after = (_classified(sample, workspace, rules) for rules in (workspace.rules, book))
        if _said(before) != _said(after):
            found.append(Difference(sample=sample, before=before, after=after))
    return found


def _classified(sample: Sample, workspace: Workspace, book: RuleBook) -> Classification:
    request, ticket = sample.request, sample.ticket
    seen = workspace.language_of(f"{request.subject}\n{request.text}")
    described = replace(request, language=seen or "")
    labels = {
        key: value for key, value in ticket.labels.items() if ticket.sources.get(label_source(key)) == _SENDER
    }
    priority = ticket.priority if ticket.sources.get(PRIORITY) == _SENDER else None
    return classify(described, sample.customer, book, stated(labels, priority, _SENDER))


def _said(classified: Classification) -> tuple[object, ...]:
    """All of it but who said it."""
    return classified.labels, classified.priority, classified.language, classified.fate
