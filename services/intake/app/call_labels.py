"""The label by which the staff finds the calls that somebody has to come back to."""

from datetime import datetime

from services.intake.app.ports import Opening
from services.intake.domain.call_follow_up import LABEL
from services.intake.domain.classification import Classification, Described, classify, label_source
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import update
from services.intake.domain.ticket import SYSTEM, Change, Ticket
from services.intake.domain.workspace import Workspace
from shared.vocabulary import ActorKind

_SOURCE = ActorKind.SYSTEM.value


def labelled(
    ticket: Ticket,
    outcome: str | None,
    customer: Customer,
    workspace: Workspace,
    opening: Opening,
    now: datetime,
) -> Change:
    """The ticket with the outcome of its calls; without one it loses the label.

    What a person set or took away stays so. The rules run again, as they do when somebody labels a ticket.
    Raises IllegalTransition on a closed ticket.
    """
    source = label_source(LABEL)
    is_ours = ticket.sources.get(source) in (None, _SOURCE)
    if not is_ours or ticket.labels.get(LABEL) == outcome:
        return Change(ticket, ())
    labels = {key: value for key, value in ticket.labels.items() if key != LABEL}
    sources = {what: by for what, by in ticket.sources.items() if what != source}
    if outcome is not None:
        labels[LABEL], sources[source] = outcome, _SOURCE
    known = Classification(labels=labels, priority=ticket.priority, sources=sources)
    if workspace.rules.rules:
        described = Described(
            subject=ticket.subject,
            text=opening.text,
            channel=ticket.channel,
            channel_kind=ticket.channel_kind,
            language=ticket.language or "",
            sender=opening.sender,
            is_known=opening.is_known,
            is_machine=opening.is_machine,
        )
        known = classify(described, customer, workspace.rules, known)
    return update(ticket, SYSTEM, now, priority=known.priority, labels=known.labels, sources=known.sources)
