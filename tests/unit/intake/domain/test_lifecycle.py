"""Every step of a ticket, and what no sequence of steps can do."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.lifecycle import (
    BY_HAND,
    assigned,
    close,
    customer_changed,
    merge,
    note,
    open_ticket,
    placed,
    receive,
    reply,
    set_status,
    update,
)
from services.intake.domain.ticket import (
    SYSTEM,
    Actor,
    Change,
    Fact,
    Merged,
    Opened,
    Received,
    Replied,
    StatusChanged,
    Ticket,
    Updated,
)
from shared.errors import IllegalTransition
from shared.vocabulary import ActorKind, AuthorKind, MachineClass, Priority, Purpose, TicketStatus
from tests.unit.intake.builders import DAYS_4, LATER, NOW, a_ticket, an_id, received, replied

S = TicketStatus
AGENT = Actor(kind=ActorKind.AGENT, actor_id="ada")


def kinds(change: Change) -> list[type[Fact]]:
    return [type(fact) for fact in change.facts]


def causes(change: Change) -> list[str]:
    return [fact.cause for fact in change.facts if isinstance(fact, StatusChanged)]


def test_a_new_ticket_tells_first_that_it_is_there() -> None:
    change = open_ticket(a_ticket(sequence=0, entries=0), NOW)
    assert kinds(change) == [Opened]
    assert (change.ticket.sequence, change.ticket.entries) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (S.NEW, S.NEW, []),
        (S.OPEN, S.OPEN, []),
        (S.PENDING, S.OPEN, ["customer_replied"]),
        (S.ON_HOLD, S.OPEN, ["customer_replied"]),
        (S.SOLVED, S.OPEN, ["reopen"]),
    ],
)
def test_what_a_customers_message_does(before: S, after: S, cause: list[str]) -> None:
    change = receive(a_ticket(status=before, solved_at=NOW), received(), LATER, may_reopen=True)
    assert change.ticket.status is after
    assert kinds(change)[0] is Received
    assert causes(change) == cause


@pytest.mark.parametrize("status", [S.NEW, S.OPEN, S.PENDING, S.ON_HOLD, S.SOLVED])
@pytest.mark.parametrize(
    "message",
    [
        *(received(machine) for machine in MachineClass if machine is not MachineClass.NONE),
        received(is_public=False),
    ],
)
def test_what_no_customer_wrote_in_public_moves_nothing(status: S, message: Received) -> None:
    change = receive(a_ticket(status=status), message, LATER, may_reopen=True)
    assert kinds(change) == [Received]
    assert change.ticket.status is status


def test_a_message_beyond_the_cap_is_kept_and_reopens_nothing() -> None:
    change = receive(a_ticket(status=S.SOLVED, solved_at=NOW), received(), LATER, may_reopen=False)
    assert kinds(change) == [Received]
    assert change.ticket.status is S.SOLVED


def test_an_agents_first_answer_opens_a_new_ticket_and_is_remembered() -> None:
    change = reply(a_ticket(), replied(), AGENT, LATER)
    assert kinds(change) == [Replied, StatusChanged]
    assert (change.ticket.status, change.ticket.first_replied_at) == (S.OPEN, LATER)
    again = reply(change.ticket, replied(), AGENT, LATER + timedelta(hours=1))
    assert again.ticket.first_replied_at == LATER


@pytest.mark.parametrize(
    ("author", "purpose"),
    [(AuthorKind.BOT, Purpose.REPLY), (AuthorKind.SYSTEM, Purpose.ACK), (AuthorKind.AGENT, Purpose.STATUS)],
)
def test_what_is_no_answer_of_an_agent_answers_nothing(author: AuthorKind, purpose: Purpose) -> None:
    change = reply(a_ticket(), replied(author, purpose), AGENT, LATER)
    assert kinds(change) == [Replied]
    assert (change.ticket.status, change.ticket.first_replied_at) == (S.NEW, None)


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("after", list(S))
def test_only_the_steps_of_the_table_can_be_taken_by_hand(before: S, after: S) -> None:
    ticket = a_ticket(status=before)
    if after is before:
        assert set_status(ticket, after, AGENT, LATER, close_after=DAYS_4) == Change(ticket, ())
    elif after in BY_HAND[before]:
        change = set_status(ticket, after, AGENT, LATER, close_after=DAYS_4)
        assert change.ticket.status is after
        assert kinds(change) == [StatusChanged]
    else:
        with pytest.raises(IllegalTransition):
            set_status(ticket, after, AGENT, LATER, close_after=DAYS_4)


def test_a_solved_ticket_knows_when_it_will_be_closed_until_it_is_taken_up_again() -> None:
    solved = set_status(a_ticket(status=S.OPEN), S.SOLVED, AGENT, LATER, close_after=DAYS_4).ticket
    assert (solved.solved_at, solved.close_due_at) == (LATER, LATER + DAYS_4)
    reopened = set_status(solved, S.OPEN, AGENT, LATER, close_after=DAYS_4)
    assert causes(reopened) == ["reopen"]
    assert (reopened.ticket.solved_at, reopened.ticket.close_due_at) == (None, None)
    closed = close(solved, LATER + DAYS_4).ticket
    assert (closed.status, closed.solved_at, closed.close_due_at) == (S.CLOSED, LATER, None)
    assert closed.closed_at == LATER + DAYS_4


@pytest.mark.parametrize("status", [S.NEW, S.OPEN, S.PENDING, S.ON_HOLD, S.CLOSED])
def test_only_what_is_solved_is_closed_by_time(status: S) -> None:
    with pytest.raises(IllegalTransition):
        close(a_ticket(status=status), LATER)


def test_work_given_to_somebody_opens_a_new_ticket_and_no_other() -> None:
    assert causes(assigned(a_ticket(), LATER)) == ["assigned"]
    for status in S:
        if status is not S.NEW:
            assert assigned(a_ticket(status=status), LATER).facts == ()


def test_an_older_word_of_the_router_is_not_heard() -> None:
    ticket = placed(a_ticket(), LATER, queue="billing", support_tier=2, assignee_id="ada")
    assert placed(ticket, NOW, queue="default", support_tier=1, assignee_id=None) == ticket
    moved = placed(ticket, LATER, queue="default", support_tier=1, assignee_id=None)
    assert (moved.queue, moved.support_tier, moved.assignee_id) == ("default", 1, None)
    assert moved.version == ticket.version + 1


@pytest.mark.parametrize(
    "step",
    [
        lambda ticket: receive(ticket, received(), LATER, may_reopen=True),
        lambda ticket: reply(ticket, replied(), AGENT, LATER),
        lambda ticket: update(ticket, AGENT, LATER, priority=Priority.HIGH),
        lambda ticket: customer_changed(ticket, AGENT, LATER),
        lambda ticket: merge(a_ticket(2), ticket, AGENT, LATER),
        note,
    ],
)
@pytest.mark.parametrize("merged_into", [None, an_id(9)])
def test_a_closed_ticket_takes_no_step(step: Callable[[Ticket], object], merged_into: object) -> None:
    with pytest.raises(IllegalTransition):
        step(a_ticket(status=S.CLOSED, merged_into=merged_into))


def test_a_change_that_nobody_decides_by_is_not_told() -> None:
    ticket = a_ticket()
    assert update(ticket, AGENT, LATER, priority=Priority.NORMAL, subject="Help") == Change(ticket, ())
    renamed = update(ticket, AGENT, LATER, subject="Order 12")
    assert (renamed.facts, renamed.ticket.version) == ((), ticket.version + 1)
    told = update(ticket, AGENT, LATER, priority=Priority.URGENT, labels={"intent": "refund"})
    assert told.facts == (Updated(changed=("priority", "labels"), actor=AGENT),)


def test_a_merge_closes_the_source_for_good_and_leaves_the_target_as_it_is() -> None:
    change = merge(a_ticket(status=S.PENDING), a_ticket(2), AGENT, LATER)
    assert change.facts == (Merged(target_ticket_id=an_id(2), previous=S.PENDING, actor=AGENT),)
    assert (change.ticket.status, change.ticket.merged_into) == (S.CLOSED, an_id(2))


def test_a_closed_ticket_is_merged_once_and_was_closed_before() -> None:
    change = merge(a_ticket(status=S.CLOSED, closed_at=NOW), a_ticket(2), AGENT, LATER)
    assert change.facts == (Merged(target_ticket_id=an_id(2), previous=S.CLOSED, actor=AGENT),)
    assert (change.ticket.closed_at, change.ticket.merged_into) == (NOW, an_id(2))
    with pytest.raises(IllegalTransition):
        merge(change.ticket, a_ticket(3), AGENT, LATER)


def test_a_ticket_is_not_merged_into_itself() -> None:
    with pytest.raises(IllegalTransition):
        merge(a_ticket(), a_ticket(), AGENT, LATER)


def test_time_does_not_go_back_where_the_clock_does() -> None:
    change = receive(a_ticket(last_event_at=LATER), received(), NOW, may_reopen=True)
    assert change.ticket.last_event_at == LATER


Step = Callable[[Ticket, datetime], Change]

_STEPS: dict[str, Step] = {
    "message": lambda ticket, now: receive(ticket, received(), now, may_reopen=True),
    "message beyond the cap": lambda ticket, now: receive(ticket, received(), now, may_reopen=False),
    "machine": lambda ticket, now: receive(ticket, received(MachineClass.BULK), now, may_reopen=True),
    "answer": lambda ticket, now: reply(ticket, replied(), AGENT, now),
    "acknowledgement": lambda ticket, now: reply(ticket, replied(AuthorKind.SYSTEM, Purpose.ACK), SYSTEM, now),
    "assigned": assigned,
    "close": close,
    "priority": lambda ticket, now: update(ticket, AGENT, now, priority=Priority.LOW),
    "customer": lambda ticket, now: customer_changed(ticket, AGENT, now),
    "merge": lambda ticket, now: merge(ticket, a_ticket(2), AGENT, now),
    "note": lambda ticket, _: Change(note(ticket), ()),
    **{
        f"set {status}": lambda ticket, now, status=status: set_status(  # type: ignore[misc] # bound here
            ticket, status, AGENT, now, close_after=DAYS_4
        )
        for status in S
    },
}


@given(st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), st.integers(min_value=-5, max_value=60)), max_size=40))
def test_no_sequence_of_steps_breaks_a_ticket(steps: list[tuple[str, int]]) -> None:
    opened = open_ticket(a_ticket(sequence=0, entries=0), NOW)
    ticket, told, now = opened.ticket, list(opened.numbered()), NOW
    last = ticket.last_event_at
    for name, seconds in steps:
        now += timedelta(seconds=seconds)
        try:
            change = _STEPS[name](ticket, now)
        except IllegalTransition:
            continue
        if change.facts:
            assert [sequence for sequence, _, _ in change.numbered()] == list(
                range(ticket.sequence + 1, change.ticket.sequence + 1)
            )
        _check_status(ticket, change)
        told += change.numbered()
        assert change.ticket.last_event_at >= last
        ticket, last = change.ticket, change.ticket.last_event_at
        assert (ticket.close_due_at is not None) == (ticket.status is S.SOLVED)
        assert (ticket.closed_at is not None) == (ticket.status is S.CLOSED)
    assert [sequence for sequence, _, _ in told] == list(range(1, ticket.sequence + 1))
    entries = [entry for _, entry, _ in told]
    assert entries == sorted(set(entries))
    assert ticket.entries >= len(told)


def _check_status(before: Ticket, change: Change) -> None:
    """The facts lead from the status before to the one after, by steps that somebody may take."""
    status = before.status
    for fact in change.facts:
        if isinstance(fact, Merged):
            assert fact.previous is status
            status = S.CLOSED
        elif isinstance(fact, StatusChanged):
            assert fact.previous is status
            assert fact.status in BY_HAND[status]
            status = fact.status
    assert status is change.ticket.status
