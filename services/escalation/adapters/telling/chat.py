"""Notifications to staff in chat rooms, by incoming webhooks as Slack has them."""

import json

from services.escalation.adapters.telling.answers import outcome_of
from services.escalation.adapters.telling.delivery import Delivery
from services.escalation.adapters.telling.links import TakeOnLinks
from services.escalation.adapters.telling.wording import lines
from services.escalation.domain.message import Answer, Outcome
from shared.clock import Clock
from shared.egress import Egress
from shared.secrets import Vault


class Chats:
    """Posts messages to chats."""

    def __init__(self, egress: Egress, vault: Vault, clock: Clock, links: TakeOnLinks) -> None:
        self._egress = egress
        self._vault = vault
        self._clock = clock
        self._links = links

    async def send(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises ProviderUnavailable and EgressRefused."""
        message = delivery.message
        chat = delivery.policies.chats.get(message.address)
        if chat is None:
            return Outcome(answer=Answer.REFUSED, detail="is not configured any more")
        try:
            url = self._vault.open(message.workspace_id, chat.url)
        except ValueError:
            return Outcome(answer=Answer.DEFERRED, detail="the chat's address cannot be unsealed")
        answered = await self._egress.post(url, self.body_of(delivery), {"content-type": "application/json"})
        return outcome_of(answered, self._clock.now())

    def body_of(self, delivery: Delivery) -> bytes:
        """What is posted: a text, as every such room takes it."""
        first, *rest = [_escaped(line) for line in lines(delivery.digest)]
        link = self._links.of(delivery.message.workspace_id, delivery.message.message_id)
        button = [f"<{link}|Take {'it' if delivery.digest.total == 1 else 'all of them'} on>"] if link else []
        told = [f"*{first}*", *(line for line in rest if line), *button]
        return json.dumps({"text": "\n".join(told)}).encode()


def _escaped(line: str) -> str:
    """A line in which nothing is a link, a mention or a command."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
