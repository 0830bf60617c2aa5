"""Labels that intake sets by itself, beside those of rules and people."""

from datetime import datetime

from services.intake.domain.classification import label_source
from services.intake.domain.lifecycle import update
from services.intake.domain.ticket import SYSTEM, Change, Ticket
from shared.vocabulary import ActorKind


def label_by_system(ticket: Ticket, label: tuple[str, str], now: datetime) -> Change:
    """The ticket with a label of ours, unless a person or a rule has set it."""
    key, value = label
    if ticket.sources.get(label_source(key), ActorKind.SYSTEM.value) != ActorKind.SYSTEM.value:
        return Change(ticket, ())
    return update(
        ticket,
        SYSTEM,
        now,
        labels={**ticket.labels, key: value},
        sources={**ticket.sources, label_source(key): ActorKind.SYSTEM.value},
    )
