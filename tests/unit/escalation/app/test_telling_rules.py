"""What contacts, chats and quiet hours have to keep to."""

from services.escalation.app.configuration import EscalationPart
from services.escalation.app.telling_rules import telling_problems

CALENDAR = {"id": "awake", "time_zone": "UTC", "weekly": {"mon": ["09:00-17:00"]}}
CHAT = {"id": "ops", "url": "https://hooks.example.org/ops"}


def problems(contact: dict[str, object], **part: object) -> list[tuple[str, str]]:
    contacts = [{"agent": "ann", **contact}]
    written = {"calendars": [CALENDAR], "chats": [CHAT], "contacts": contacts, **part}
    return list(telling_problems(EscalationPart.model_validate(written)))


def test_whoever_has_one_way_at_least_is_fine() -> None:
    assert problems({"email": "ann@example.org"}) == []
    assert problems({"chat": "ops", "quiet_outside": "awake"}, quiet_outside="awake") == []
    assert problems({"email": "ann@example.org", "chat": "ops", "notify_by": ["chat", "email"]}) == []


def test_whoever_has_none_is_not() -> None:
    assert problems({}) == [("/contacts/0", "has neither an email nor a chat")]


def test_what_is_named_has_to_be_there() -> None:
    found = problems({"chat": "gone", "quiet_outside": "never"}, quiet_outside="never")
    assert [pointer for pointer, _ in found] == ["/quiet_outside", "/contacts/0/chat", "/contacts/0/quiet_outside"]


def test_an_order_names_ways_that_there_are_once_each() -> None:
    assert problems({"email": "ann@example.org", "notify_by": ["chat", "email"]}) == [
        ("/contacts/0/notify_by", "there is no chat")
    ]
    assert problems({"email": "ann@example.org", "notify_by": ["email", "email"]}) == [
        ("/contacts/0/notify_by", "a way stands twice")
    ]
