"""The inbound messages of one commit, folded in memory in their order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.intake.app.attachment_ids import in_order
from services.intake.app.classified_request import classified_request, refused
from services.intake.app.message_keys import address, dedupe_key, identity_key
from services.intake.app.opening import new_customer, opened_ticket
from services.intake.app.outbound import tell
from services.intake.app.pointers import Pointers
from services.intake.app.ports import (
    CustomerKey,
    DedupeKey,
    IdentityKey,
    Presence,
    Receipt,
    StoredMessage,
    TicketKey,
    Told,
)
from services.intake.domain.classification import Classification, Fate
from services.intake.domain.conversation import ALSO_LABEL, Located, Place, place
from services.intake.domain.customer import Customer
from services.intake.domain.labelling import label_by_system
from services.intake.domain.lifecycle import keep, receive
from services.intake.domain.message import Disposition, InboundMessage
from services.intake.domain.notice import Planned, acknowledgement, planned
from services.intake.domain.reopening import LOOP_LABEL, may_reopen
from services.intake.domain.ticket import Change, Received, Ticket
from services.intake.domain.workspace import Channel, Workspace
from shared.errors import DomainError
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import MachineClass, TicketStatus


@dataclass(slots=True, kw_only=True)
class MessageGroup:
    """What is known before, and what is to be stored after.

    located: tickets by the ids that messages point to; tickets: the same as they stand, by their own
    numbers: the next ticket number of each workspace
    owners: the customers of tickets of whom more may have to be told than who writes
    present: who takes part in these tickets, of those who write; joined: who does so from now on
    reopenings: how often a ticket was reopened, or a customer reopened any, within the window of the cap
    refusals: what rules have done with messages that opened no ticket
    """

    configured: Mapping[str, Workspace]
    receipts: dict[DedupeKey, Receipt]
    customers: dict[IdentityKey, Customer]
    located: Mapping[TicketKey, Located]
    pointers: Pointers
    tickets: dict[TicketKey, Ticket]
    numbers: dict[str, int]
    owners: dict[CustomerKey, Customer]
    present: set[Presence]
    reopenings: Counter[TicketKey]
    ids: IdFactory
    now: datetime
    new_customers: dict[IdentityKey | UUID, Customer] = field(default_factory=dict)
    joined: set[Presence] = field(default_factory=set)
    opened: dict[TicketKey, Ticket] = field(default_factory=dict)
    changed: dict[TicketKey, Ticket] = field(default_factory=dict)
    stored: list[StoredMessage] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    notices: list[Planned] = field(default_factory=list)
    refusals: dict[DedupeKey, Receipt] = field(default_factory=dict)

    def take(self, message: InboundMessage, cause: Cause) -> Receipt | DomainError:
        """Folds one message. A refusal leaves nothing behind."""
        key = dedupe_key(message)
        if key and (first := self.receipts.get(key)):
            return Receipt(
                ticket_id=first.ticket_id,
                ticket_number=first.ticket_number,
                message_id=first.message_id,
                disposition=Disposition.DUPLICATE,
            )
        try:
            receipt = self._receive(message, cause)
        except DomainError as refusal:
            return refusal
        if key:
            self.receipts[key] = receipt
        return receipt

    def _receive(self, message: InboundMessage, cause: Cause) -> Receipt:
        workspace = self.configured[message.workspace_id]
        channel = workspace.channel(message.channel)
        customer, is_new = self._customer(message, workspace)
        found = place(
            message,
            self._known(message, customer),
            customer.customer_id,
            self.now,
            reopens_within=channel.reopens_within,
            thread=self.pointers.thread(message),
            continued=self.pointers.continued(message, customer.customer_id),
        )
        if found.ticket is None and not message.may_open:
            return Receipt(
                ticket_id=None,
                ticket_number=None,
                message_id=message.message_id,
                disposition=Disposition.DROPPED,
                reason=message.machine,
            )
        reason = None
        if found.ticket is None:
            classified = classified_request(message, channel, customer, workspace, is_known=not is_new)
            if classified.fate is not Fate.ACCEPT and not message.is_released:
                return self._refused(message, classified)
            change = self._open(message, channel, customer, found, classified)
            disposition = Disposition.OPENED
            self.notices += [*acknowledgement(message, change.ticket, channel), *planned(change, workspace)]
        else:
            change, disposition, reason = self._join(found.ticket, message, channel, customer, found)
        if not found.is_participant:
            reason = "unverified_sender"
        if is_new:
            self._remember(message, customer)
        self._keep(change, disposition)
        self._point(message, change.ticket, found)
        if found.is_participant:
            self._invite(message, change.ticket, customer)
        # Whoever writes, a ticket tells about the customer whose it is.
        owner = self.owners.get((message.workspace_id, change.ticket.customer_id), customer)
        self.told.extend(tell(change, owner, cause, self.ids))
        self.stored.append(
            StoredMessage(
                message=message,
                channel_kind=channel.kind,
                ticket_id=change.ticket.ticket_id,
                customer_id=customer.customer_id,
                entry=next(entry for _, entry, fact in change.numbered() if isinstance(fact, Received)),
                is_public=found.is_participant,
                disposition=disposition,
                received_at=self.now,
                attachment_ids=in_order(self.ids, len(message.media)),
            )
        )
        return Receipt(
            ticket_id=change.ticket.ticket_id,
            ticket_number=change.ticket.number,
            message_id=message.message_id,
            disposition=disposition,
            reason=reason,
        )

    def _refused(self, message: InboundMessage, classified: Classification) -> Receipt:
        receipt = refused(message, classified)
        if key := dedupe_key(message):
            self.refusals[key] = receipt
        return receipt

    def _keep(self, change: Change, disposition: Disposition) -> None:
        ticket = change.ticket
        key = ticket.workspace_id, ticket.ticket_id
        self.tickets[key] = ticket
        is_new = disposition is Disposition.OPENED or key in self.opened
        (self.opened if is_new else self.changed)[key] = ticket

    def _point(self, message: InboundMessage, ticket: Ticket, found: Place) -> None:
        """A conversation stays with its ticket, and goes on with the one that follows it."""
        before = self.pointers.thread(message)
        if before is None or self._survivor(message.workspace_id, before) == found.follow_up_of:
            self.pointers.point(message, ticket)
        if found.ticket is None:
            self.pointers.opened(ticket)

    def _invite(self, message: InboundMessage, ticket: Ticket, customer: Customer) -> None:
        """Whoever writes publicly takes part from now on, and whom they write to."""
        writer = () if customer.customer_id == ticket.customer_id else (address(message),)
        joined = {(ticket.workspace_id, ticket.ticket_id, each) for each in (*writer, *message.invites) if each}
        self.joined |= joined
        self.present |= joined

    def _customer(self, message: InboundMessage, workspace: Workspace) -> tuple[Customer, bool]:
        key = identity_key(message)
        if key and (known := self.customers.get(key)):
            return known, False
        return new_customer(message.workspace_id, self.ids.new(), message.sender, workspace), True

    def _remember(self, message: InboundMessage, customer: Customer) -> None:
        key = identity_key(message)
        if key:
            self.customers[key] = customer
        self.new_customers[key or customer.customer_id] = customer

    def _known(self, message: InboundMessage, customer: Customer) -> dict[UUID, Located]:
        known = {}
        for key in self.pointers.tickets(message, customer.customer_id):
            found = self.located.get(key)
            ticket = self.tickets[key[0], found.ticket.ticket_id] if found else self.opened.get(key)
            if ticket is not None:
                takes_part = (key[0], ticket.ticket_id, address(message)) in self.present
                customer_id = found.customer_id if found else ticket.customer_id
                known[key[1]] = Located(ticket, customer_id, takes_part)
        return known

    def _survivor(self, workspace_id: str, ticket_id: UUID) -> UUID:
        """The ticket that took this one up, if one did."""
        found = self.located.get((workspace_id, ticket_id))
        return found.ticket.ticket_id if found else ticket_id

    def _join(
        self, ticket: Ticket, message: InboundMessage, channel: Channel, customer: Customer, found: Place
    ) -> tuple[Change, Disposition, str | None]:
        of_ticket = ticket.workspace_id, ticket.ticket_id
        of_sender = customer.workspace_id, customer.customer_id
        is_allowed = may_reopen(of_ticket=self.reopenings[of_ticket], of_sender=self.reopenings[of_sender])
        received = self._received(message, channel, is_public=found.is_participant)
        if ticket.status is TicketStatus.CLOSED:
            return keep(ticket, received, self.now), Disposition.APPENDED, None
        change = receive(ticket, received, self.now, may_reopen=is_allowed)
        if found.also and found.is_participant and message.machine is MachineClass.NONE:
            change = change.then(label_by_system(change.ticket, (ALSO_LABEL, str(found.also[0])), self.now))
        if ticket.status is not TicketStatus.SOLVED:
            return change, Disposition.APPENDED, None
        if change.ticket.status is TicketStatus.OPEN:
            self.reopenings.update([of_ticket, of_sender])
            return change, Disposition.REOPENED, None
        if is_allowed or message.machine is not MachineClass.NONE or not found.is_participant:
            return change, Disposition.APPENDED, None
        return (
            change.then(label_by_system(change.ticket, LOOP_LABEL, self.now)),
            Disposition.APPENDED,
            "reopened_too_often",
        )

    def _open(
        self,
        message: InboundMessage,
        channel: Channel,
        customer: Customer,
        found: Place,
        classified: Classification,
    ) -> Change:
        self.owners[customer.workspace_id, customer.customer_id] = customer
        number = self.numbers[message.workspace_id]
        self.numbers[message.workspace_id] = number + 1
        opened = opened_ticket(
            customer,
            channel,
            classified,
            ticket_id=self.ids.new(),
            number=number,
            subject=message.subject,
            follow_up_of=found.follow_up_of,
            now=self.now,
        )
        received = self._received(message, channel, is_public=True)
        return opened.then(receive(opened.ticket, received, self.now, may_reopen=False))

    def _received(self, message: InboundMessage, channel: Channel, *, is_public: bool) -> Received:
        return Received(
            message_id=message.message_id,
            channel=message.channel,
            channel_kind=channel.kind,
            machine=message.machine,
            is_public=is_public,
            received_at=self.now,
        )
