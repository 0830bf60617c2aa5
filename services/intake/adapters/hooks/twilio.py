"""Twilio: texts, WhatsApp through Twilio, their receipts, and what it tells about calls."""

from services.intake.adapters.email.charsets import clean
from services.intake.adapters.hooks import forms, payloads, values
from services.intake.adapters.hooks.numbers import sender_identity
from services.intake.adapters.hooks.twilio_voice import call_events
from services.intake.adapters.hooks.values import Object, Unreadable
from services.intake.app.mail_ports import Raw
from services.intake.domain.hook import Brought, Consent, Written, consent_in
from services.intake.domain.message import DeliveryState, Media, Sender
from services.intake.domain.vendor_answers import twilio_reason

_STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "undelivered": DeliveryState.FAILED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
}
_ON_ITS_WAY = frozenset({"queued", "accepted", "scheduled", "sending"})
_CONSENTS = {"STOP": Consent.OPTED_OUT, "START": Consent.OPTED_IN}
_MAX_MEDIA = 50


def read_sms(raw: Raw, content: bytes) -> list[Brought]:
    """A message, or how far one of ours has got. Raises Unreadable."""
    fields = _fields(raw, content)
    account = values.text(fields, "AccountSid")
    status = values.text(fields, "MessageStatus")
    if status is not None and status not in ("received", "receiving"):
        return [_status(raw, fields, account, status)]
    sid = values.needed(fields, "MessageSid" if "MessageSid" in fields else "SmsSid")
    if "Body" not in fields and "NumMedia" not in fields:
        raise Unreadable("neither a message nor a receipt")
    words = "\n".join(filter(None, [values.long_text(fields, "Body"), _place(fields)]))
    address = values.needed(fields, "From")
    identity, plain = sender_identity(address), address.rpartition(":")[2]
    written = payloads.message(
        raw,
        known_as=sid,
        sender=Sender(
            identity=identity,
            name=values.text(fields, "ProfileName", 200),
            is_verified=True,
        ),
        text=words,
        to=(values.text(fields, "To") or "").rpartition(":")[2],
        reply_to=plain if address.startswith("whatsapp:") and plain != identity.value else None,
        continues=True,
        files=_media(fields),
    )
    return [Brought(account=account, messages=(Written(message=written, consent=_consent(fields, words)),))]


def read_voice(raw: Raw, content: bytes) -> list[Brought]:
    """What is told about a call. Raises Unreadable."""
    fields = _fields(raw, content)
    form = {name: value for name, value in fields.items() if isinstance(value, str)}
    try:
        events = call_events(form, raw.received_at)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return [Brought(account=values.text(fields, "AccountSid"), calls=events, ignored="call")]


def _fields(raw: Raw, content: bytes) -> Object:
    content_type = raw.headers.get("content-type", forms.URL_ENCODED)
    if not forms.is_url_encoded(content_type):
        return values.json_object(content)
    try:
        return {item.name: clean(item.text) for item in forms.fields(content_type, content)}
    except forms.MalformedForm as error:
        raise Unreadable(str(error)) from None


def _status(raw: Raw, fields: Object, account: str | None, status: str) -> Brought:
    sid = values.needed(fields, "MessageSid" if "MessageSid" in fields else "SmsSid")
    if status in _ON_ITS_WAY:
        return Brought(account=account, ignored="receipt")
    state = _STATES.get(status)
    if state is None:
        raise Unreadable("an unknown status")
    reason = twilio_reason(values.code(fields, "ErrorCode")) if state is DeliveryState.FAILED else None
    receipt = payloads.receipt(raw, sid, state, reason=reason)
    return Brought(account=account, receipts=(receipt,), ignored="receipt")


def _consent(fields: Object, words: str) -> Consent | None:
    """As Twilio has understood it, where it manages who opts out."""
    told = values.text(fields, "OptOutType")
    return _CONSENTS.get(told.upper()) if told else consent_in(words)


def _media(fields: Object) -> list[Media | None]:
    count = values.text(fields, "NumMedia") or "0"
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    return [
        payloads.media(values.text(fields, f"MediaUrl{n}", 4001), values.text(fields, f"MediaContentType{n}"))
        for n in range(min(number, _MAX_MEDIA))
    ]


def _place(fields: Object) -> str:
    """Where the sender is, if they have sent that."""
    latitude, longitude = values.text(fields, "Latitude"), values.text(fields, "Longitude")
    named = [values.text(fields, name) for name in ("Label", "Address")]
    return ", ".join(filter(None, [*named, latitude, longitude])) if latitude and longitude else ""
