"""What an agent has before them, and which of it their words mean."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from deploy.cli.answers import Desk, Offer, Ticket, Work
from deploy.cli.errors import CliError
from deploy.cli.player import Player

_NUMBER = re.compile(r"#?(\d+)(?:\s+|$)")
_MARKED = re.compile(r"#(\d+)(?:\s+|$)")


@dataclass
class BeforeMe:
    """Offers and work as they were told last, with their tickets; and the one that is spoken of."""

    player: Player
    desk: Desk = field(default_factory=lambda: Desk(state="offline", reason=None, offers=[], work=[]))
    tickets: dict[UUID, Ticket] = field(default_factory=dict)
    current: UUID | None = None

    async def ticket(self, ticket_id: UUID) -> Ticket:
        """A ticket, as it was when it came up first."""
        if ticket_id not in self.tickets:
            self.tickets[ticket_id] = await self.player.ticket(ticket_id)
        return self.tickets[ticket_id]

    def name(self, ticket_id: UUID) -> str:
        """A ticket as people say it."""
        known = self.tickets.get(ticket_id)
        return f"#{known.number}" if known else str(ticket_id)[-6:]

    def become(self, state: str, reason: str | None) -> None:
        """The agent's own state has changed."""
        self.desk = self.desk.model_copy(update={"state": state, "reason": reason})

    def take(self, offer: Offer, work: Work) -> None:
        """The offer was accepted: it is work now, and what is spoken of."""
        offers = [one for one in self.desk.offers if one.offer_id != offer.offer_id]
        others = [one for one in self.desk.work if one.ticket_id != work.ticket_id]
        self.desk = self.desk.model_copy(update={"offers": offers, "work": [*others, work]})
        self.current = work.ticket_id

    def offer(self, said: str) -> tuple[Offer, str]:
        """The offer that is meant, and what else was said. CliError where it cannot be told."""
        number, rest = _split(said, _NUMBER)
        offers = [one for one in self.desk.offers if number in (None, self._number(one.ticket_id))]
        if len(offers) == 1:
            return offers[0], rest
        if number is not None:
            raise CliError(f"#{number} is not offered to you.")
        if not offers:
            raise CliError("Nothing is offered to you.")
        raise CliError(f"Say which: {', '.join(self.name(one.ticket_id) for one in offers)}.")

    def work(self, said: str, *, has_text: bool = False) -> tuple[Work, str]:
        """The work that is meant, and what else was said: in front of a text a number needs its `#`.

        CliError where it cannot be told.
        """
        number, rest = _split(said, _MARKED if has_text else _NUMBER)
        if number is None:
            found = [one for one in self.desk.work if one.ticket_id == self.current] or self.desk.work
        else:
            found = [one for one in self.desk.work if self._number(one.ticket_id) == number]
        if len(found) == 1:
            self.current = found[0].ticket_id
            return found[0], rest
        if number is not None:
            raise CliError(f"You do not have #{number}.")
        if not found:
            raise CliError("You have nothing in hand.")
        raise CliError(f"Say which: {', '.join(self.name(one.ticket_id) for one in found)}.")

    def _number(self, ticket_id: UUID) -> int | None:
        known = self.tickets.get(ticket_id)
        return known.number if known else None


def _split(said: str, pattern: re.Pattern[str]) -> tuple[int | None, str]:
    """A number in front, and the rest."""
    match = pattern.match(said)
    return (int(match[1]), said[match.end() :].strip()) if match else (None, said.strip())
