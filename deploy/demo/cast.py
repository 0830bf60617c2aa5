"""The agents of the demo: they follow their desks as real ones do, and do what their scene asks of them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from deploy.cli.answers import Desk, Offer
from deploy.cli.errors import CliError
from deploy.cli.place import Place
from deploy.cli.player import Player, playing
from deploy.demo.narrator import Narrator

PATIENCE_S = 25.0


@dataclass
class Actor:
    """One agent, and what is before them."""

    player: Player
    desk: Desk = field(default_factory=lambda: Desk(state="offline", reason=None, offers=[], work=[]))

    @property
    def name(self) -> str:
        """The agent's slug."""
        return self.player.slug


class Cast:
    """Everybody who plays."""

    def __init__(self, actors: Sequence[Actor], narrator: Narrator, since: datetime) -> None:
        """since: work on older tickets is none of the demo's business: it is declined"""
        self._actors = actors
        self._narrator = narrator
        self._since = since
        self._changed = asyncio.Condition()
        self._seen: set[UUID] = set()

    async def follow(self) -> None:
        """Keeps every desk up to date, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for actor in self._actors:
                group.create_task(self._follow(actor))

    async def begin(self) -> None:
        """Everybody takes their place, in this order: who has waited longest is asked first."""
        for actor in self._actors:
            await actor.player.set_state("available")
            self._narrator.say(actor.name, "is available")

    async def offered(self, ticket_id: UUID, *, but: Collection[UUID] = ()) -> tuple[Actor, Offer]:
        """Who is asked to take a ticket, by an offer that is not one of those. CliError where nobody is."""

        def found() -> tuple[Actor, Offer] | None:
            for actor in self._actors:
                for offer in actor.desk.offers:
                    if offer.ticket_id == ticket_id and offer.offer_id not in but:
                        return actor, offer
            return None

        async with self._changed:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._changed.wait_for(lambda: found() is not None)
            except TimeoutError:
                raise CliError(f"nobody was asked within {PATIENCE_S:g} s") from None
            asked = found()
        assert asked is not None
        return asked

    async def gone(self, actor: Actor, offer: Offer) -> None:
        """Returns when the offer is over. CliError where it does not end."""
        ids = {offer.offer_id}
        async with self._changed:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._changed.wait_for(lambda: not ids & {one.offer_id for one in actor.desk.offers})
            except TimeoutError:
                raise CliError(f"the offer to {actor.name} does not end") from None

    async def _follow(self, actor: Actor) -> None:
        async for desk in actor.player.desks():
            for offer in desk.offers:
                await self._look_at(actor, offer)
            async with self._changed:
                actor.desk = desk
                self._changed.notify_all()

    async def _look_at(self, actor: Actor, offer: Offer) -> None:
        if offer.offer_id in self._seen:
            return
        self._seen.add(offer.offer_id)
        ticket = await actor.player.ticket(offer.ticket_id)
        if ticket.opened_at < self._since:
            await actor.player.decline(offer, "not a part of the demo")
        else:
            self._narrator.say(actor.name, f"is offered #{ticket.number} {ticket.subject}")


@asynccontextmanager
async def casting(place: Place, slugs: Sequence[str], narrator: Narrator, since: datetime) -> AsyncIterator[Cast]:
    """The cast at work; everybody is offline afterwards."""
    async with AsyncExitStack() as stack:
        players = [await stack.enter_async_context(playing(place, slug)) for slug in slugs]
        cast = Cast([Actor(player) for player in players], narrator, since)
        try:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(cast.follow())
                await cast.begin()
                yield cast
                following.cancel()
        finally:
            for player in players:
                with suppress(CliError):
                    await player.set_state("offline", "the demo is over")
