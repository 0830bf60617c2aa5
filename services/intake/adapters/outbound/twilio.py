"""Texts and WhatsApp by Twilio.

Twilio knows no id of ours: an attempt whose outcome is unknown is made again, and may arrive twice.
"""

import json
from datetime import datetime
from urllib.parse import quote

from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.domain.outgoing import Never, Outcome, Outgoing, Taken
from services.intake.domain.provider import Twilio
from services.intake.domain.vendor_answers import known_code, known_id, twilio_answer
from services.intake.domain.workspace import Channel
from shared.retries import retry_after
from shared.vocabulary import ChannelKind

_RETRIED = "#rc=3&rp=all"
"""Twilio reads this and sends it nowhere: it asks for receipts to be told again where we do not answer."""


class TwilioCarrier:
    """Implements `Carrier`. public_url: where Twilio reaches us with receipts"""

    def __init__(self, http: VendorHttp, *, url: str, public_url: str | None) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._public_url = public_url.rstrip("/") if public_url else None

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises ProviderUnavailable."""
        provider = channel.sender
        if not isinstance(provider, Twilio) or outgoing.to is None:
            return Never(reason="nobody knows the customer's number")
        account = quote(provider.account_sid, safe="")
        answer = await self._http.post(
            f"{self._url}/2010-04-01/Accounts/{account}/Messages.json",
            form=self._form(outgoing, channel, provider),
            basic=(provider.account_sid, provider.secrets[0]),
        )
        if answer.is_success:
            return Taken(provider_id=known_id(answer.body.get("sid")))
        code = known_code(answer.body.get("code"))
        return twilio_answer(answer.status, code, retry_after(answer.retry_after, now))

    def _form(self, outgoing: Outgoing, channel: Channel, provider: Twilio) -> dict[str, str]:
        assert outgoing.to is not None
        prefix = "whatsapp:" if channel.kind is ChannelKind.WHATSAPP else ""
        form = {"From": f"{prefix}{provider.number}", "To": f"{prefix}{outgoing.to.removeprefix('whatsapp:')}"}
        if template := outgoing.template:
            form["ContentSid"] = template.name
            if template.variables:
                form["ContentVariables"] = json.dumps(dict(template.variables), ensure_ascii=False)
        else:
            form["Body"] = outgoing.text
        if self._public_url and channel.address:
            form["StatusCallback"] = f"{self._public_url}/v1/hooks/{channel.address}/{provider.name}{_RETRIED}"
        return form
