"""Sends what customers are told without anybody writing it, or keeps why it was not sent."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.app.answering_ports import (
    Notice,
    NoticeKey,
    Notices,
    NoticeState,
    RichText,
    Survey,
    Surveys,
)
from services.intake.app.desk import Desk, record
from services.intake.app.outbound_message import outbound_message
from services.intake.app.ports import TicketKey
from services.intake.app.recipient_quota import RecipientQuota
from services.intake.app.template_values import values_of
from services.intake.domain.customer import Customer
from services.intake.domain.notice import Circumstances, Postponed, Withheld, decide, may_quote
from services.intake.domain.notice_plan import Plan, Reason
from services.intake.domain.template import FROM_THE_SENDER, Rendered, Template, render
from services.intake.domain.ticket import SYSTEM, Change, Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.link_tokens import LinkTokens
from shared.vocabulary import AuthorKind, ChannelKind, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDesk:
    """What sending notices needs.

    public_url: where the world reaches surveys; without it none is sent
    """

    desk: Desk
    notices: Notices
    surveys: Surveys
    rich_text: RichText
    quota: RecipientQuota
    survey_tokens: LinkTokens
    public_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """A notice with what it is about. by: the channel by which it leaves, if not by the ticket's"""

    notice: Notice
    ticket: Ticket
    customer: Customer
    workspace: Workspace
    known: Circumstances
    by: tuple[str, ChannelKind] | None

    @property
    def reason(self) -> Reason:
        return self.notice.key[2]

    @property
    def customer_key(self) -> TicketKey:
        return self.ticket.workspace_id, self.ticket.customer_id

    @property
    def counts_as(self) -> Purpose:
        """As what the quota counts it. To somebody who may know nothing of us all of it is too much soon."""
        is_ack = self.reason.purpose is Purpose.ACK or self.known.is_only_named
        return Purpose.ACK if is_ack else Purpose.STATUS

    @property
    def recipient(self) -> str:
        """Whose quota it counts against."""
        return self.known.recipient or ""


async def send_notices(keys: Collection[NoticeKey], *, tx: Tx, desk: NoticeDesk) -> list[Notice]:
    """What has become of those that are due; of several about one ticket only the first is looked at."""
    first = {key[:2]: key for key in sorted(keys, key=lambda key: list(Reason).index(key[2]), reverse=True)}
    tickets = await desk.desk.correspondence.lock_tickets(tx, first.keys())
    now = await tx.now()
    due = await desk.notices.lock_due(tx, first.values(), now)
    if not due:
        return []
    of = {(ticket.workspace_id, ticket.customer_id) for ticket in tickets.values()}
    customers = await desk.desk.correspondence.customers(tx, of)
    configured = await desk.desk.workspaces.load(tx, {key[0] for key in tickets})
    by = {
        key: channel
        for notice in due
        for key in [notice.key[:2]]
        if (channel := _leaves_by(notice.key[2], tickets[key], configured[key[0]]))
    }
    known = await desk.notices.circumstances(tx, tickets.keys(), by)
    abouts = [
        _About(
            notice=notice,
            ticket=tickets[key],
            customer=customers[key[0], tickets[key].customer_id],
            workspace=configured[key[0]],
            known=known[key],
            by=by.get(key),
        )
        for notice in due
        for key in [notice.key[:2]]
    ]
    settled = []
    changes: list[tuple[Change, Customer, Cause]] = []
    surveyed: set[TicketKey] = set()
    # Quotas are locked by these: always in one order.
    for one in sorted(abouts, key=lambda about: (desk.quota.key(about.recipient), about.counts_as)):
        has_had_one = one.customer_key in surveyed
        about = replace(one, known=replace(one.known, surveyed_at=now)) if has_had_one else one
        notice, change = await _settle(about, now, tx=tx, desk=desk)
        settled.append(notice)
        if change is not None:
            changes.append((change, about.customer, Cause()))
            if about.reason is Reason.SURVEY:
                surveyed.add(about.customer_key)
    changes.sort(key=lambda item: (item[0].ticket.workspace_id, item[0].ticket.ticket_id))
    await record(changes, tx=tx, tickets=desk.desk.correspondence, ids=desk.desk.ids)
    await desk.notices.settle(tx, settled, now)
    return settled


async def withhold_notice(key: NoticeKey, why: str, *, tx: Tx, desk: NoticeDesk) -> None:
    """Sends a notice never, because it cannot be sent."""
    await desk.desk.correspondence.lock_tickets(tx, [key[:2]])
    now = await tx.now()
    due = await desk.notices.lock_due(tx, [key], now)
    await desk.notices.settle(tx, [notice.withheld(why) for notice in due], now)


def _leaves_by(reason: Reason, ticket: Ticket, workspace: Workspace) -> tuple[str, ChannelKind] | None:
    """The channel by which a notice leaves, where that is not the ticket's."""
    channel = workspace.channels.get(ticket.channel)
    plan = channel.notices.get(reason) if channel else None
    other = workspace.channels.get(plan.by) if plan and plan.by else None
    return (other.channel_id, other.kind) if other else None


async def _settle(about: _About, now: datetime, *, tx: Tx, desk: NoticeDesk) -> tuple[Notice, Change | None]:
    notice = about.notice
    decided = decide(
        about.reason,
        about.ticket,
        about.customer,
        about.workspace,
        about.known,
        now,
        since=notice.since,
    )
    if isinstance(decided, Withheld):
        return notice.withheld(decided.why), None
    if isinstance(decided, Postponed):
        return replace(notice, due_at=decided.until), None
    if about.reason is Reason.SURVEY and desk.public_url is None:
        return notice.withheld("no_public_url"), None
    if not await desk.quota.take(tx, about.recipient, about.counts_as, now):
        return notice.withheld("too_many"), None
    # Nobody else locks it meanwhile: all of a workspace is one shard's.
    if about.known.line and not await desk.quota.take_callback(tx, about.ticket.workspace_id, now):
        return notice.withheld("too_many_callbacks"), None
    change = await _send(about, decided, now, tx=tx, desk=desk)
    times = notice.times + 1
    if times < decided.most:
        return replace(notice, times=times, due_at=now + decided.wait), change
    return replace(notice, times=times, state=NoticeState.SENT), change


async def _send(about: _About, plan: Plan, now: datetime, *, tx: Tx, desk: NoticeDesk) -> Change:
    ticket = about.ticket
    template = about.workspace.templates[plan.template]
    channel = about.workspace.channels[ticket.channel]
    language = template.language(ticket.language, about.customer.language, channel.language)
    link = None
    if about.reason is Reason.SURVEY and channel.survey is not None:
        token = desk.survey_tokens.issue(ticket.workspace_id, ticket.ticket_id)
        link = f"{(desk.public_url or '').rstrip('/')}/s/{token}"
        await desk.surveys.add(
            tx,
            Survey(
                workspace_id=ticket.workspace_id,
                ticket_id=ticket.ticket_id,
                form=channel.survey,
                agent_id=about.known.solved_by or ticket.assignee_id,
                language=ticket.language or about.customer.language or channel.language or language,
                sent_at=now,
            ),
        )
    rendered = _rendered(about, template, language, link)
    leaves_by = about.by or (ticket.channel, ticket.channel_kind)
    change, message = outbound_message(
        ticket,
        replace(rendered, html=desk.rich_text.clean(rendered.html) if rendered.html else None),
        now,
        message_id=desk.desk.ids.new(),
        purpose=about.reason.purpose,
        actor=SYSTEM,
        author=(AuthorKind.SYSTEM, f"template:{template.template_id}"),
        leaves=about.workspace.sends(*leaves_by),
        channel=leaves_by,
        recipient=about.known.recipient if about.by else None,
    )
    await desk.desk.correspondence.add_staff_message(tx, message)
    return change


def _rendered(about: _About, template: Template, language: str, link: str | None) -> Rendered:
    values = values_of(
        about.ticket,
        about.customer,
        about.workspace,
        agent_id=about.ticket.assignee_id,
        reply_due_at=about.known.reply_due_at,
        survey_link=link,
    )
    text = template.texts[language]
    if may_quote(about.ticket, about.known):
        return render(text, values)
    known = {name: value for name, value in values.items() if name not in FROM_THE_SENDER}
    rendered = render(text, known)
    # Without a subject of its own a mail has its ticket's, which is the sender's too.
    return rendered if rendered.subject else replace(rendered, subject=f"#{about.ticket.number}")
