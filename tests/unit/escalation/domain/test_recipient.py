"""Who is told, by which way first."""

from services.escalation.domain.escalation_policy import Contact, Notify
from services.escalation.domain.recipient import Reach, Recipient, Way, person, recipients_of

MAIL, CHAT = Reach(way=Way.MAIL, address="ann@example.org"), Reach(way=Way.CHAT, address="ann-chat")


def ann(*notify_by: str, email: str | None = MAIL.address, chat: str | None = CHAT.address) -> Recipient:
    return person("ann", Contact(agent_id="ann", name=None, email=email, chat=chat, notify_by=notify_by))


def test_people_are_told_in_the_order_that_they_chose() -> None:
    assert ann("chat", "email") == Recipient(way=Way.CHAT, name="ann", address="ann-chat", otherwise=(MAIL,))
    assert ann("email", "chat") == Recipient(way=Way.MAIL, name="ann", address=MAIL.address, otherwise=(CHAT,))
    assert ann("chat") == Recipient(way=Way.CHAT, name="ann", address="ann-chat")


def test_who_chose_nothing_is_told_by_what_there_is_mail_first() -> None:
    assert ann() == ann("email", "chat")
    assert ann(email=None) == Recipient(way=Way.CHAT, name="ann", address="ann-chat")


def test_whom_nobody_knows_is_recorded_as_not_found() -> None:
    assert person("bob", None) == Recipient(way=Way.MAIL, name="bob", address=None)


def test_a_chat_that_is_not_configured_is_recorded_as_not_found() -> None:
    found = recipients_of(Notify(chats=("ops", "gone")), {}, (), ("ops",))
    assert [(item.way, item.name, item.address) for item in found] == [
        (Way.CHAT, "ops", "ops"),
        (Way.CHAT, "gone", None),
    ]


def test_who_is_named_twice_is_told_once() -> None:
    """Two mails about one thing (escalade#213)."""
    contacts = {"ann": Contact(agent_id="ann", name=None, email=MAIL.address)}
    step = Notify(agents=("ann", "ann"), emails=(MAIL.address, MAIL.address))
    assert recipients_of(step, contacts, ()) == (person("ann", contacts["ann"]),)
