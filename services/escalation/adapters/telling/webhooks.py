"""Notifications to systems, signed as Standard Webhooks has it."""

import json

from services.escalation.adapters.telling.answers import outcome_of
from services.escalation.adapters.telling.delivery import Delivery
from services.escalation.domain.escalation_policy import Webhook
from services.escalation.domain.message import Answer, Outcome
from shared.clock import Clock
from shared.egress import Egress
from shared.secrets import Vault
from shared.standard_webhooks import hmac_key, signed


class Webhooks:
    """Posts messages to systems, one notification each."""

    def __init__(self, egress: Egress, vault: Vault, clock: Clock) -> None:
        self._egress = egress
        self._vault = vault
        self._clock = clock

    async def send(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises ProviderUnavailable and EgressRefused."""
        message = delivery.message
        webhook = delivery.policies.webhooks.get(message.address)
        if webhook is None:
            return Outcome(answer=Answer.REFUSED, detail="is not configured any more")
        if delivery.is_gone:
            return Outcome(answer=Answer.GONE, detail="answered 410 before")
        key = self._key(message.workspace_id, webhook)
        if key is None:
            return Outcome(answer=Answer.DEFERRED, detail="the webhook's secret cannot sign")
        body, now = body_of(delivery), self._clock.now()
        headers = signed(key, str(message.message_id), body, now)
        return outcome_of(await self._egress.post(webhook.url, body, headers), self._clock.now())

    def _key(self, workspace_id: str, webhook: Webhook) -> bytes | None:
        """What posts are signed with; none where another key has sealed it."""
        try:
            return hmac_key(self._vault.open(workspace_id, webhook.secret))
        except ValueError:
            return None


def body_of(delivery: Delivery) -> bytes:
    """What is posted, the same at every attempt."""
    (item,) = delivery.digest.shown
    return json.dumps(
        {
            "type": "escalation.raised",
            "timestamp": item.created_at.isoformat(),
            "data": {"workspace": delivery.message.workspace_id, **item.facts},
        },
        separators=(",", ":"),
    ).encode()
