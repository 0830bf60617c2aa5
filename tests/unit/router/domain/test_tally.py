"""What is counted of each queue; that it stays true whatever happens is an invariant of the engine's machine."""

from datetime import UTC, datetime

from services.router.domain.agent import Agent
from services.router.domain.policy import Requirements, Step
from services.router.domain.tally import Tally
from services.router.domain.work_item import WorkItem
from shared.vocabulary import AgentState, ChannelKind, Priority, WorkState
from tests.unit.router.domain.desk import agent, ticket_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def an_item(*, steps: tuple[Step, ...] = ()) -> WorkItem:
    return WorkItem(
        work_id=ticket_id("work"),
        ticket_id=ticket_id("t"),
        channel="mail",
        channel_kind=ChannelKind.EMAIL,
        base=Requirements(queue="general"),
        steps=steps,
        rule="default",
        policy_version=1,
        priority=Priority.NORMAL,
        queued_at=NOW,
        started_at=NOW,
        stint_at=NOW,
        last_event_at=NOW,
    )


def test_an_item_counts_once_however_often_it_is_noted_and_no_more_once_it_has_ended() -> None:
    tally, item = Tally(), an_item()
    tally.note_items([item])
    tally.note_items([item])
    assert tally.items["general", WorkState.QUEUED] == 1
    item.state = WorkState.COMPLETED
    tally.note_items([item])
    assert not +tally.items


def test_an_item_follows_its_queue() -> None:
    tally, item = Tally(), an_item()
    tally.note_items([item])
    item.ask(Requirements(queue="billing"), (), 0)
    tally.note_items([item])
    assert +tally.items == {("billing", WorkState.QUEUED): 1}


def test_an_agent_serves_until_they_are_removed_and_is_ready_while_there_is_room() -> None:
    tally = Tally()
    ann = Agent(profile=agent("ann"), state_since=NOW, idle_since=NOW, last_event_at=NOW)
    tally.note_agent("ann", ann)
    assert (tally.eligible["general"], tally.ready["general"]) == (1, 0)
    ann.state = AgentState.AVAILABLE
    tally.note_agent("ann", ann)
    assert (tally.eligible["general"], tally.ready["general"]) == (1, 1)
    tally.note_agent("ann", None)
    assert (tally.eligible["general"], tally.ready["general"]) == (0, 0)
