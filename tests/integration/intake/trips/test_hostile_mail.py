"""Mail that is made to take intake down, brought by every door at once; and who only wants to say something."""

import asyncio
import smtplib
import time
from collections.abc import Awaitable
from pathlib import Path
from statistics import median

import asyncpg
import pytest

from deploy.local.stack import ServiceDatabase, Stack
from services.intake.adapters.hooks.requests import HookRequest
from shared.clock import monotonic
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.processes import clone, intake_process
from tests.integration.intake.trips.test_crashes import parsers_of
from tests.keys import token
from tests.system import Templates
from tests.unit.intake.adapters.email.test_parsers import KILLERS
from tests.unit.intake.adapters.hooks import documented, signing
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE, raw_mail

SLOWER = 20
"""How many times as long a message may take meanwhile: parsers work on every processor there is."""

PLAIN = 6
WITHIN_S = 5.0
"""So soon another workspace's plain mail is a ticket, whoever brings what: half the time of a slow mail."""

MESSAGES = 60
PARSER_MB, INTAKE_MB = 512, 400


def slow(name: str, address: str) -> bytes:
    """It takes all the time that a mail may have."""
    return raw_mail(SLOW_BODY, Content_Type=SLOW_TYPE, Message_ID=f"<{name}@x>", To=address)


def hostile(address: str) -> list[bytes]:
    """Each under an envelope of its own; four are slow."""
    return [*(raw for raw in KILLERS.values() if raw), *(slow(str(number), address) for number in range(4))]


def posted(workspace_id: str, address: str) -> list[HookRequest]:
    """Slow mail as the providers post it, raw; and large headers and HTML in the pieces of which they make it."""
    path = f"/v1/hooks/{address}"
    mailgun = signing.mailgun_fields(f"{workspace_id:a<50.50}", at=int(time.time()))
    head = [{"Name": "To", "Value": ", ".join(f"a{n}@b.c" for n in range(3_000))}]
    sendgrid = [slow("sendgrid", address), KILLERS["100,000 empty parts"]]
    return [
        *(
            signing.sendgrid_call(
                *signing.multipart(documented.sendgrid_raw(raw, address)),
                at=int(time.time()),
                path=f"{path}/sendgrid",
            )
            for raw in sendgrid
        ),
        signing.mailgun_call(
            {**mailgun, "recipient": address, "body-mime": slow("mailgun", address).decode()},
            path=f"{path}/mailgun",
        ),
        signing.postmark_call(
            documented.postmark(address, RawEmail=slow("postmark", address).decode()), path=f"{path}/postmark"
        ),
        signing.postmark_call(
            documented.postmark(address, HtmlBody="<table><tr><td>" * 50_000, Headers=head, MessageID="pieces"),
            path=f"{path}/postmark",
        ),
    ]


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
    other_id = f"{workspace_id}-other"
    others = f"support@{other_id}.example"
    calls = posted(workspace_id, address)
    async with (
        intake_process(stack, database, tmp_path, "hostile", parser_cpu_s="2") as (child, port, smtp),
        client(f"http://127.0.0.1:{port}", bearer=token(workspace_id)) as http,
        client(f"http://127.0.0.1:{port}", bearer=token(other_id)) as neighbour,
        client(f"http://127.0.0.1:{port}") as anybody,
    ):
        secrets = {"sendgrid": signing.SENDGRID, "mailgun": signing.MAILGUN, "postmark": signing.POSTMARK}
        providers = [{"name": name, "secrets": [secret]} for name, secret in secrets.items()]
        for of_workspace, own in ((http, address), (neighbour, others)):
            mail = {"id": "mail", "kind": "email", "address": own, "providers": providers}
            body = {"channels": [{"id": "api", "kind": "api"}, mail]}
            answer = await of_workspace.put("/v1/configuration", json=body, headers={"If-Match": "*"})
            assert answer.status_code == 200, answer.text

        async def say(number: int) -> float:
            began = monotonic()
            said = {"channel": "api", "from": {"email": f"{number}@example.org"}, "text": "Help"}
            assert (await http.post("/v1/messages", json=said)).status_code == 201
            return monotonic() - began

        async def by_http(raw: bytes) -> None:
            headers = {"Content-Type": "message/rfc822"}
            answer = await http.post("/v1/channels/mail/email", content=raw, headers=headers)
            assert answer.status_code in (200, 201, 202), answer.text

        async def by_smtp(number: int, raw: bytes, to: str = address) -> None:
            lines = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

            def send() -> None:
                with smtplib.SMTP("127.0.0.1", smtp, local_hostname="tests") as server:
                    server.sendmail(f"{number}@example.org", [to], lines)

            # In a thread: it is the service that is timed, and not how long a client prepares megabytes.
            await asyncio.to_thread(send)

        async def by_provider(call: HookRequest) -> None:
            answer = await anybody.post(call.path, content=call.body, headers=list(call.headers))
            assert answer.status_code == 200, answer.text

        async def write(number: int) -> float:
            """A plain mail to the other workspace, until it is a ticket."""
            began = monotonic()
            await by_smtp(number, raw_mail(Message_ID=f"<plain-{number}@x>", To=others), others)

            async def is_there() -> bool:
                answer = await neighbour.get("/v1/tickets", params={"limit": 50})
                return len(answer.json()["items"]) > number

            await eventually(is_there, within_s=60, every_s=0.05)
            return monotonic() - began

        calm = [await say(number) for number in range(MESSAGES)]
        pouring: list[Awaitable[None]] = [by_http(raw) for raw in mails[::2]]
        pouring += [by_smtp(number, raw) for number, raw in enumerate(mails[1::2])]
        pouring += map(by_provider, calls)
        poured = asyncio.gather(*pouring)
        peaks: dict[int, float] = {}
        meanwhile = []
        for number in range(MESSAGES):
            meanwhile.append(await say(MESSAGES + number))
            for pid in (child.pid, *parsers_of(child.pid)):
                peaks[pid] = max(peaks.get(pid, 0), peak_mb(pid))
        await poured
        written = [await write(number) for number in range(PLAIN)]
        # Mail was being read all the time.
        assert (await states(stack, database)).get("received")

        async def settled() -> dict[str, int]:
            found = await states(stack, database)
            assert "received" not in found
            return found

        # Two are read at a time, and each may take four seconds.
        found = dict(await eventually(settled, within_s=4 * (len(mails) + len(calls)), every_s=0.2))
        assert set(found) <= {"parsed", "duplicate", "quarantined"}
        # Each slow one, by whatever it came.
        assert found["quarantined"] >= 7
        assert peak_mb(child.pid) < INTAKE_MB
        assert all(peak < PARSER_MB for pid, peak in peaks.items() if pid != child.pid)
        assert median(meanwhile) < SLOWER * median(calm)
        assert max(meanwhile) < WITHIN_S, meanwhile
        assert max(written) < WITHIN_S, written


async def states(stack: Stack, database: ServiceDatabase) -> dict[str, int]:
    """How many mails are in each state."""
    server, _, _ = stack.postgres.admin_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/{database.name}")
    try:
        rows = await connection.fetch("SELECT state, count(*) FROM raw GROUP BY state")
    finally:
        await connection.close()
    return {row["state"]: row["count"] for row in rows}
