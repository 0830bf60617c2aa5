"""The provider-neutral webhook: messages, receipts and calls of whoever speaks Standard Webhooks."""

import hashlib

from services.intake.adapters.hooks import payloads, values
from services.intake.adapters.hooks.standard_calls import call_events
from services.intake.adapters.hooks.values import Object, Unreadable
from services.intake.app.mail_ports import Raw
from services.intake.domain.hook import Brought, Written, consent_in
from services.intake.domain.message import DeliveryState, Identity, IdentityKind, Sender, email_identity
from services.intake.domain.vendor_answers import UNDELIVERED

_MAX_ID = 200
_STATES = {"message.delivered": DeliveryState.DELIVERED, "message.failed": DeliveryState.FAILED}


def read(raw: Raw, content: bytes) -> list[Brought]:
    """What this event is about. Raises Unreadable."""
    payload = values.json_object(content)
    name = values.text(payload, "type") or ""
    data = values.part(payload, "data")
    if name == "message.received":
        return [_received(raw, data)]
    if state := _STATES.get(name):
        # What the provider gives as the reason may repeat the message or the number.
        reason = UNDELIVERED if state is DeliveryState.FAILED else None
        receipt = payloads.receipt(raw, values.needed(data, "id"), state, reason=reason)
        return [Brought(receipts=(receipt,), ignored="receipt")]
    if name.startswith("call."):
        try:
            return [Brought(calls=call_events(payload), ignored="call")]
        except ValueError as error:
            raise Unreadable(str(error)) from None
    raise Unreadable("an event of a type that nobody knows")


def _received(raw: Raw, data: Object) -> Brought:
    """A message, known by the event's id: its own may be missing, or another's."""
    sender = values.part(data, "from")
    text = values.long_text(data, "text")
    identity = _identity(sender)
    name = values.text(sender, "name", 200)
    if identity is None and name is None:
        raise Unreadable("nobody knows who it is from")
    thread = values.text(data, "thread")
    message = payloads.message(
        raw,
        known_as=_event_id(raw) or values.needed(data, "id"),
        sender=Sender(identity=identity, name=name),
        text=text,
        to=values.text(data, "to"),
        thread_key=thread,
        continues=thread is None and identity is not None and identity.kind is IdentityKind.PHONE,
        files=[
            payloads.media(
                values.text(file, "url", 4001),
                values.text(file, "content_type"),
                values.text(file, "filename", 200),
            )
            for file in values.items(data, "media")
        ],
        sent_at=values.instant(data.get("sent_at")),
    )
    return Brought(messages=(Written(message=message, consent=consent_in(text)),))


def _event_id(raw: Raw) -> str | None:
    """The event's id, shortened where it is too long for an index."""
    name = raw.headers.get("webhook-id", "")
    return name if len(name) <= _MAX_ID else hashlib.sha256(name.encode()).hexdigest()


def _identity(sender: Object) -> Identity | None:
    if phone := values.text(sender, "phone"):
        return Identity(kind=IdentityKind.PHONE, value=phone)
    if handle := values.text(sender, "handle"):
        return Identity(kind=IdentityKind.HANDLE, value=handle)
    email = values.text(sender, "email")
    return email_identity(email) if email else None
