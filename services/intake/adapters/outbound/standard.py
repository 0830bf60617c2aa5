"""Answers to any provider, by signed webhooks (Standard Webhooks).

`webhook-id` tells a repeat: it is the id of the message, and another one each time that the staff has it sent
again, which the receiver is to see. The address is configured by
people: it is called under the rules of `shared/egress.py`.
"""

import json
from datetime import datetime

from services.intake.domain.outgoing import Later, Never, Outcome, Outgoing, Taken
from services.intake.domain.provider import StandardWebhook
from services.intake.domain.vendor_answers import ACCOUNT_PAUSE, standard_answer
from services.intake.domain.workspace import Channel
from shared.egress import Egress, EgressRefused
from shared.retries import retry_after
from shared.standard_webhooks import hmac_key, signed


class StandardCarrier:
    """Implements `Carrier`."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises ProviderUnavailable."""
        provider = channel.sender
        if not isinstance(provider, StandardWebhook) or provider.url is None:
            return Never(reason="the channel has no address for answers any more")
        body = body_of(outgoing, channel)
        key = hmac_key(provider.secrets[0])
        if key is None:
            return Later(reason="the channel's secret cannot sign", after=ACCOUNT_PAUSE, holds=True)
        headers = signed(key, _webhook_id(outgoing), body, now)
        try:
            answer = await self._egress.post(provider.url, body, headers)
        except EgressRefused as refusal:
            return Later(reason=f"it may not be called: {refusal}", after=ACCOUNT_PAUSE, holds=True)
        if 200 <= answer.status < 300:
            return Taken(provider_id=str(outgoing.message_id))
        return standard_answer(answer.status, retry_after(answer.retry_after, now))


def body_of(outgoing: Outgoing, channel: Channel) -> bytes:
    """What is posted, the same at every attempt."""
    data: dict[str, object] = {
        "id": str(outgoing.message_id),
        "channel": outgoing.channel,
        "channel_kind": outgoing.channel_kind.value,
        "from": channel.address,
        "to": {outgoing.recipient.kind.value: outgoing.to} if outgoing.recipient else None,
        "thread": outgoing.thread_key,
        "text": outgoing.text,
        "html": outgoing.html,
        "ticket_id": str(outgoing.ticket_id),
        "author_kind": outgoing.author_kind.value,
        "purpose": outgoing.purpose.value,
    }
    if template := outgoing.template:
        data["template"] = {
            "name": template.name,
            "language": template.language,
            "variables": dict(template.variables),
        }
    timestamp = outgoing.queued_at.isoformat()
    return json.dumps(
        {"type": "message.send", "timestamp": timestamp, "data": data}, separators=(",", ":")
    ).encode()


def _webhook_id(outgoing: Outgoing) -> str:
    return f"{outgoing.message_id}-{outgoing.round}" if outgoing.round else str(outgoing.message_id)
