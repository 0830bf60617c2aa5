"""Meta's WhatsApp Cloud API: batches of entries, for one number or several, in no order."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from services.intake.adapters.hooks import payloads, values
from services.intake.adapters.hooks.numbers import whatsapp_identity
from services.intake.adapters.hooks.values import Object, Unreadable
from services.intake.app.mail_ports import Raw
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Brought, Written, consent_in
from services.intake.domain.message import DeliveryState, Media, Sender
from services.intake.domain.vendor_answers import meta_reason
from shared.strict_json import Json

T = TypeVar("T")

_STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "played": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
}
"""What becomes of a message. `deleted` and `warning` are told as well, and change nothing."""
_FILES = ("image", "audio", "video", "document", "sticker")
_SILENT = frozenset({"reaction", "system"})
"""Kinds of message by which nobody asks for anything."""


def read(raw: Raw, content: bytes) -> list[Brought]:
    """The messages and receipts of each number, in their order. Raises Unreadable where it is none of Meta's."""
    payload = values.json_object(content)
    if payload.get("object") != "whatsapp_business_account":
        raise Unreadable("not about a WhatsApp account")
    brought = [
        _change(raw, values.part(change, "value"))
        for entry in values.items(payload, "entry")
        for change in values.items(entry, "changes")
        if change.get("field") == "messages"
    ]
    return brought or [Brought(ignored="not about messages")]


def _change(raw: Raw, value: Object) -> Brought:
    names = {
        values.text(contact, "wa_id"): values.text(values.part(contact, "profile"), "name", 200)
        for contact in values.items(value, "contacts")
    }
    found = list(values.items(value, "messages"))
    number = values.part(value, "metadata")
    to = values.text(number, "display_phone_number")
    problems: list[str] = []
    asked = (item for item in found if values.text(item, "type") not in _SILENT)
    messages = _each(asked, lambda item: _message(raw, item, names, to), problems)
    told = (status for status in values.items(value, "statuses") if values.text(status, "status") in _STATES)
    receipts = _each(told, lambda status: _receipt(raw, status), problems)
    ignored = None if messages else "receipt" if receipts else "reaction" if found else "nothing in it"
    return Brought(
        account=values.text(number, "phone_number_id"),
        messages=messages,
        receipts=receipts,
        ignored=ignored,
        unreadable=problems[0] if problems else None,
    )


def _each(items: Iterable[Object], read_one: Callable[[Object], T], problems: list[str]) -> tuple[T, ...]:
    """What can be read; of the rest, why it cannot."""
    found = []
    for item in items:
        try:
            found.append(read_one(item))
        except Unreadable as error:
            problems.append(str(error))
    return tuple(found)


def _message(raw: Raw, item: Object, names: dict[str | None, str | None], to: str | None) -> Written:
    sender = values.needed(item, "from")
    identity, text = whatsapp_identity(sender), _text(item)
    message = payloads.message(
        raw,
        known_as=values.needed(item, "id"),
        sender=Sender(identity=identity, name=names.get(sender), is_verified=True),
        text=text,
        to=to,
        reply_to=None if identity.value == f"+{sender}" else f"+{sender}",
        continues=True,
        files=_files(item),
        sent_at=values.seconds(item.get("timestamp")),
    )
    return Written(message=message, consent=consent_in(text))


def _text(item: Object) -> str:
    """What a message says, whatever it is made of."""
    kind = values.text(item, "type") or ""
    content = values.part(item, kind)
    match kind:
        case "text":
            return values.long_text(content, "body")
        case "button":
            return values.long_text(content, "text")
        case "interactive":
            reply = values.part(content, values.text(content, "type") or "")
            lines = [values.long_text(reply, name) for name in ("title", "description", "body", "response_json")]
            return "\n".join(filter(None, lines))
        case "location":
            names = [values.text(content, name) for name in ("name", "address")]
            place = [_number(content.get(name)) for name in ("latitude", "longitude")]
            return ", ".join(filter(None, [*names, *place]))
        case "contacts":
            return "\n".join(_card(card) for card in values.items(item, "contacts"))
        case "order":
            return values.long_text(content, "text")
        case _ if kind in _FILES:
            return values.long_text(content, "caption")
        case _:
            # Whatever WhatsApp invents next: the agent sees that there was something.
            problems = [values.text(error, "title") for error in values.items(item, "errors")]
            return f"[{kind or 'unknown'}] {', '.join(filter(None, problems))}".strip()


def _files(item: Object) -> list[Media | None]:
    """Files are known by an id, which opens at Meta for some minutes again and again."""
    kind = values.text(item, "type") or ""
    if kind not in _FILES:
        return []
    content = values.part(item, kind)
    return [
        payloads.media(
            values.text(content, "id"),
            values.text(content, "mime_type"),
            values.text(content, "filename", 200),
        )
    ]


def _card(card: Object) -> str:
    """A contact that somebody sends."""
    name = values.text(values.part(card, "name"), "formatted_name")
    numbers = [values.text(phone, "phone") for phone in values.items(card, "phones")]
    mails = [values.text(email, "email") for email in values.items(card, "emails")]
    return ", ".join(filter(None, [name, *numbers, *mails]))


def _number(value: Json) -> str | None:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _receipt(raw: Raw, status: Object) -> DeliveryReceipt:
    state = _STATES[values.needed(status, "status")]
    codes = (values.code(error, "code") for error in values.items(status, "errors"))
    code = next((code for code in codes if code is not None), None)
    return payloads.receipt(
        raw,
        values.needed(status, "id"),
        state,
        reason=meta_reason(code) if state is DeliveryState.FAILED else None,
        at=values.seconds(status.get("timestamp")),
    )
