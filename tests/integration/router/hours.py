"""Hours relative to now, so that they turn while a test looks on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.router.floor import CONFIGURATION, Floor

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def another_day() -> dict[str, list[str]]:
    """Weekly hours on a day that is neither today nor tomorrow, wherever today begins."""
    return {DAYS[(datetime.now(UTC).weekday() + 3) % 7]: ["09:00-17:00"]}


def absence(start_s: float, end_s: float) -> dict[str, str]:
    """Time off between so many seconds from now and so many."""
    now = datetime.now(UTC)
    return {
        name: (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        for name, seconds in (("start", start_s), ("end", end_s))
    }


async def configure(floor: Floor, *, queue: dict[str, Any] | None = None, **hours: dict[str, Any]) -> None:
    """The floor's configuration with hours of its agents and another queue `general`."""
    agents = [{**agent, **hours.get(agent["id"], {})} for agent in CONFIGURATION["agents"]]
    general = {"id": "general", "offer_timeout": "60s", **(queue or {})}
    changed = {**CONFIGURATION, "agents": agents, "queues": [general, CONFIGURATION["queues"][1]]}
    answer = await floor.http.put("/v1/configuration", json=changed, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def general(floor: Floor) -> dict[str, Any]:
    return dict((await floor.http.get("/v1/queues/general")).json())
