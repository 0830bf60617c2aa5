"""Mail that is made to take intake down, brought by every door at once; and who only wants to say something."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from statistics import median

import aiosmtplib
import asyncpg
import pytest

from deploy.local.stack import ServiceDatabase, Stack
from shared.clock import monotonic
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.processes import clone, intake_process
from tests.integration.intake.trips.test_crashes import parsers_of
from tests.keys import token
from tests.system import Templates
from tests.unit.intake.adapters.email.test_parsers import KILLERS
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE, raw_mail

SLOWER = 20
"""How many times as long a message may take meanwhile: parsers work on every processor there is."""

MESSAGES = 60
PARSER_MB, INTAKE_MB = 512, 400


def hostile(address: str) -> list[bytes]:
    """Each under an envelope of its own; four take all the time that a mail may have."""
    slow = [raw_mail(SLOW_BODY, Content_Type=SLOW_TYPE, Message_ID=f"<{n}@x>", To=address) for n in range(4)]
    return [*(raw for raw in KILLERS.values() if raw), *slow]


def peak_mb(pid: int) -> float:
    """The most memory that a process has had; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else 0


@pytest.mark.timeout(300)
async def test_hostile_mail_is_read_or_quarantined_and_others_are_served_meanwhile(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> None:
    database = await clone(stack, templates, "hostile")
    address, mails = f"support@{workspace_id}.example", hostile("support@x.example")
    async with (
        intake_process(stack, database, tmp_path, "hostile") as (child, port, smtp),
        client(f"http://127.0.0.1:{port}", bearer=token(workspace_id)) as http,
    ):
        channels = [{"id": "api", "kind": "api"}, {"id": "mail", "kind": "email", "address": address}]
        body = {"channels": channels}
        assert (await http.put("/v1/configuration", json=body, headers={"If-Match": "*"})).status_code == 200

        async def say(number: int) -> float:
            began = monotonic()
            said = {"channel": "api", "from": {"email": f"{number}@example.org"}, "text": "Help"}
            assert (await http.post("/v1/messages", json=said)).status_code == 201
            return monotonic() - began

        async def by_http(raw: bytes) -> None:
            headers = {"Content-Type": "message/rfc822"}
            answer = await http.post("/v1/channels/mail/email", content=raw, headers=headers)
            assert answer.status_code in (200, 201, 202), answer.text

        async def by_smtp(number: int, raw: bytes) -> None:
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp, local_hostname="tests") as server:
                await server.sendmail(f"{number}@example.org", [address], raw)

        calm = [await say(number) for number in range(MESSAGES)]
        pouring: list[Awaitable[None]] = [by_http(raw) for raw in mails[::2]]
        pouring += [by_smtp(number, raw) for number, raw in enumerate(mails[1::2])]
        poured = asyncio.gather(*pouring)
        peaks: dict[int, float] = {}
        meanwhile = []
        for number in range(MESSAGES):
            meanwhile.append(await say(MESSAGES + number))
            for pid in (child.pid, *parsers_of(child.pid)):
                peaks[pid] = max(peaks.get(pid, 0), peak_mb(pid))
        # Mail was being read all the time.
        assert (await states(stack, database)).get("received")
        await poured

        async def settled() -> dict[str, int]:
            found = await states(stack, database)
            assert "received" not in found
            return found

        # Two are read at a time, and each may take ten seconds.
        found = dict(await eventually(settled, within_s=10 * len(mails), every_s=0.2))
        assert set(found) <= {"parsed", "duplicate", "quarantined"}
        assert found["quarantined"] >= 4
        assert peak_mb(child.pid) < INTAKE_MB
        assert all(peak < PARSER_MB for pid, peak in peaks.items() if pid != child.pid)
        assert median(meanwhile) < SLOWER * median(calm)
        assert max(meanwhile) < SLOWER * max(calm)


async def states(stack: Stack, database: ServiceDatabase) -> dict[str, int]:
    """How many mails are in each state."""
    server, _, _ = stack.postgres.admin_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/{database.name}")
    try:
        rows = await connection.fetch("SELECT state, count(*) FROM raw GROUP BY state")
    finally:
        await connection.close()
    return {row["state"]: row["count"] for row in rows}
