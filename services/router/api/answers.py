"""What the engine's memory looks like at HTTP."""

from datetime import datetime

from services.router.api.schemas import WorkAnswer
from services.router.domain.work_item import WorkItem


def work_answer(item: WorkItem, *, opens_at: datetime | None = None) -> WorkAnswer:
    """A work item as the API shows it. opens_at: while it waits in a queue that is closed"""
    now = item.requirements
    return WorkAnswer(
        work_id=item.work_id,
        ticket_id=item.ticket_id,
        state=item.state,
        queue=now.queue,
        support_tier=now.support_tier,
        priority=item.priority,
        channel=item.channel,
        channel_kind=item.channel_kind,
        agent_id=item.agent_id,
        queued_at=item.queued_at,
        assigned_at=item.assigned_at,
        wrap_until=item.wrap_until,
        is_expedited=item.is_expedited,
        over_capacity=item.over_capacity,
        version=item.sequence,
        opens_at=opens_at,
    )
