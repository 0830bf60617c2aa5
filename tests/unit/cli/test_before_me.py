from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from deploy.cli.answers import Desk, Offer, Ticket, Work
from deploy.cli.api import Service
from deploy.cli.before_me import BeforeMe
from deploy.cli.errors import CliError
from deploy.cli.player import Player

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COMMON = {"queue": "general", "support_tier": 1, "priority": "normal", "channel": "email"}


def ticket_id(number: int) -> UUID:
    return UUID(int=number)


def an_offer(number: int) -> Offer:
    ids = {"offer_id": UUID(int=1000 + number), "ticket_id": ticket_id(number)}
    return Offer.model_validate({**COMMON, **ids, "offered_at": NOW, "expires_at": NOW})


def some_work(number: int) -> Work:
    mine = {"ticket_id": ticket_id(number), "state": "assigned", "assigned_at": NOW, "wrap_until": None}
    return Work.model_validate({**COMMON, **mine})


def a_ticket(number: int) -> Ticket:
    nothing = dict.fromkeys(("language", "first_replied_at", "solved_at", "assignee_id", "queue", "support_tier"))
    told = {"status": "open", "priority": "normal", "labels": {}, "subject": "Help", "channel": "support"}
    ids = {"ticket_id": ticket_id(number), "number": number, "channel_kind": "email"}
    return Ticket.model_validate({**nothing, **told, **ids, "opened_at": NOW, "updated_at": NOW})


def before_me(*, offers: tuple[int, ...] = (), work: tuple[int, ...] = ()) -> BeforeMe:
    """A desk with these tickets on it, by their numbers."""
    client = httpx.AsyncClient()
    reached = {name: Service(name, "", client) for name in ("intake", "router", "escalation", "metrics")}
    desk = Desk(
        state="available", reason=None, offers=list(map(an_offer, offers)), work=list(map(some_work, work))
    )
    known = {ticket_id(number): a_ticket(number) for number in (*offers, *work)}
    return BeforeMe(Player("ann", reached), desk=desk, tickets=known)


def test_the_only_offer_is_meant_where_none_is_named() -> None:
    offer, why = before_me(offers=(7,)).offer("in a meeting")
    assert (offer.ticket_id, why) == (ticket_id(7), "in a meeting")


@pytest.mark.parametrize("said", ["7 too hard", "#7 too hard"])
def test_of_several_offers_the_named_one_is_meant(said: str) -> None:
    offer, why = before_me(offers=(5, 7)).offer(said)
    assert (offer.ticket_id, why) == (ticket_id(7), "too hard")


def test_which_offer_is_meant_has_to_be_clear() -> None:
    with pytest.raises(CliError, match="Say which: #5, #7"):
        before_me(offers=(5, 7)).offer("")
    with pytest.raises(CliError, match="#9 is not offered to you"):
        before_me(offers=(5, 7)).offer("9")
    with pytest.raises(CliError, match="Nothing is offered to you"):
        before_me().offer("")


def test_a_text_may_begin_with_a_number() -> None:
    before = before_me(work=(5,))
    assert before.work("5 minutes, please", has_text=True)[1] == "5 minutes, please"
    assert before.work("#5 minutes, please", has_text=True)[1] == "minutes, please"
    assert before.work("5")[1] == ""


def test_the_work_that_was_spoken_of_last_is_meant() -> None:
    before = before_me(work=(5, 7))
    with pytest.raises(CliError, match="Say which: #5, #7"):
        before.work("hello", has_text=True)
    before.work("#7 hello", has_text=True)
    assert before.work("and again", has_text=True)[0].ticket_id == ticket_id(7)


def test_what_is_accepted_is_in_hand_at_once() -> None:
    before = before_me(offers=(5,), work=(7,))
    before.take(an_offer(5), some_work(5))
    assert before.desk.offers == []
    assert before.work("")[0].ticket_id == ticket_id(5)
