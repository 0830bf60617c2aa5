"""An agent's session in the terminal: it tells what comes in, counts down, and does what is typed."""

import asyncio
from contextlib import suppress

from rich.text import Text

from deploy.cli.answers import Desk, Offer
from deploy.cli.before_me import BeforeMe
from deploy.cli.errors import CliError
from deploy.cli.orders import Orders, state_in_words
from deploy.cli.output import duration, printable, safe
from deploy.cli.player import Player
from deploy.cli.terminal import Terminal
from shared.clock import SystemClock

_LEAVING = ("quit", "exit")
_REMINDERS_S = (30, 10)
"""Where no prompt counts down, a line says how much time is left."""


class Session:
    """One agent at one terminal."""

    def __init__(self, player: Player, terminal: Terminal) -> None:
        self._player = player
        self._terminal = terminal
        self._before = BeforeMe(player)
        self._lines = terminal.lines()
        self._orders = Orders(player, self._before, terminal.say, self._lines)
        self._reminded: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Until the agent quits or the input ends; then they are offline. Raises CliError."""
        await self._greet()
        try:
            async with asyncio.TaskGroup() as group:
                background = [group.create_task(self._follow()), group.create_task(self._count_down())]
                try:
                    await self._obey()
                finally:
                    for task in background:
                        task.cancel()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            with suppress(CliError):
                await self._player.set_state("offline", "left the terminal")
            self._terminal.say("You are offline.")

    async def _greet(self) -> None:
        profile = await self._player.profile()
        skills = "".join(f", {name} {level}" for name, level in profile.skills.items())
        self._terminal.say(
            f"[bold]{safe(profile.name or profile.agent_id)}[/], tier {profile.support_tier},"
            f" queues {', '.join(profile.queues)}{skills}."
            " Type [bold]available[/] to begin, [bold]help[/] for what else there is."
        )

    async def _obey(self) -> None:
        async for line in self._lines:
            if line.strip() in _LEAVING:
                return
            try:
                await self._orders.obey(line.strip())
            except CliError as error:
                self._terminal.say(Text(printable(str(error)), style="red"))

    async def _follow(self) -> None:
        async for desk in self._player.desks():
            await self._tell(self._before.desk, desk)

    async def _tell(self, before: Desk, now: Desk) -> None:
        """What has changed on the desk."""
        self._before.desk = now
        if (now.state, now.reason) != (before.state, before.reason):
            self._terminal.say(state_in_words(now.state, now.reason))
        offered = {one.offer_id for one in before.offers}
        for offer in now.offers:
            if offer.offer_id not in offered:
                await self._tell_offer(offer)
        in_hand = {work.ticket_id for work in now.work}
        still = {one.offer_id for one in now.offers}
        for offer in before.offers:
            if offer.offer_id not in still and offer.ticket_id not in in_hand:
                self._terminal.say(f"The offer of {self._before.name(offer.ticket_id)} is over.")
        for work in before.work:
            if work.ticket_id not in in_hand:
                self._terminal.say(f"{self._before.name(work.ticket_id)} is off your desk.")
        had = {work.ticket_id for work in before.work}
        for work in now.work:
            if work.ticket_id not in had:
                ticket = await self._before.ticket(work.ticket_id)
                self._before.current = work.ticket_id
                self._terminal.say(f"[green]#{ticket.number} is yours[/]: {safe(ticket.subject)}")

    async def _tell_offer(self, offer: Offer) -> None:
        ticket = await self._before.ticket(offer.ticket_id)
        self._terminal.say(
            f"[bold yellow]Offer[/] #{ticket.number} {safe(ticket.subject)}"
            f" ({offer.priority}, queue {offer.queue}, tier {offer.support_tier}, by {offer.channel}):"
            f" [bold]accept[/] or [bold]decline[/] within {duration(_left_s(offer))}"
        )

    async def _count_down(self) -> None:
        while True:
            desk = self._before.desk
            name, current = self._before.name, self._before.current
            offers = [f"offered {name(one.ticket_id)} {duration(_left_s(one))}" for one in desk.offers]
            said = [self._player.slug, desk.state, f"on {name(current)}" if current else "", *offers]
            self._terminal.prompt(" · ".join(filter(None, said)) + " > ")
            if not self._terminal.is_live:
                self._remind(desk)
            await asyncio.sleep(0.25)

    def _remind(self, desk: Desk) -> None:
        for offer in desk.offers:
            whole = (offer.expires_at - offer.offered_at).total_seconds()
            for left_s in _REMINDERS_S:
                reminder = str(offer.offer_id), left_s
                if whole > left_s and _left_s(offer) <= left_s and reminder not in self._reminded:
                    self._reminded.add(reminder)
                    self._terminal.say(f"{self._before.name(offer.ticket_id)}: {duration(_left_s(offer))} left")


def _left_s(offer: Offer) -> float:
    return max(0.0, (offer.expires_at - SystemClock().now()).total_seconds())
