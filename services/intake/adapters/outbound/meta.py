"""WhatsApp by Meta's Cloud API.

It takes no id of ours to tell a repeat by; it repeats the one that it is given in its receipts.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.domain.outgoing import Never, Outcome, Outgoing, Taken
from services.intake.domain.provider import Meta
from services.intake.domain.vendor_answers import known_code, known_id, meta_answer
from services.intake.domain.whatsapp import WhatsAppTemplate
from services.intake.domain.workspace import Channel
from shared.retries import retry_after


class MetaCarrier:
    """Implements `Carrier`."""

    def __init__(self, http: VendorHttp, *, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises ProviderUnavailable."""
        provider = channel.sender
        if not isinstance(provider, Meta) or outgoing.to is None:
            return Never(reason="nobody knows the customer's number")
        answer = await self._http.post(
            f"{self._url}/{quote(provider.phone_number_id, safe='')}/messages",
            json_body=_body(outgoing, outgoing.to),
            bearer=provider.access_token,
        )
        if answer.is_success:
            return Taken(provider_id=_first_id(answer.body))
        error = answer.body.get("error")
        code = known_code(error.get("code")) if isinstance(error, dict) else None
        return meta_answer(answer.status, code, retry_after(answer.retry_after, now))


def _body(outgoing: Outgoing, to: str) -> dict[str, object]:
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to.removeprefix("+"),
        "biz_opaque_callback_data": str(outgoing.message_id),
    }
    if outgoing.template is not None:
        return {**body, "type": "template", "template": _template(outgoing.template)}
    return {**body, "type": "text", "text": {"body": outgoing.text, "preview_url": False}}


def _template(template: WhatsAppTemplate) -> dict[str, object]:
    shown: dict[str, object] = {"name": template.name, "language": {"code": template.language}}
    if template.variables:
        names = list(template.variables)
        is_numbered = all(name.isascii() and name.isdigit() for name in names)
        ordered = sorted(names, key=int) if is_numbered else names
        parameters = [
            {"type": "text", "text": template.variables[name]} | ({} if is_numbered else {"parameter_name": name})
            for name in ordered
        ]
        shown["components"] = [{"type": "body", "parameters": parameters}]
    return shown


def _first_id(body: Mapping[str, object]) -> str | None:
    messages = body.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return known_id(first.get("id")) if isinstance(first, dict) else None
