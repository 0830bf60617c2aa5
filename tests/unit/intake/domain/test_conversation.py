"""Which ticket a message goes to."""

from datetime import timedelta

import pytest

from services.intake.domain.conversation import NEVER, Located, Place, place
from shared.errors import NotFound
from shared.vocabulary import MachineClass, TicketStatus
from tests.unit.intake.builders import LATER, NOW, a_message, a_ticket, an_id

ADA, GRACE = an_id(1000), an_id(1001)


def test_a_message_that_points_nowhere_opens_a_ticket() -> None:
    assert place(a_message(), {}, ADA, NOW) == Place(ticket=None)


def test_a_message_that_names_a_ticket_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFound):
        place(a_message(ticket_id=an_id(1)), {}, ADA, NOW)


def test_the_ticket_named_goes_before_what_threading_says_and_the_strongest_hint_before_the_others() -> None:
    known = {an_id(number): Located(a_ticket(number), ADA) for number in (1, 2, 3)}
    named = place(a_message(ticket_id=an_id(3), thread_ticket_ids=(an_id(2),)), known, ADA, NOW)
    assert named.ticket == a_ticket(3)
    hinted = place(a_message(thread_ticket_ids=(an_id(9), an_id(2), an_id(1))), known, ADA, NOW)
    assert hinted.ticket == a_ticket(2)


def test_a_strangers_message_is_let_in_but_is_not_public() -> None:
    found = place(a_message(thread_ticket_ids=(an_id(1),)), {an_id(1): Located(a_ticket(), ADA)}, GRACE, NOW)
    assert (found.ticket, found.is_participant) == (a_ticket(), False)


def test_the_customer_of_a_merged_ticket_takes_part_where_it_went() -> None:
    known = {an_id(1): Located(a_ticket(2, customer_id=ADA), GRACE)}
    found = place(a_message(thread_ticket_ids=(an_id(1),)), known, GRACE, NOW)
    assert (found.ticket, found.is_participant) == (a_ticket(2, customer_id=ADA), True)


def test_a_closed_ticket_is_continued_by_a_new_one_but_not_for_a_stranger() -> None:
    known = {an_id(1): Located(a_ticket(status=TicketStatus.CLOSED), ADA)}
    message = a_message(thread_ticket_ids=(an_id(1),))
    assert place(message, known, ADA, NOW) == Place(ticket=None, follow_up_of=an_id(1))
    assert place(message, known, GRACE, NOW) == Place(ticket=None)


@pytest.mark.parametrize(
    ("within", "reopens"),
    [(timedelta.max, True), (timedelta(minutes=5), True), (timedelta(minutes=4), False), (NEVER, False)],
)
def test_how_long_a_solved_ticket_is_reopened_is_the_channels_affair(within: timedelta, *, reopens: bool) -> None:
    solved = a_ticket(status=TicketStatus.SOLVED, solved_at=NOW)
    known = {an_id(1): Located(solved, ADA)}
    found = place(a_message(ticket_id=an_id(1)), known, ADA, LATER, reopens_within=within)
    expected = Place(ticket=solved) if reopens else Place(ticket=None, follow_up_of=an_id(1))
    assert found == expected
    machine = a_message(ticket_id=an_id(1), machine=MachineClass.AUTO_REPLY)
    assert place(machine, known, ADA, LATER, reopens_within=within).ticket == solved


def test_whoever_writes_in_a_ticket_s_conversation_takes_part() -> None:
    known = {an_id(number): Located(a_ticket(number), ADA) for number in (1, 2)}
    found = place(a_message(thread_ticket_ids=(an_id(2),)), known, GRACE, NOW, thread=an_id(1))
    assert found == Place(ticket=a_ticket(1), also=(2,))
    closed = {an_id(1): Located(a_ticket(status=TicketStatus.CLOSED), ADA)}
    assert place(a_message(), closed, GRACE, NOW, thread=an_id(1)) == Place(ticket=None, follow_up_of=an_id(1))


def test_only_who_takes_part_joins_a_likely_ticket() -> None:
    theirs = {an_id(1): Located(a_ticket(), ADA), an_id(2): Located(a_ticket(2), GRACE)}
    message = a_message(likely_ticket_ids=(an_id(1), an_id(2)))
    assert place(message, theirs, GRACE, NOW) == Place(ticket=a_ticket(2))
    assert place(message, theirs, an_id(1002), NOW) == Place(ticket=None)
    invited = {an_id(1): Located(a_ticket(), ADA, takes_part=True)}
    assert place(message, invited, GRACE, NOW) == Place(ticket=a_ticket())


def test_what_surely_points_to_a_ticket_goes_before_what_is_likely_and_the_others_are_told() -> None:
    known = {an_id(number): Located(a_ticket(number), ADA) for number in (1, 2, 3)}
    message = a_message(thread_ticket_ids=(an_id(2), an_id(3)), likely_ticket_ids=(an_id(1), an_id(2)))
    assert place(message, known, ADA, NOW) == Place(ticket=a_ticket(2), also=(3, 1))
    assert place(message, known, GRACE, NOW) == Place(ticket=a_ticket(2), is_participant=False, also=(3,))


def test_a_message_goes_on_with_a_ticket_only_where_nothing_points_to_one() -> None:
    known = {an_id(number): Located(a_ticket(number), ADA) for number in (1, 2)}
    assert place(a_message(), known, ADA, NOW, continued=an_id(1)).ticket == a_ticket(1)
    hinted = a_message(thread_ticket_ids=(an_id(2),))
    assert place(hinted, known, ADA, NOW, continued=an_id(1)).ticket == a_ticket(2)
