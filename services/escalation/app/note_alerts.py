"""Notes which KPIs are out of bounds: escalations about them begin and end with that."""

from collections.abc import Collection, Sequence

from services.escalation.app.ports import WatchKey
from services.escalation.domain.watch import Watch
from shared.events.envelope import Event
from shared.events.kpis import AlertContract, KpiAlertRaisedV1


def alerted(events: Sequence[Event]) -> Collection[Watch]:
    """The KPIs as the last event of each alert says that they are."""
    noted: dict[WatchKey, Watch] = {}
    for event in events:
        data = event.data
        if isinstance(data, AlertContract):
            noted[event.workspace_id, event.subject] = Watch(
                workspace_id=event.workspace_id,
                subject=event.subject,
                queue=data.scope.get("queue"),
                kpi=data.kpi,
                is_alerted=isinstance(data, KpiAlertRaisedV1),
            )
    return noted.values()
