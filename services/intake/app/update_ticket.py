"""Changes a ticket's status, priority, labels or subject by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.intake.app.desk import By, Desk, Seen, lock_ticket, record_with_notices
from services.intake.app.ports import TicketKey
from services.intake.domain.classification import (
    PRIORITY,
    Classification,
    Described,
    classify,
    label_source,
)
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import set_status, update
from services.intake.domain.ticket import Change, Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput
from shared.vocabulary import Priority, TicketStatus

MOST_LABELS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEdit:
    """What is to be another way; none means unchanged.

    labels: merged with those that are there; one without a value is taken away
    """

    status: TicketStatus | None = None
    priority: Priority | None = None
    labels: Mapping[str, str | None] = field(default_factory=dict)
    subject: str | None = None

    @property
    def changes_facts(self) -> bool:
        """Whether more than the status is to change."""
        return self.priority is not None or bool(self.labels) or self.subject is not None


async def update_ticket(key: TicketKey, edit: TicketEdit, by: By, *, seen: Seen, tx: Tx, desk: Desk) -> Ticket:
    """The ticket as it is afterwards.

    Labels that are changed by hand let the rules run again: they set what nobody has set by hand.
    Raises NotFound, NotAllowed, PreconditionFailed and IllegalTransition.
    """
    ticket, customer = await lock_ticket(key, by, tx=tx, desk=desk)
    seen(ticket.version)
    workspace = (await desk.workspaces.load(tx, [key[0]]))[key[0]]
    now = await tx.now()
    change = Change(ticket, ())
    if edit.changes_facts:
        facts = await _edited(ticket, customer, edit, by, workspace, tx=tx, desk=desk)
        change = update(
            ticket,
            by.actor,
            now,
            priority=facts.priority,
            labels=facts.labels,
            sources=facts.sources,
            subject=edit.subject,
        )
    if edit.status is not None:
        close_after = workspace.close_after(ticket.channel)
        change = change.then(set_status(change.ticket, edit.status, by.actor, now, close_after=close_after))
    if change.ticket != ticket:
        await record_with_notices(change, customer, by.cause, workspace, tx=tx, desk=desk)
    if change.ticket.subject != ticket.subject:
        await desk.correspondence.save_subject(tx, change.ticket)
    return change.ticket


async def _edited(
    ticket: Ticket,
    customer: Customer,
    edit: TicketEdit,
    by: By,
    workspace: Workspace,
    *,
    tx: Tx,
    desk: Desk,
) -> Classification:
    labels, sources = dict(ticket.labels), dict(ticket.sources)
    for label, value in edit.labels.items():
        sources[label_source(label)] = by.source
        labels.pop(label, None)
        if value is not None:
            labels[label] = value
    # Rules may have set more, of which some can be taken away.
    if len(labels) > max(MOST_LABELS, len(ticket.labels)):
        raise InvalidInput(f"A ticket has at most {MOST_LABELS} labels.", problems=(("/labels", "too many"),))
    if edit.priority is not None:
        sources[PRIORITY] = by.source
    priority = edit.priority or ticket.priority
    known = Classification(labels=labels, priority=priority, sources=sources)
    if not edit.labels or not workspace.rules.rules:
        return known
    opening = await desk.correspondence.opening(tx, (ticket.workspace_id, ticket.ticket_id))
    described = Described(
        subject=edit.subject if edit.subject is not None else ticket.subject,
        text=opening.text,
        channel=ticket.channel,
        channel_kind=ticket.channel_kind,
        language=ticket.language or "",
        sender=opening.sender,
        is_known=opening.is_known,
        is_machine=opening.is_machine,
    )
    return classify(described, customer, workspace.rules, known)
