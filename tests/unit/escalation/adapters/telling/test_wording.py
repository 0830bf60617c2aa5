"""What people read: a few escalations one by one, many of them counted."""

from services.escalation.adapters.telling.wording import lines, subject
from services.escalation.domain.digest import Count, Digest, Item
from tests.unit.escalation.builders import T0


def an_item(number: int | None = 1, **over: object) -> Item:
    facts: dict[str, object] = {
        "escalation_id": "e",
        "ticket_number": number,
        "metric": "first_reply",
        "trigger": "sla.breached",
        "priority": "normal",
        "queue": "billing",
        "agent_id": None,
        "policy": "chain",
        "level": 1,
        **over,
    }
    return Item(T0, facts)


def test_one_is_told_with_all_its_facts() -> None:
    one = Digest(total=1, shown=(an_item(),))
    assert subject(one) == "Ticket 1 is escalated: first reply, level 1"
    assert lines(one)[0] == "Ticket 1 needs somebody."
    assert "Queue: billing" in lines(one)


def test_what_is_handed_over_is_told_so() -> None:
    one = Digest(total=1, shown=(an_item(handed_over_to=["ben"]),))
    assert subject(one) == "Ticket 1 is handed over to ben: first reply, level 1"
    assert lines(one)[0] == "Ticket 1 is handed over to ben, who is on call now."
    two = Digest(total=2, shown=(an_item(1, handed_over_to=["ben", "cy"]), an_item(2, handed_over_to=[])))
    assert lines(two)[2:] == [
        "Ticket 1: first reply, level 1, handed over to ben and cy (normal, billing, chain)",
        "Ticket 2: first reply, level 1 (normal, billing, chain)",
    ]


def test_a_few_are_listed() -> None:
    few = Digest(total=2, shown=(an_item(1), an_item(2, metric=None, trigger="manual", level=3)))
    assert subject(few) == "2 escalations: Ticket 1 and 1 more"
    assert lines(few) == [
        "2 escalations need somebody.",
        "",
        "Ticket 1: first reply, level 1 (normal, billing, chain)",
        "Ticket 2: by hand, level 3 (normal, billing, chain)",
    ]


def test_of_many_the_rest_is_counted() -> None:
    counts = (
        Count(policy="chain", queue="billing", metric="first_reply", count=498),
        Count(policy="other", queue=None, metric=None, count=2),
    )
    many = Digest(total=500, shown=(an_item(1), an_item(2)), counts=counts)
    assert many.hidden == 498
    assert lines(many)[-3:] == [
        "498 more are not listed. All 500:",
        "498 by policy chain, queue billing, first reply",
        "2 by policy other",
    ]


def test_what_is_about_no_ticket_is_told_by_its_queue() -> None:
    alone = Digest(total=1, shown=(an_item(None, metric=None, trigger="queue_length"),))
    assert subject(alone) == "Queue billing is escalated: queue length, level 1"
    number = Digest(total=1, shown=(an_item(None, metric=None, trigger="kpi", kpi="sla_attainment"),))
    assert subject(number) == "sla_attainment of queue billing is escalated: kpi, level 1"
