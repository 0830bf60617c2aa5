"""Notes which KPIs are out of bounds: escalations about them begin and end with that."""

from collections.abc import Sequence

from services.escalation.app.ports import Watches, WatchKey
from services.escalation.domain.watch import Watch
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.events.kpis import AlertContract, KpiAlertRaisedV1


async def note_alerts(events: Sequence[Event], *, tx: Tx, watches: Watches) -> None:
    """Keeps what the last event of each alert says."""
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
    if noted:
        await watches.alert(tx, list(noted.values()), await tx.now())
