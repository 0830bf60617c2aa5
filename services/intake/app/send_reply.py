"""Answers a customer, or leaves a note for the staff."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.app.desk import By, Desk, lock_ticket, record_with_notices
from services.intake.app.outbound_message import outbound_message
from services.intake.app.ports import TicketKey
from services.intake.app.visitor_mail import VisitorMail
from services.intake.domain.lifecycle import note, set_status
from services.intake.domain.message import MessageKind, StaffMessage
from services.intake.domain.outgoing import FILES_BY_MAIL, text_problem
from services.intake.domain.template import Rendered
from services.intake.domain.ticket import Actor, Ticket
from services.intake.domain.whatsapp import OUTSIDE_WINDOW, WhatsAppTemplate, is_open
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput, NotAllowed
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, Purpose, TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What somebody of the staff wrote.

    subject: its own, where it has another one than the ticket
    status: which the ticket gets with it, if another one
    template: the one that WhatsApp is to send in the text's place
    has_files: whether files are to go with it
    """

    text: str
    html: str | None = None
    subject: str | None = None
    author_id: str
    author_kind: AuthorKind = AuthorKind.AGENT
    status: TicketStatus | None = None
    template: WhatsAppTemplate | None = None
    has_files: bool = False


async def send_reply(
    key: TicketKey, written: Written, by: By, *, tx: Tx, desk: Desk, mail: VisitorMail
) -> tuple[Ticket, StaffMessage]:
    """The ticket as it is afterwards, and the message. It leaves by the ticket's channel.

    Raises NotFound, NotAllowed, IllegalTransition, and InvalidInput for what the channel will not take.
    """
    ticket, customer = await lock_ticket(key, by, tx=tx, desk=desk)
    _check_author(written, by)
    workspace = (await desk.workspaces.load(tx, [key[0]]))[key[0]]
    now = await tx.now()
    leaves = workspace.sends(ticket.channel, ticket.channel_kind)
    stays_in_chat = await _stays_in_chat(written, ticket, workspace, now, tx=tx, desk=desk, mail=mail)
    # What neither leaves nor shows is for whoever takes the answer from our API.
    takes_files = not stays_in_chat and (not leaves or ticket.channel_kind is ChannelKind.EMAIL)
    await _check_channel_takes(written, ticket, now, takes_files=takes_files, tx=tx, desk=desk)
    is_agent = written.author_kind is AuthorKind.AGENT
    actor = Actor(kind=ActorKind.AGENT, actor_id=written.author_id) if is_agent else by.actor
    change, message = outbound_message(
        ticket,
        Rendered(text=written.text, html=written.html, subject=written.subject),
        now,
        message_id=desk.ids.new(),
        purpose=Purpose.REPLY,
        actor=actor,
        author=(written.author_kind, written.author_id),
        leaves=leaves,
        template=written.template,
        stays_in_chat=stays_in_chat,
    )
    if written.status is not None:
        close_after = workspace.close_after(ticket.channel)
        change = change.then(set_status(change.ticket, written.status, actor, now, close_after=close_after))
    await desk.correspondence.add_staff_message(tx, message)
    await record_with_notices(change, customer, by.cause, workspace, tx=tx, desk=desk)
    return change.ticket, message


async def add_note(key: TicketKey, written: Written, by: By, *, tx: Tx, desk: Desk) -> StaffMessage:
    """A note, which no customer sees, which moves no clock and tells nobody anything.

    Raises NotFound, NotAllowed and IllegalTransition.
    """
    ticket, _ = await lock_ticket(key, by, tx=tx, desk=desk)
    _check_author(written, by)
    noted = note(ticket)
    message = StaffMessage(
        workspace_id=key[0],
        message_id=desk.ids.new(),
        ticket_id=ticket.ticket_id,
        entry=noted.entries,
        kind=MessageKind.NOTE,
        channel=ticket.channel,
        channel_kind=ticket.channel_kind,
        author_kind=written.author_kind,
        author_id=written.author_id,
        purpose=None,
        text=written.text,
        html=written.html,
        created_at=await tx.now(),
        leaves=False,
    )
    await desk.correspondence.add_staff_message(tx, message)
    await desk.correspondence.save_tickets(tx, [noted])
    return message


async def _stays_in_chat(
    written: Written,
    ticket: Ticket,
    workspace: Workspace,
    now: datetime,
    *,
    tx: Tx,
    desk: Desk,
    mail: VisitorMail,
) -> bool:
    """Whether the customer finds it in a chat alone: who has left is mailed, but by no machine too often."""
    if ticket.channel_kind is not ChannelKind.CHAT:
        return False
    chat = await desk.correspondence.chat_of(tx, (ticket.workspace_id, ticket.ticket_id))
    if chat is None or chat.mail_to is None:
        return chat is not None
    if written.author_kind is AuthorKind.AGENT:
        return False
    return not await mail.may_go(tx, chat, chat.mail_channel, workspace, now)


async def _check_channel_takes(
    written: Written, ticket: Ticket, now: datetime, *, takes_files: bool, tx: Tx, desk: Desk
) -> None:
    """Refuses at once what would fail on its way out."""
    if written.has_files and not takes_files:
        raise InvalidInput("The channel does not take this.", problems=(("/attachment_ids", FILES_BY_MAIL),))
    if problem := text_problem(ticket.channel_kind, written.text, written.template):
        at = "/text" if written.template is None else "/whatsapp_template"
        raise InvalidInput("The channel does not take this.", problems=((at, problem),))
    if ticket.channel_kind is ChannelKind.WHATSAPP and written.template is None:
        asked_at = await desk.correspondence.asked_at(tx, (ticket.workspace_id, ticket.ticket_id))
        if not is_open(asked_at, now):
            raise InvalidInput(f"{OUTSIDE_WINDOW}.", problems=(("/whatsapp_template", "missing"),))


def _check_author(written: Written, by: By) -> None:
    if by.has_own_only and written.author_id != by.actor.actor_id:
        raise NotAllowed("You write in your own name only.")
