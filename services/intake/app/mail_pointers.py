"""The tickets that mails point to."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from services.intake.app.mail_ports import ReferenceKey, References, Referred
from services.intake.app.screened_mail import ScreenedMail
from services.intake.domain import mail_threads
from services.intake.domain.screening import REPORTS
from shared.db.unit_of_work import Tx
from shared.vocabulary import MachineClass

_MAX_HINTS = 8
_ABOUT_OURS = (*REPORTS, MachineClass.AUTO_REPLY, MachineClass.AUTO_GENERATED)
"""These may hold the mail of ours that they are about."""

Pointed = tuple[tuple[UUID, ...], tuple[UUID, ...]]
"""Those for sure, and the likely ones; the strongest hint first."""


async def pointed_tickets(
    items: Sequence[ScreenedMail],
    known: Mapping[ReferenceKey, Referred],
    *,
    tx: Tx,
    references: References,
    secret: bytes,
) -> list[Pointed]:
    """The tickets that each mail points to, of those that it may join."""
    hints = [
        mail_threads.hints(
            item.mail,
            envelope_recipients=item.item.raw.recipients,
            workspace_id=item.workspace_id,
            secret=secret,
            is_about_ours=item.verdict.machine in _ABOUT_OURS,
        )
        for item in items
    ]
    numbers = {
        (item.workspace_id, hint)
        for item, found in zip(items, hints, strict=True)
        for hint in (*found.sure, *found.likely)
        if isinstance(hint, int)
    }
    tickets = await references.tickets(tx, numbers)

    def ticket_of(item: ScreenedMail, hint: mail_threads.Hint) -> UUID | None:
        if isinstance(hint, int):
            return tickets.get((item.workspace_id, hint))
        referred = item.referred(known, hint)
        return referred.ticket_id if referred else None

    def of(item: ScreenedMail, hints: Sequence[mail_threads.Hint]) -> tuple[UUID, ...]:
        named = (ticket_of(item, hint) for hint in hints)
        return tuple(dict.fromkeys(ticket_id for ticket_id in named if ticket_id))

    pointed = [(of(item, found.sure), of(item, found.likely)) for item, found in zip(items, hints, strict=True)]
    closed = await _closed_to(items, pointed, tx=tx, references=references)
    return [
        (_without(sure, others), _without(likely, others))
        for (sure, likely), others in zip(pointed, closed, strict=True)
    ]


async def _closed_to(
    items: Sequence[ScreenedMail], pointed: Sequence[Pointed], *, tx: Tx, references: References
) -> list[set[UUID]]:
    """Of each mail, the tickets that it may not join: those of another inbox."""
    named = [
        {*sure, *likely} if item.workspace.has_inboxes else set[UUID]()
        for item, (sure, likely) in zip(items, pointed, strict=True)
    ]
    tickets = {(item.workspace_id, one) for item, ids in zip(items, named, strict=True) for one in ids}
    channels = await references.channels(tx, tickets) if tickets else {}
    return [
        {one for one in ids if not item.workspace.shares(item.item.raw.channel, channels[item.workspace_id, one])}
        for item, ids in zip(items, named, strict=True)
    ]


def _without(ticket_ids: Sequence[UUID], others: Collection[UUID]) -> tuple[UUID, ...]:
    return tuple(ticket_id for ticket_id in ticket_ids if ticket_id not in others)[:_MAX_HINTS]
