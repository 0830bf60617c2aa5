"""Work moved by hand."""

from datetime import timedelta

import pytest

from services.router.domain import inputs
from services.router.domain.queue import Queue
from shared.errors import IllegalTransition
from shared.vocabulary import TicketStatus
from tests.unit.router.domain.desk import Desk, agent, kinds, ticket_id


def test_solved_work_that_was_passed_on_can_be_completed_by_whoever_has_it() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[Queue(queue_id="general", wrap_up=timedelta(minutes=1))])
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="yours", actor_id="ann", agent_id="bob"))
    complete = inputs.Complete(ticket_id=ticket_id("t"), actor_id="bob")
    assert kinds(desk.feed(complete)) == ["WorkCompleted"]
    assert desk.state.agents["bob"].used == 0


def test_nobody_completes_what_nobody_has() -> None:
    desk = Desk.of(
        agent("ann"),
        agent("expert", support_tier=2),
        queues=[Queue(queue_id="general", wrap_up=timedelta(minutes=1))],
    )
    desk.open("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    desk.feed(inputs.Transfer(ticket_id=ticket_id("t"), reason="yours", actor_id="ann", support_tier=2))
    with pytest.raises(IllegalTransition, match="Nobody has it"):
        desk.feed(inputs.Complete(ticket_id=ticket_id("t"), actor_id="ann"))
