"""The calls of one commit, in memory: which ticket each goes to, and what it leaves there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.intake.app.call_labels import labelled
from services.intake.app.call_ports import Call
from services.intake.app.opening import new_customer, opened_ticket
from services.intake.app.outbound import tell
from services.intake.app.ports import CustomerKey, IdentityKey, Opening, SenderKey, TicketKey, Told
from services.intake.domain.call import CallRecord, CallSummary
from services.intake.domain.call_follow_up import (
    PATIENCE,
    SHORT,
    UNREACHED,
    Owed,
    is_followed_up,
    is_short,
    label_of,
    place_call,
)
from services.intake.domain.classification import Described, classify, stated
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import call_ended, called, drop, identified
from services.intake.domain.message import Identity, Sender
from services.intake.domain.notice import Planned, because
from services.intake.domain.notice_plan import Reason
from services.intake.domain.reopening import may_reopen
from services.intake.domain.ticket import CallEnded, Change, Ticket
from services.intake.domain.workspace import Channel, Workspace
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNews:
    """A call as it was, and as it is now told.

    known: none where it is new; identity: who calls, none where that is not known or withheld
    is_overdue: whether nothing more is waited for
    """

    call: Call
    known: Call | None
    record: CallRecord
    identity: Identity | None
    cause: Cause
    is_overdue: bool = False


@dataclass(slots=True, kw_only=True)
class CallGroup:
    """What is known before, and what is to be stored after.

    located: tickets by the ids that were asked for; tickets: the same as they stand, by their own
    newest: the newest ticket of a caller in a channel that is not closed
    calls: those of this commit, by ticket and id; others: tickets that have more calls, with the last of these
    that is followed up; written: tickets in which somebody has written something
    reopenings: how often a ticket was reopened, or a customer reopened any, within the window of the cap
    owners: the customers of tickets; openings: what rules read of a ticket
    """

    configured: Mapping[str, Workspace]
    customers: dict[IdentityKey, Customer]
    owners: dict[CustomerKey, Customer]
    newest: dict[SenderKey, UUID]
    located: Mapping[TicketKey, Located]
    tickets: dict[TicketKey, Ticket]
    calls: dict[TicketKey, dict[UUID, Call]]
    others: Mapping[TicketKey, Owed | None]
    written: frozenset[TicketKey] = frozenset()
    reopenings: Counter[TicketKey] = field(default_factory=Counter)
    openings: Mapping[TicketKey, Opening] = field(default_factory=dict)
    numbers: dict[str, int]
    ids: IdFactory
    now: datetime
    new_customers: dict[IdentityKey | UUID, Customer] = field(default_factory=dict)
    opened: dict[TicketKey, Ticket] = field(default_factory=dict)
    changed: dict[TicketKey, Ticket] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    notices: list[Planned] = field(default_factory=list)

    def take(self, news: CallNews) -> Call:
        """Folds one call, and gives it as it is kept from now on."""
        call = self._followed(news.call)
        if call.ticket_id is not None:
            call = self._identified(call, news)
        elif news.record.caller is not None or (news.is_overdue and news.record.is_contact):
            call = self._placed(call, news)
        elif news.is_overdue:
            return replace(call, settles_at=None)
        else:
            return replace(call, settles_at=call.settles_at or self.now + PATIENCE)
        call = replace(call, settles_at=None)
        summary = news.record.summary
        if summary is not None and (call.revision == 0 or news.known is None or news.known.summary != summary):
            call = self._ended(call, summary, news)
        self._remember(call)
        if summary is None or not call.has_opened or not is_short(summary, self._channel(call).short_abandon):
            return call
        if not news.is_overdue:
            return replace(call, settles_at=(news.known and news.known.settles_at) or self.now + PATIENCE)
        self._drop(call, news.cause)
        return call

    def _followed(self, call: Call) -> Call:
        """The call with its ticket, or the one that took that up."""
        found = self.located.get(call.ticket_key) if call.ticket_key else None
        return replace(call, ticket_id=found.ticket.ticket_id) if found else call

    def _placed(self, call: Call, news: CallNews, follow_up_of: UUID | None = None) -> Call:
        customer, is_new = self._customer(call, news.identity)
        found = place_call(self._newest(call, customer), self.now, self._channel(call).reopens_within)
        if found.ticket is None:
            origin = found.follow_up_of or follow_up_of
            change = self._opened(call, customer, news.identity, origin, is_known=not is_new)
            self.newest[call.workspace_id, customer.customer_id, call.channel] = change.ticket.ticket_id
        else:
            change, call = self._joined(found.ticket, call, customer)
        self._keep(change, news.cause, is_new=found.ticket is None)
        return replace(call, ticket_id=change.ticket.ticket_id, has_opened=found.ticket is None)

    def _joined(self, ticket: Ticket, call: Call, customer: Customer) -> tuple[Change, Call]:
        """A call about a ticket reopens it as a message does, and no more often than messages may."""
        of_ticket = ticket.workspace_id, ticket.ticket_id
        of_sender = customer.workspace_id, customer.customer_id
        is_allowed = may_reopen(of_ticket=self.reopenings[of_ticket], of_sender=self.reopenings[of_sender])
        change = called(ticket, self.now, may_reopen=is_allowed)
        if ticket.status is not TicketStatus.SOLVED or not is_allowed:
            return change, call
        self.reopenings.update([of_ticket, of_sender])
        return change, replace(call, reopened_at=self.now)

    def _newest(self, call: Call, customer: Customer) -> Ticket | None:
        ticket_id = self.newest.get((call.workspace_id, customer.customer_id, call.channel))
        if ticket_id is None:
            return None
        found = self.located.get((call.workspace_id, ticket_id))
        return self.tickets.get((call.workspace_id, found.ticket.ticket_id if found else ticket_id))

    def _opened(
        self, call: Call, customer: Customer, identity: Identity | None, origin: UUID | None, *, is_known: bool
    ) -> Change:
        workspace, channel = self.configured[call.workspace_id], self._channel(call)
        subject = f"Call from {identity.value}" if identity else "Call"
        described = Described(
            subject=subject,
            text="",
            channel=channel.channel_id,
            channel_kind=channel.kind,
            language="",
            sender=Sender(identity=identity, name=call.name),
            is_known=is_known,
            is_machine=False,
        )
        number = self.numbers[call.workspace_id]
        self.numbers[call.workspace_id] = number + 1
        return opened_ticket(
            customer,
            channel,
            # A call has come in already: rules that refuse what would open a ticket come too late for it.
            classify(described, customer, workspace.rules, stated({}, None, "sender")),
            ticket_id=self.ids.new(),
            number=number,
            subject=subject,
            follow_up_of=origin,
            now=self.now,
        )

    def _customer(self, call: Call, identity: Identity | None) -> tuple[Customer, bool]:
        key = (call.workspace_id, identity) if identity else None
        if key and key in self.customers:
            return self.customers[key], False
        sender = Sender(identity=identity, name=call.name)
        customer = new_customer(call.workspace_id, self.ids.new(), sender, self.configured[call.workspace_id])
        if key:
            self.customers[key] = customer
        self.new_customers[key or customer.customer_id] = customer
        self.owners[call.workspace_id, customer.customer_id] = customer
        return customer, True

    def _identified(self, call: Call, news: CallNews) -> Call:
        """A ticket that the call opened before anybody told who calls gets its customer."""
        was_unknown = news.known is not None and news.known.caller is None
        ticket = self._ticket(call)
        if was_unknown and call.has_opened and news.identity and ticket.status is not TicketStatus.CLOSED:
            customer, _ = self._customer(call, news.identity)
            self._keep(identified(ticket, customer.customer_id, self.now), news.cause)
        return call

    def _ended(self, call: Call, summary: CallSummary, news: CallNews) -> Call:
        before = news.known.summary if news.known else None
        is_owed = is_followed_up(summary, self._channel(call).short_abandon)
        is_news = before is None or before.outcome is not summary.outcome
        if is_owed and self._ticket(call).status is TicketStatus.CLOSED and call.revision == 0:
            call = self._placed(call, news, follow_up_of=call.ticket_id)
        ticket = self._ticket(call)
        is_closed = ticket.status is TicketStatus.CLOSED
        change = Change(ticket, ())
        if is_owed and is_news and not is_closed:
            change, call = self._joined(ticket, call, self.owners[ticket.workspace_id, ticket.customer_id])
        call = replace(call, summary=summary, revision=call.revision + 1, is_owed=is_owed)
        fact = CallEnded(call_id=call.call_id, channel=call.channel, revision=call.revision, summary=summary)
        change = change.then(call_ended(change.ticket, fact, self.now))
        self._remember(call)
        if not is_closed:
            change = change.then(self._labelled(change.ticket, self._outcome(change.ticket)))
        if is_owed and is_news and not is_closed and summary.outcome in UNREACHED:
            self.notices += because(Reason.CALLBACK, change.ticket, self.configured[call.workspace_id], self.now)
        self._keep(change, news.cause)
        return call

    def _drop(self, call: Call, cause: Cause) -> None:
        """Closes the ticket of a call that nobody need come back to, unless it is about more than that."""
        ticket = self._ticket(call)
        key = ticket.workspace_id, ticket.ticket_id
        is_alone = len(self.calls[key]) == 1 and key not in self.others and key not in self.written
        if is_alone and ticket.status in (TicketStatus.NEW, TicketStatus.OPEN):
            change = self._labelled(ticket, SHORT)
            self._keep(change.then(drop(change.ticket, self.now)), cause)

    def _labelled(self, ticket: Ticket, outcome: str | None) -> Change:
        key = ticket.workspace_id, ticket.ticket_id
        return labelled(
            ticket,
            outcome,
            self.owners[ticket.workspace_id, ticket.customer_id],
            self.configured[ticket.workspace_id],
            self.openings.get(key, Opening()),
            self.now,
        )

    def _outcome(self, ticket: Ticket) -> str | None:
        """What its calls leave to be done."""
        key = ticket.workspace_id, ticket.ticket_id
        owed = (self.others.get(key), *(call.owed for call in self.calls[key].values()))
        return label_of(one for one in owed if one)

    def _remember(self, call: Call) -> None:
        assert call.ticket_key is not None
        self.calls.setdefault(call.ticket_key, {})[call.call_id] = call

    def _ticket(self, call: Call) -> Ticket:
        assert call.ticket_key is not None
        return self.tickets[call.ticket_key]

    def _channel(self, call: Call) -> Channel:
        return self.configured[call.workspace_id].channel(call.channel)

    def _keep(self, change: Change, cause: Cause, *, is_new: bool = False) -> None:
        if not change.facts:
            return
        ticket = change.ticket
        key = ticket.workspace_id, ticket.ticket_id
        self.tickets[key] = ticket
        (self.opened if is_new or key in self.opened else self.changed)[key] = ticket
        owner = self.owners[ticket.workspace_id, ticket.customer_id]
        self.told.extend(tell(change, owner, cause, self.ids))
