"""What the parts of a configuration by which people are told have to keep to."""

from collections.abc import Iterator

from services.escalation.app.configuration import EscalationPart, ReachPart
from shared.configuration import Problem, unknown


def telling_problems(part: EscalationPart) -> Iterator[Problem]:
    """What is wrong with contacts and quiet hours."""
    calendars, chats = [item.id for item in part.calendars], [item.id for item in part.chats]
    if part.quiet_outside is not None:
        yield from unknown("/quiet_outside", [part.quiet_outside], calendars, "calendar")
    for index, contact in enumerate(part.contacts):
        at = f"/contacts/{index}"
        if contact.chat is not None:
            yield from unknown(f"{at}/chat", [contact.chat], chats, "chat")
        if contact.quiet_outside is not None:
            yield from unknown(f"{at}/quiet_outside", [contact.quiet_outside], calendars, "calendar")
        yield from _order_problems(f"{at}/notify_by", contact)
        if contact.email is None and contact.chat is None:
            yield at, "has neither an email nor a chat"


def _order_problems(pointer: str, contact: ReachPart) -> Iterator[Problem]:
    if len(set(contact.notify_by)) != len(contact.notify_by):
        yield pointer, "a way stands twice"
    for way in contact.notify_by:
        if getattr(contact, way) is None:
            yield pointer, f"there is no {way}"
