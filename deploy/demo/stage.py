"""Where the demo plays: the running installation, and what the scenes ask of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import TypeVar
from uuid import UUID

from deploy.cli.answers import Entry, Receipt, Ticket
from deploy.cli.api import Service
from deploy.cli.commands.send import send_by_smtp
from deploy.cli.errors import CliError
from deploy.cli.place import Place
from deploy.demo.cast import Cast
from deploy.demo.mails import Sample, received
from deploy.demo.narrator import Narrator
from deploy.demo.webhooks import Hooks

T = TypeVar("T")

_WITHIN_S = 25.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One run.

    services: as an operator; run: what is in every id of this run
    since, since_ns: when it began, by the machine's clock
    """

    place: Place
    services: Mapping[str, Service]
    cast: Cast
    narrator: Narrator
    hooks: Hooks
    run: str
    since: datetime
    since_ns: int

    async def bring(self, sample: Sample) -> None:
        """Hands a mail over by SMTP."""
        await asyncio.to_thread(send_by_smtp, self.place, [sample])
        self.narrator.say("customer", f"sends {sample.name} to {sample.recipient}")

    async def bring_new(self, sample: Sample, subject: str) -> Ticket:
        """Hands a mail over by SMTP; the ticket that it opens."""
        await self.bring(sample)

        async def opened() -> Ticket | None:
            query = {"opened_after": self.since.isoformat().replace("+00:00", "Z")}
            tickets = await self.services["intake"].pages("/v1/tickets", Ticket, query)
            return next((ticket for ticket in tickets if ticket.subject == subject), None)

        return await eventually(opened, f"{sample.name} becomes a ticket")

    async def post(self, message: Mapping[str, object]) -> Ticket:
        """Sends a message by the API; the ticket that it opens."""
        unique = {**message, "external_id": f"{message['external_id']}-{self.run}"}
        receipt = await self.services["intake"].post("/v1/messages", Receipt, unique)
        if receipt.disposition != "opened" or receipt.ticket_id is None:
            raise CliError(f"the message was {receipt.disposition}, not opened")
        self.narrator.say("customer", f"posts “{message['subject']}”")
        return await self.ticket(receipt.ticket_id)

    async def ticket(self, ticket_id: UUID) -> Ticket:
        """A ticket as it stands."""
        return await self.services["intake"].get(f"/v1/tickets/{ticket_id}", Ticket)

    async def reaches(self, ticket_id: UUID, status: str) -> None:
        """Returns once the ticket has this status."""

        async def holds() -> bool:
            return (await self.ticket(ticket_id)).status == status

        await eventually(holds, f"it is {status}")

    async def happens(self, ticket_id: UUID, event: str) -> Entry:
        """An event in the ticket's timeline, once it is there."""

        async def found() -> Entry | None:
            entries = await self.services["intake"].pages(f"/v1/tickets/{ticket_id}/timeline", Entry)
            return next((entry for entry in entries if entry.event and entry.event.type == event), None)

        return await eventually(found, f"{event} happens")

    async def mail(self, what: str, fits: Callable[[EmailMessage], bool]) -> EmailMessage:
        """A mail that has left, once it is in the sink."""

        async def found() -> EmailMessage | None:
            mails = await asyncio.to_thread(lambda: list(received(self.place.mail, self.since_ns)))
            return next((mail for mail in mails if fits(mail)), None)

        mail = await eventually(found, what)
        self.narrator.say("mail", f"to {mail['To']}: {mail['Subject']}")
        return mail


async def eventually(probe: Callable[[], Awaitable[T | None]], what: str, within_s: float = _WITHIN_S) -> T:
    """The first true answer. CliError where there is none in time."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if answer := await probe():
                    return answer
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise CliError(f"not within {within_s:g} s: {what}") from None
