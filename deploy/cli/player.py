"""What an agent does, over the services' own interfaces."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from deploy.cli.answers import Agent, Desk, Entry, Escalation, Message, Offer, Ticket, Work
from deploy.cli.api import Refused, Service, services
from deploy.cli.errors import CliError
from deploy.cli.place import Place
from deploy.cli.sse import follow
from deploy.cli.tokens import AGENT_SCOPES


class Player:
    """An agent at work."""

    def __init__(self, slug: str, reached: Mapping[str, Service]) -> None:
        self.slug = slug
        self.services = reached
        self._intake, self._router = reached["intake"], reached["router"]

    async def profile(self) -> Agent:
        """Who this is. CliError, with those that there are, where nobody has this name."""
        try:
            return await self._router.get(f"/v1/agents/{self.slug}", Agent)
        except Refused as refused:
            if refused.status not in (404, 422):
                raise
            there = [agent.agent_id for agent in await self._router.pages("/v1/agents", Agent)]
            known = ", ".join(there) or "none: apply a configuration first"
            raise CliError(f"There is no agent {self.slug}. There are: {known}.") from None

    async def set_state(self, state: str, reason: str | None = None) -> Agent:
        """Becomes available, busy, away or offline."""
        body = {"state": state, **({"reason": reason} if reason else {})}
        answer = await self._router.request("PUT", f"/v1/agents/{self.slug}/state", body=body)
        return Agent.model_validate_json(answer.content)

    async def desks(self) -> AsyncIterator[Desk]:
        """What is before the agent, now and at each change, for as long as anybody asks."""
        async for event in follow(self._router, f"/v1/agents/{self.slug}/stream"):
            if event.name == "desk":
                yield Desk.model_validate_json(event.data)

    async def accept(self, offer: Offer) -> Work:
        """Takes what is offered."""
        return await self._router.post(f"/v1/offers/{offer.offer_id}/accept", Work)

    async def decline(self, offer: Offer, reason: str) -> None:
        """Refuses what is offered."""
        await self._router.do(f"/v1/offers/{offer.offer_id}/decline", {"reason": reason})

    async def transfer(self, ticket_id: UUID, target: Mapping[str, object], reason: str) -> Work:
        """Moves work to an agent, a queue or a support tier."""
        return await self._router.post(f"/v1/work/{ticket_id}/transfer", Work, {**target, "reason": reason})

    async def complete(self, ticket_id: UUID) -> Work:
        """Ends the wrap-up."""
        return await self._router.post(f"/v1/work/{ticket_id}/complete", Work)

    async def ticket(self, ticket_id: UUID) -> Ticket:
        """A ticket as it stands."""
        return await self._intake.get(f"/v1/tickets/{ticket_id}", Ticket)

    async def conversation(self, ticket_id: UUID) -> list[Message]:
        """What was written about a ticket, the oldest first."""
        entries = await self._intake.pages(f"/v1/tickets/{ticket_id}/timeline", Entry)
        return [entry.message for entry in entries if entry.message is not None]

    async def reply(self, ticket_id: UUID, text: str, *, status: str | None = None) -> None:
        """Answers the customer."""
        body = {"text": text, **({"status": status} if status else {})}
        await self._intake.do(f"/v1/tickets/{ticket_id}/replies", body)

    async def note(self, ticket_id: UUID, text: str) -> None:
        """Leaves a note for colleagues."""
        await self._intake.do(f"/v1/tickets/{ticket_id}/notes", {"text": text})

    async def set_status(self, ticket_id: UUID, status: str) -> None:
        """Solves a ticket, or lets it wait."""
        await self._intake.do(f"/v1/tickets/{ticket_id}", {"status": status}, method="PATCH")

    async def acknowledge(self, ticket_id: UUID) -> int:
        """Takes on the open escalations of a ticket; how many there were."""
        escalation = self.services["escalation"]
        raised = await escalation.pages("/v1/escalations", Escalation, {"state": "raised"})
        mine = [one for one in raised if one.ticket_id == ticket_id]
        for one in mine:
            await escalation.do(f"/v1/escalations/{one.escalation_id}/acknowledge")
        return len(mine)


@asynccontextmanager
async def playing(place: Place, slug: str, workspace_id: str | None = None) -> AsyncIterator[Player]:
    """An agent of a workspace, with an agent's own rights."""
    async with services(place, workspace_id=workspace_id, subject=slug, scopes=AGENT_SCOPES) as reached:
        yield Player(slug, reached)
