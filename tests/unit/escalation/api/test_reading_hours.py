"""Whoever reads a calendar leaves nothing in the one that clocks are measured by."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, cast

from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.api import calendars
from services.escalation.domain.sla_policy import Policies, PolicyHistory
from shared.calendar import WHOLE_DAY, Calendar
from shared.db.unit_of_work import Database
from shared.http.auth import Principal

NOW = datetime(2026, 6, 1, tzinfo=UTC)
READER = Principal(
    workspace_id="acme", subject="ada", scopes=frozenset({"escalation:read"}), jti=None, expires_at=0
)


class Everything:
    """A database and its service levels: one calendar, which notes for which years it is asked what is closed."""

    def __init__(self) -> None:
        self.years: list[int] = []
        self.calendar = Calendar(
            time_zone="UTC",
            weekly=dict.fromkeys(range(7), (WHOLE_DAY,)),
            holiday_set="noted",
            holidays=self._closed,
        )

    def _closed(self, year: int) -> Iterable[date]:
        self.years.append(year)
        return [date(year, 1, 1)]

    async def transact(self, unit: Any, **_: object) -> Any:
        return await unit(self)

    async def now(self) -> datetime:
        return NOW

    async def load(self, _: object, workspaces: list[str]) -> dict[str, PolicyHistory]:
        latest = Policies(version=1, calendars={"office": self.calendar})
        return dict.fromkeys(workspaces, PolicyHistory((Policies(), latest)))


async def test_hours_of_far_years_are_worked_out_for_their_reader_alone() -> None:
    everything = Everything()
    router = calendars.routes(cast("Database", everything), cast("PostgresServiceLevels", everything))
    paths = {route.path: route.endpoint for route in cast("Any", router.routes)}
    year = {"start": datetime(2098, 1, 1, tzinfo=UTC), "end": datetime(2098, 12, 31, tzinfo=UTC)}
    read = await paths["/v1/calendars/{calendar_id}/hours"](calendar_id="office", principal=READER, **year)
    assert read.open_s == 363 * 86_400
    assert 2098 in everything.years
    everything.years.clear()
    everything.calendar.elapsed(year["start"], year["end"])
    assert 2098 in everything.years
