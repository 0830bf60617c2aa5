"""Answers in Slack, in the thread that they belong to. Slack tells a repeat by `client_msg_id`."""

from collections.abc import Mapping
from datetime import datetime

from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.domain.outgoing import Never, Outcome, Outgoing, Taken
from services.intake.domain.provider import Slack
from services.intake.domain.slack_threads import SlackPlace, place_of
from services.intake.domain.vendor_answers import known_id, slack_answer
from services.intake.domain.workspace import Channel
from shared.retries import retry_after


class SlackCarrier:
    """Implements `Carrier`."""

    def __init__(self, http: VendorHttp, *, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises ProviderUnavailable."""
        provider = channel.sender
        place = place_of(outgoing.thread_key, outgoing.to)
        if not isinstance(provider, Slack) or place is None:
            return Never(reason="nobody knows the customer's Slack channel")
        body: dict[str, object] = {
            "channel": place.channel,
            "text": _escaped(outgoing.text),
            "client_msg_id": str(outgoing.message_id),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if place.thread_ts is not None:
            body["thread_ts"] = place.thread_ts
        answer = await self._http.post(f"{self._url}/chat.postMessage", json_body=body, bearer=provider.bot_token)
        if answer.is_success and answer.body.get("ok") is True:
            return Taken(provider_id=_posted(answer.body, place))
        error = known_id(answer.body.get("error"))
        return slack_answer(answer.status, error, retry_after(answer.retry_after, now))


def _posted(body: Mapping[str, object], asked: SlackPlace) -> str | None:
    ts = known_id(body.get("ts"))
    return known_id(f"{known_id(body.get('channel')) or asked.channel}:{ts}") if ts else None


def _escaped(text: str) -> str:
    """Text that mentions nobody and links nothing by itself: Slack's three control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
