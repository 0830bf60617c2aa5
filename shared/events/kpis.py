"""Topic `waypost.kpis`, written by metrics: current values, and which of them are out of bounds."""

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


class AlertContract(Contract):
    """About one alert: a KPI, of the workspace or of something in it, that may be out of bounds.

    Its subject is the alert, not the KPI: whoever follows alerts only passes over `kpi/` by the record's header.
    Absolute: the highest sequence says whether it is raised.
    alert: what it is known by, such as "first_reply.p90/queue=support"
    scope: dimension -> value, empty for the workspace; value, bound: in `unit`
    """

    aggregate: ClassVar[str] = "alert"
    identity: ClassVar[str] = "alert"
    is_absolute: ClassVar[bool] = True

    alert: str
    kpi: str
    scope: dict[str, str]
    value: float | None
    bound: float
    unit: str


class KpiAlertRaisedV1(AlertContract):
    """The KPI is out of bounds."""

    name: ClassVar[str] = "kpi.alert_raised"


class KpiAlertClearedV1(AlertContract):
    """It is within bounds again."""

    name: ClassVar[str] = "kpi.alert_cleared"


CONTRACTS = (KpiUpdatedV1, KpiAlertRaisedV1, KpiAlertClearedV1)
