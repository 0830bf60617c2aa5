"""Topic `waypost.kpis`, written by metrics: current values."""

from typing import ClassVar

from shared.events.contract import Contract


class KpiUpdatedV1(Contract):
    """A KPI's value now. Absolute: whoever misses one needs only the next.

    kpi: wire name with variant ("first_reply.p90"); scope: dimension -> value, empty for the workspace
    window: "now", "15m", "today"; value: in `unit`, none where nothing was measured
    """

    name: ClassVar[str] = "kpi.updated"
    aggregate: ClassVar[str] = "kpi"
    identity: ClassVar[str] = "kpi"
    is_absolute: ClassVar[bool] = True

    kpi: str
    definition_version: int
    scope: dict[str, str]
    window: str
    value: float | None
    unit: str


CONTRACTS = (KpiUpdatedV1,)
