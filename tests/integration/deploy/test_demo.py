"""What `make run` and `make demo` start, as processes: the demo is played, everything stops, and goes on again."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from deploy.cli.keys import signing_key
from deploy.cli.layout import SERVICES
from deploy.cli.place import Place
from deploy.cli.tokens import mint
from tests.integration.deploy.running import Running, eventually

Json = dict[str, Any]

WITHIN_S = 90
KPIS = ("volume", "time_to_assign", "full_resolution")
AS_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("WAYPOST_")}


def up(data: Path) -> Running:
    return Running("-m", "deploy.local", "up", "--ports", "free", "--data", str(data), env=AS_CLEAN)


class Seen:
    """An installation as its operator sees it."""

    def __init__(self, data: Path) -> None:
        place = Place(data, {})
        bearer = mint(signing_key(place.keys), workspace_id="demo", subject="operator", scopes=("admin",))
        self._urls = {name: place.url(name) for name in SERVICES}
        self._http = httpx.Client(headers={"Authorization": f"Bearer {bearer}"}, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, service: str, path: str, **query: Any) -> Json:
        answers: list[httpx.Response] = []

        def is_answered() -> bool:
            answers.append(self._http.get(f"{self._urls[service]}{path}", params=query))
            return answers[-1].status_code != 503  # on a busy machine shards move for a moment

        eventually(is_answered, WITHIN_S)
        assert answers[-1].status_code == 200, answers[-1].text
        return dict(answers[-1].json())

    def post_drill(self) -> str:
        """A message that nobody can take, with a deadline of fifteen seconds; its ticket."""
        message = {
            "channel": "api",
            "external_id": "while-it-was-down",
            "from": {"email": "it@kranich.example"},
            "subject": "[drill] Fehler beim Anmelden",
            "text": "Hallo?",
        }
        answer = self._http.post(f"{self._urls['intake']}/v1/messages", json=message)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket_id"])

    def clocks(self, ticket_id: str) -> list[Json]:
        return list(self.get("escalation", f"/v1/tickets/{ticket_id}/clocks")["items"])

    def events(self, ticket_id: str, kind: str) -> list[Json]:
        entries = self.get("intake", f"/v1/tickets/{ticket_id}/timeline", limit=200)["items"]
        return [entry for entry in entries if entry["event"] and entry["event"]["type"] == kind]

    def all_but(self, ticket_id: str) -> Json:
        """Tickets, agents, clocks that have ended, and numbers; without this ticket's."""
        tickets = [one for one in self.get("intake", "/v1/tickets")["items"] if one["ticket_id"] != ticket_id]
        numbers = self.get("metrics", "/v1/kpis", kpi=KPIS, window="60m", by="workspace")["values"]
        return {
            "tickets": tickets,
            "agents": self.get("router", "/v1/agents")["items"],
            "clocks": {one["ticket_id"]: self.clocks(one["ticket_id"]) for one in tickets},
            "numbers": {one["kpi"]: (one["value"], one["samples"]) for one in numbers},
        }

    def number(self, kpi: str) -> float:
        """A count of the workspace's last hour."""
        (found,) = self.get("metrics", "/v1/kpis", kpi=kpi, window="60m", by="workspace")["values"]
        return float(found["value"])


@pytest.mark.timeout(400)
def test_what_was_there_is_there_again_and_a_deadline_that_passed_meanwhile_fires_at_once_and_once(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with up(data) as system:
        system.wait_for(r"Waypost is ready\.", within_s=WITHIN_S)
        system.wait_for(r"workspace   demo, applied from deploy/demo/workspace\.yaml")
        system.wait_for(r"curl smtp://127\.0\.0\.1:\d+ --crlf .*1-login\.eml")
        with Running("-m", "deploy.demo", env={**AS_CLEAN, "WAYPOST_DATA": str(data)}) as demo:
            assert demo.exit_code(within_s=WITHIN_S) == 0, "\n".join(demo.lines)
            assert demo.find("✓ 9 requests went as they should")
            assert demo.find("BREACH: first reply was due")
        with Seen(data) as seen:
            ticket_id = seen.post_drill()
            eventually(lambda: seen.events(ticket_id, "sla.clock_started"), WITHIN_S)
            eventually(lambda: seen.number("volume") == 8, WITHIN_S)
            before, breaches = seen.all_but(ticket_id), seen.number("breaches")
            (clock,) = seen.clocks(ticket_id)
        assert (len(before["tickets"]), len(before["agents"])) == (7, 12)
        assert clock["state"] == "running"
        system.send(signal.SIGINT)
        assert system.exit_code(within_s=WITHIN_S) == 0
        assert system.find(r"^waypost +\| stopped")

    due_at = datetime.fromisoformat(clock["due_at"])
    eventually(lambda: datetime.now(UTC) > due_at, 20)
    with up(data) as system:
        system.wait_for(r"Waypost is ready\.", within_s=WITHIN_S)
        ready_at = datetime.now(UTC)
        system.wait_for("workspace   demo, as it was")
        with Seen(data) as seen:
            eventually(lambda: seen.events(ticket_id, "escalation.raised"), WITHIN_S)
            assert seen.all_but(ticket_id) == before
            eventually(lambda: seen.number("breaches") == breaches + 1, WITHIN_S)
            (breach,) = seen.events(ticket_id, "sla.breached")
            (clock,) = seen.clocks(ticket_id)
        assert due_at < datetime.fromisoformat(breach["at"])
        assert (datetime.fromisoformat(breach["at"]) - ready_at).total_seconds() < 5
        assert (clock["state"], clock["metric"]) == ("breached", "first_reply")
        system.send(signal.SIGINT)
        assert system.exit_code(within_s=WITHIN_S) == 0
