"""Records what servers tell about mail of ours, beside it and once.

In a unit of work of its own: it locks tickets, and mails that become messages lock their writers before those.
"""

from collections.abc import Sequence

from services.intake.app.mail_ports import RawState, ReadMail, Referred
from services.intake.app.receive_mail import MailDesk
from services.intake.app.screened_mail import ScreenedMail, screened
from services.intake.domain import mail_threads
from services.intake.domain.screening import GRAVE
from shared.db.unit_of_work import Tx


async def record_bounces(items: Sequence[ReadMail], *, tx: Tx, desk: MailDesk) -> None:
    """Marks messages that did not arrive, and addresses that cannot be mailed. Other mails are left alone.

    What was erased meanwhile tells nothing, and of what was erased nothing is told.
    """
    waiting = await desk.raws.lock(tx, {item.raw.key for item in items}, RawState.RECEIVED)
    configured = await desk.workspaces.load(tx, {item.raw.workspace_id for item in items})
    reports = [
        found
        for item in items
        if item.raw.key in waiting
        if isinstance(found := screened(item, configured[item.raw.workspace_id], desk.secret), ScreenedMail)
        if found.verdict.machine in GRAVE
    ]
    named = {(item.workspace_id, key) for item in reports for key in mail_threads.refers_to(item.mail)}
    known = await desk.references.find(tx, named)
    about = {
        item: message_ids[0]
        for item in reports
        if item.told_before not in known
        if (
            message_ids := mail_threads.own_messages(item.mail, workspace_id=item.workspace_id, secret=desk.secret)
        )
    }
    if not about:
        return
    bounces = [item.bounce(message_id) for item, message_id in about.items()]
    await desk.messages.flag_addresses(tx, bounces)
    await desk.deliveries.mark_bounced(tx, bounces)
    await desk.references.add(
        tx,
        {
            item.told_before: Referred(ticket_id=ours.ticket_id, message_id=ours.message_id)
            for item, message_id in about.items()
            for ours in item.named(known)
            if ours.message_id == message_id
        },
    )
