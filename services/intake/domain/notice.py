"""What customers are told without anybody writing it: when it is due, and whether it is sent.

A notice goes once for each ticket and reason. Machines that answer each other must come to rest, even those
that say nothing of what they are: a customer whose earlier tickets nobody has answered gets none, so that
whatever answers our notices sets off only so many more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.calling_back import Line, bars_text
from services.intake.domain.customer import Customer
from services.intake.domain.message import InboundMessage
from services.intake.domain.notice_plan import Plan, Reason
from services.intake.domain.reply_token import without_tag
from services.intake.domain.screening import nobody_reads
from services.intake.domain.ticket import Change, Opened, StatusChanged, Ticket
from services.intake.domain.workspace import UNREADABLE_FOR, Channel, Workspace
from shared.vocabulary import MachineClass, TicketStatus

MOST_UNANSWERED = 5
"""With so many earlier tickets that are unsolved and that nobody has answered, a customer gets no notices."""

SURVEYS_APART = timedelta(days=7)
"""A customer is asked once in this time."""

_SPAM = "spam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A notice that is due at some time, or, where `withheld` says why, never.

    since: when its reason came up
    is_verified: whether somebody vouches for who opened the ticket; said with `received`
    """

    workspace_id: str
    ticket_id: UUID
    reason: Reason
    since: datetime
    due_at: datetime
    withheld: str | None = None
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known about a ticket's customer when a notice is due.

    recipient: the address that answers go to; None where nobody knows one
    is_only_named: whether a visitor of a chat has named it, and nobody vouches for it
    is_undeliverable: whether the last mail to them came back
    is_opted_out: whether they want no messages by the channel by which it leaves
    has_reached_nobody: whether the ticket's last call was abandoned or missed
    line: of the recipient, where it is a caller's number; own_region: the country of the number that was called
    opened_by_machine: whether a machine wrote the message that opened the ticket
    withheld: why the ticket's first notice was, if it was; is_verified: as it was said then
    unanswered: earlier tickets of the customer that are unsolved and that nobody has answered
    written_at: when they were last sent anything
    solved_by: the agent who solved the ticket last
    surveyed_at: when they were last asked, about any ticket
    reply_due_at: when an answer was promised
    """

    recipient: str | None
    is_only_named: bool = False
    is_undeliverable: bool = False
    is_opted_out: bool = False
    has_reached_nobody: bool = False
    line: Line | None = None
    own_region: str | None = None
    opened_by_machine: bool = False
    withheld: str | None = None
    is_verified: bool = False
    unanswered: int = 0
    written_at: datetime | None = None
    solved_by: str | None = None
    surveyed_at: datetime | None = None
    reply_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """It is not sent, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """It is not sent yet."""

    until: datetime


def planned(change: Change, workspace: Workspace) -> Iterator[Planned]:
    """The notices that a change of a ticket brings about, but for that of its first message."""
    ticket = change.ticket
    for fact in change.facts:
        match fact:
            case Opened():
                reasons: tuple[Reason, ...] = (Reason.STILL_WORKING,)
            case StatusChanged(status=TicketStatus.SOLVED):
                reasons = (Reason.SOLVED, Reason.SURVEY)
            case StatusChanged(status=TicketStatus.PENDING):
                reasons = (Reason.PENDING_REMINDER,)
            case _:
                continue
        for reason in reasons:
            yield from because(reason, ticket, workspace, ticket.last_event_at)


def because(reason: Reason, ticket: Ticket, workspace: Workspace, at: datetime) -> Iterator[Planned]:
    """The notice for a reason that came up at this time, where the ticket's channel sends one.

    Where nobody can tell, it is found out when it is due.
    """
    channel = workspace.channels.get(ticket.channel)
    plan = channel.notices.get(reason) if channel else None
    if plan or not workspace.is_readable:
        wait = plan.wait if plan else UNREADABLE_FOR
        yield Planned(
            workspace_id=ticket.workspace_id, ticket_id=ticket.ticket_id, reason=reason, since=at, due_at=at + wait
        )


def acknowledgement(message: InboundMessage, ticket: Ticket, channel: Channel) -> Iterator[Planned]:
    """The notice for the message that opened a ticket. Where none may be sent, that is kept for the others."""
    if not channel.notices:
        return
    plan = channel.notices.get(Reason.RECEIVED)
    withheld = None
    if message.machine is not MachineClass.NONE:
        withheld = "machine"
    elif not message.may_acknowledge:
        withheld = "suppressed"
    elif plan is None:
        withheld = "not_configured"
    yield Planned(
        workspace_id=ticket.workspace_id,
        ticket_id=ticket.ticket_id,
        reason=Reason.RECEIVED,
        since=ticket.last_event_at,
        due_at=ticket.last_event_at + (plan.wait if plan else timedelta()),
        withheld=withheld,
        is_verified=message.sender.is_verified,
    )


def decide(
    reason: Reason,
    ticket: Ticket,
    customer: Customer,
    workspace: Workspace,
    known: Circumstances,
    now: datetime,
    *,
    since: datetime | None = None,
) -> Plan | Withheld | Postponed:
    """The plan by which a notice that is due is sent now; or why it is not. since: when its reason came up"""
    if not workspace.is_readable:
        return Postponed(now + UNREADABLE_FOR)
    channel = workspace.channels.get(ticket.channel)
    plan = channel.notices.get(reason) if channel else None
    if plan is None or plan.template not in workspace.templates:
        return Withheld("not_configured")
    if since is not None and now < since + plan.wait:
        # It was planned when nobody could tell how long it has to wait.
        return Postponed(since + plan.wait)
    if barred := _barred(ticket, customer, workspace, known):
        return Withheld(barred)
    match reason:
        case Reason.RECEIVED | Reason.ASSIGNED | Reason.ESCALATED:
            return plan if ticket.status.is_unsolved else Withheld("solved")
        case Reason.CALLBACK:
            home = (channel.region if channel else None) or known.own_region
            return _callback(ticket, plan, known, home)
        case Reason.SOLVED:
            return plan if ticket.status is TicketStatus.SOLVED else Withheld("reopened")
        case Reason.PENDING_REMINDER:
            return plan if ticket.status is TicketStatus.PENDING else Withheld("not_pending")
        case Reason.STILL_WORKING:
            return _still_working(ticket, plan, known, now)
        case Reason.SURVEY:
            return _survey(ticket, plan, known, now)


def may_quote(ticket: Ticket, known: Circumstances) -> bool:
    """Whether a notice may repeat what its sender wrote: who they are is vouched for, or somebody has answered."""
    return (known.is_verified and not known.is_only_named) or ticket.first_replied_at is not None


def bars_mail(address: str, workspace: Workspace) -> str | None:
    """Why nothing is mailed to an address without anybody writing it, by the address itself."""
    if nobody_reads(address):
        return "machine_address"
    if without_tag(address) in workspace.mail_addresses:
        return "own_address"
    return None


def _barred(ticket: Ticket, customer: Customer, workspace: Workspace, known: Circumstances) -> str | None:
    if ticket.merged_into is not None:
        return "merged"
    if ticket.status is TicketStatus.CLOSED:
        return "closed"
    if customer.do_not_contact or customer.erased_at is not None:
        return "do_not_contact"
    if ticket.labels.get(_SPAM, "false") != "false":
        return "spam"
    if known.opened_by_machine or known.withheld == "machine":
        return "machine"
    if known.withheld == "suppressed":
        return "suppressed"
    if known.recipient is None:
        return "no_address"
    if "@" in known.recipient and (barred := bars_mail(known.recipient, workspace)):
        return barred
    if known.is_opted_out:
        return "opted_out"
    if known.is_undeliverable:
        return "undeliverable"
    if known.unanswered >= MOST_UNANSWERED:
        return "too_many_unanswered"
    return None


def _callback(ticket: Ticket, plan: Plan, known: Circumstances, home: str | None) -> Plan | Withheld:
    if not ticket.status.is_unsolved:
        return Withheld("solved")
    if not known.has_reached_nobody:
        return Withheld("called_again")
    barred = bars_text(known.line, home, plan.regions) if known.line else None
    return Withheld(barred) if barred else plan


def _still_working(ticket: Ticket, plan: Plan, known: Circumstances, now: datetime) -> Plan | Postponed:
    if ticket.status in (TicketStatus.PENDING, TicketStatus.SOLVED):
        return Postponed(now + plan.wait)
    if known.written_at is not None and known.written_at + plan.wait > now:
        return Postponed(known.written_at + plan.wait)
    return plan


def _survey(ticket: Ticket, plan: Plan, known: Circumstances, now: datetime) -> Plan | Withheld:
    if ticket.status is not TicketStatus.SOLVED:
        return Withheld("reopened")
    if known.surveyed_at is not None and known.surveyed_at + SURVEYS_APART > now:
        return Withheld("asked_lately")
    return plan
