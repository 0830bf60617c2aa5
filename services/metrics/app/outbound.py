"""From values to contracts."""

from collections.abc import Mapping
from datetime import datetime

from services.metrics.app.watch import Key
from services.metrics.domain.definitions import VARIANTS
from services.metrics.domain.fact import WHOLE, Scope
from services.metrics.domain.kpi import Value
from shared.events.envelope import Cause, Event, new_event
from shared.events.kpis import KpiUpdatedV1
from shared.ids import IdFactory

SERVICE = "metrics"


def scope_of(scope: Scope) -> dict[str, str]:
    """A scope as the wire has it: dimension to member, empty for the workspace."""
    return {} if scope == WHOLE else {scope.dimension.value: scope.member}


def to_events(
    workspace_id: str,
    changed: Mapping[Key, Value],
    *,
    last: Mapping[tuple[str, str], tuple[int, datetime]],
    ids: IdFactory,
) -> list[Event]:
    """A `kpi.updated` for each value.

    last: by (workspace, KPI) the highest sequence that was taken for these events, and their time
    """
    remaining: dict[str, int] = {}
    for key in changed:
        remaining[key.kpi] = remaining.get(key.kpi, 0) + 1
    events: list[Event] = []
    for key, value in changed.items():
        sequence, time = last[workspace_id, key.kpi]
        remaining[key.kpi] -= 1
        kpi = VARIANTS[key.kpi].kpi
        data = KpiUpdatedV1(
            kpi=key.kpi,
            definition_version=kpi.version,
            scope=scope_of(key.scope),
            window=key.window,
            value=value.value,
            unit=kpi.unit,
        )
        events.append(
            new_event(
                data,
                event_id=ids.new(),
                service=SERVICE,
                workspace_id=workspace_id,
                sequence=sequence - remaining[key.kpi],
                time=time,
                cause=Cause(),
            )
        )
    return events
