"""What a commit writes."""

from uuid import UUID

from services.router.adapters import tables
from services.router.adapters.rows import rows_of
from shared.vocabulary import TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent


def test_what_has_ended_is_written_before_what_begins_whatever_their_ids() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    first = desk.item("t")
    desk.accept("ann")
    desk.status("t", TicketStatus.SOLVED)
    desk.status("t", TicketStatus.OPEN)
    second = desk.item("t")
    first.work_id, second.work_id = UUID(int=2), UUID(int=1)
    desk.state.touched.items = {item.work_id: item for item in (first, second)}
    ((written,),) = [[rows] for table, rows in rows_of([desk.state], [], []) if table is tables.work_item]
    assert [row["state"] for row in written] == [WorkState.COMPLETED, WorkState.OFFERED]
