"""What receiving mail keeps, as plain dictionaries: a model small enough to be seen right.

Thousands of sequences of mails run over it in a second; the statements that do the same in PostgreSQL have
tests of their own, and one of whole sequences.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.app.mail_ports import (
    Attachment,
    NumberKey,
    Outcome,
    RawKey,
    RawState,
    ReferenceKey,
    Referred,
)
from services.intake.app.ports import (
    CustomerKey,
    DedupeKey,
    IdentityKey,
    Presence,
    Receipt,
    SenderKey,
    StoredMessage,
    ThreadKey,
    TicketKey,
    Told,
)
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition
from services.intake.domain.notice import Planned
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from tests.unit.intake.builders import NOW


class Ids:
    """Ids in order."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> UUID:
        self._count += 1
        return UUID(int=self._count)


class Moment(Tx):
    """A transaction that has a time and nothing else."""

    async def now(self) -> datetime:
        return NOW + self.clock_shift


def moment(after: timedelta) -> Tx:
    """A transaction at so long after the beginning. It has no connection: whoever asks for one fails."""
    return Moment(connection=cast("AsyncConnection", None), clock_shift=after)


@dataclass
class Memory:
    """Implements the ports of receiving mail."""

    configured: Mapping[str, Workspace]
    tickets: dict[TicketKey, Ticket] = field(default_factory=dict)
    people: dict[IdentityKey, Customer] = field(default_factory=dict)
    messages: list[StoredMessage] = field(default_factory=list)
    refusals: dict[DedupeKey, Receipt] = field(default_factory=dict)
    references: dict[ReferenceKey, Referred] = field(default_factory=dict)
    presences: set[Presence] = field(default_factory=set)
    by_thread: dict[ThreadKey, UUID] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    last: Counter[str] = field(default_factory=Counter)

    async def load(self, _: Tx, workspaces: Collection[str]) -> Mapping[str, Workspace]:
        return {name: self.configured[name] for name in workspaces}

    # Raw mail: whoever asks is let through, the tests settle nothing twice.

    async def lock(self, _: Tx, keys: Collection[RawKey], __: RawState) -> set[RawKey]:
        return set(keys)

    async def settle(self, _: Tx, outcomes: Sequence[Outcome]) -> None:
        pass

    async def find(self, _: Tx, keys: Collection[ReferenceKey]) -> Mapping[ReferenceKey, Referred]:
        return {key: self.references[key] for key in keys if key in self.references}

    async def add(self, _: Tx, references: Mapping[ReferenceKey, Referred]) -> None:
        self.references = {**references, **self.references}

    async def numbers(self, _: Tx, tickets: Collection[TicketKey]) -> Mapping[TicketKey, int]:
        return {key: self.tickets[key].number for key in tickets}

    async def channels(self, _: Tx, tickets: Collection[TicketKey]) -> Mapping[TicketKey, str]:
        return {key: self.tickets[key].channel for key in tickets}

    async def tickets_by_number(self, numbers: Collection[NumberKey]) -> Mapping[NumberKey, UUID]:
        known = {(key[0], ticket.number): key[1] for key, ticket in self.tickets.items()}
        return {number: known[number] for number in numbers if number in known}

    async def add_attachments(self, _: Tx, attachments: Sequence[Attachment]) -> None:
        pass

    async def add_recipients(self, _: Tx, recipients: Mapping[tuple[str, UUID], Sequence[str]]) -> None:
        pass

    async def record_writers(self, _: Tx, writers: Collection[IdentityKey]) -> None:
        pass

    async def locate(self, _: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        return {
            key: Located(self.tickets[self.survivor(key)], self.tickets[key].customer_id)
            for key in keys
            if key in self.tickets
        }

    async def lines(self, _: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        return {key: Located(self.line(key), self.tickets[key].customer_id) for key in keys if key in self.tickets}

    async def lock_tickets(self, _: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Ticket]:
        return {key: self.tickets[key] for key in keys}

    async def take_numbers(self, _: Tx, counts: Mapping[str, int]) -> dict[str, int]:
        first = {name: self.last[name] + 1 for name in counts}
        self.last.update(counts)
        return first

    async def add_tickets(self, _: Tx, tickets: Sequence[Ticket]) -> None:
        self.keep(tickets)

    async def save_tickets(self, _: Tx, tickets: Sequence[Ticket]) -> None:
        self.keep(tickets)

    async def add_told(self, _: Tx, told: Sequence[Told]) -> None:
        self.told.extend(told)

    async def lock_customers(self, _: Tx, keys: Collection[IdentityKey]) -> dict[IdentityKey, Customer]:
        return {key: self.people[key] for key in keys if key in self.people}

    async def customers(self, _: Tx, keys: Collection[CustomerKey]) -> dict[CustomerKey, Customer]:
        known = {(customer.workspace_id, customer.customer_id): customer for customer in self.people.values()}
        return {key: known[key] for key in keys}

    async def add_customers(self, _: Tx, customers: Mapping[IdentityKey | UUID, Customer]) -> None:
        self.people.update({key: customer for key, customer in customers.items() if isinstance(key, tuple)})

    async def receipts(self, _: Tx, keys: Collection[DedupeKey]) -> dict[DedupeKey, Receipt]:
        found = {}
        for stored in self.messages:
            message = stored.message
            key = message.workspace_id, message.channel, message.dedupe_key or ""
            if key in keys:
                found[key] = Receipt(
                    ticket_id=stored.ticket_id,
                    ticket_number=self.tickets[message.workspace_id, stored.ticket_id].number,
                    message_id=message.message_id,
                    disposition=Disposition.DUPLICATE,
                )
        return {key: receipt for key, receipt in self.refusals.items() if key in keys} | found

    async def add_refusals(self, _: Tx, refusals: Mapping[DedupeKey, Receipt]) -> None:
        kept = {key: replace(receipt, disposition=Disposition.DUPLICATE) for key, receipt in refusals.items()}
        self.refusals.update(kept)

    async def reopenings(
        self, _: Tx, tickets: Collection[TicketKey], senders: Collection[CustomerKey], since: datetime
    ) -> Mapping[TicketKey | CustomerKey, int]:
        counts: Counter[TicketKey | CustomerKey] = Counter()
        for stored in self.messages:
            if stored.disposition is Disposition.REOPENED and stored.received_at > since:
                workspace_id = stored.message.workspace_id
                counts.update([(workspace_id, stored.ticket_id), (workspace_id, stored.customer_id)])
        return {key: counts[key] for key in (*tickets, *senders)}

    async def add_messages(self, _: Tx, messages: Sequence[StoredMessage]) -> None:
        self.messages.extend(messages)

    async def threads(self, _: Tx, keys: Collection[ThreadKey]) -> Mapping[ThreadKey, UUID]:
        return {key: self.by_thread[key] for key in keys if key in self.by_thread}

    async def newest_tickets(
        self, _: Tx, senders: Collection[SenderKey]
    ) -> Mapping[SenderKey, Sequence[tuple[UUID, str]]]:
        return {sender: [] for sender in senders}

    async def keep_threads(self, _: Tx, threads: Mapping[ThreadKey, UUID], __: Mapping[ThreadKey, UUID]) -> None:
        self.by_thread.update(threads)

    async def plan_notices(self, _: Tx, planned: Sequence[Planned]) -> None:
        assert not planned, "no channel here sends any"

    async def present(self, _: Tx, asked: Mapping[Presence, UUID | None]) -> set[Presence]:
        return {
            presence
            for presence, customer_id in asked.items()
            for member in self.family(presence[:2])
            if (presence[0], member.ticket_id, presence[2]) in self.presences or member.customer_id == customer_id
        }

    async def add_presences(self, _: Tx, presences: Collection[Presence]) -> None:
        self.presences.update(presences)

    def keep(self, tickets: Iterable[Ticket]) -> None:
        self.tickets.update({(ticket.workspace_id, ticket.ticket_id): ticket for ticket in tickets})

    def survivor(self, key: TicketKey) -> TicketKey:
        """The ticket that took this one up."""
        while (into := self.tickets[key].merged_into) is not None:
            key = key[0], into
        return key

    def line(self, key: TicketKey) -> Ticket:
        """The ticket to which a message goes that points to this one."""
        seen = {key}
        while more := {after for one in seen for after in self._after(one)} - seen:
            seen |= more
        ends = [self.tickets[one] for one in seen if self.tickets[one].merged_into is None]
        return max(ends, key=lambda end: (end.status.is_unsolved, end.status != "closed", end.number))

    def _after(self, key: TicketKey) -> list[TicketKey]:
        ticket = self.tickets[key]
        if ticket.merged_into is not None:
            return [(key[0], ticket.merged_into)]
        if ticket.status.is_unsolved:
            return []
        return [other for other, one in self.tickets.items() if one.follow_up_of == key[1] and other[0] == key[0]]

    def family(self, key: TicketKey) -> list[Ticket]:
        """The tickets that went up in this one, or that it goes on with."""
        seen = {key}
        while more := {before for one in seen for before in self._before(one)} - seen:
            seen |= more
        return [self.tickets[one] for one in seen]

    def _before(self, key: TicketKey) -> list[TicketKey]:
        merged = [other for other, one in self.tickets.items() if one.merged_into == key[1]]
        followed = self.tickets[key].follow_up_of
        return [*merged, *([(key[0], followed)] if followed else [])]


class Numbers:
    """The port `References`, whose `tickets` are those of a memory by number."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.find, self.add = memory.find, memory.add
        self.numbers, self.channels = memory.numbers, memory.channels

    async def tickets(self, _: Tx, numbers: Collection[NumberKey]) -> Mapping[NumberKey, UUID]:
        return await self._memory.tickets_by_number(numbers)
