"""Raw mail per second into one intake process, beside the standard library's parser alone in the same run."""

import asyncio
import json
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from itertools import pairwise
from statistics import mean

from shared.clock import monotonic
from tests.keys import token
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.generator import NUMBER, PERSON, Job, Outcome, drive
from tests.load.workbench import Process, workbench

CONNECTIONS = 64
CHANNELS = 12
PARAGRAPH = "The printer on the second floor burns and does not stop; we have tried water. " * 4


async def measure(effort: Effort, say: Say) -> Section:
    """Parser, mails, parser, and so on, one at a time; the parser comes first and last."""
    seconds = effort.of(10, 3)
    parsed: list[float] = []
    mails: list[Outcome] = []
    size = len(_mail("workspace-00"))
    async with workbench(say) as bench:
        intake = await bench.service("intake")
        await intake.start()
        try:
            await _configure(intake)
            requests = [_request(f"workspace-{index:02}") for index in range(CHANNELS)]
            first = 0
            for number in range(effort.rounds):
                parsed.append(await _parser_alone(seconds))
                outcome = await drive(Job(intake.port, requests, CONNECTIONS, seconds, first=first))
                assert set(outcome.statuses) == {"201"}, outcome.statuses
                first += outcome.sent
                mails.append(outcome)
                say(
                    f"round {number + 1} of {effort.rounds}: parser alone {parsed[-1]:.0f}/s, "
                    f"mails {outcome.per_second:.0f}/s"
                )
                await bench.drained("intake")
            parsed.append(await _parser_alone(seconds))
        finally:
            await intake.stop()
    around = [mean(pair) for pair in pairwise(parsed)]
    return Section(
        "Raw mail into one intake process",
        [
            f"`POST /v1/channels/{{channel}}/email`, {CONNECTIONS} connections, each waiting for its answer "
            f"before the next mail; {size:,} bytes of mail, text and HTML, a quoted mail below each; {CHANNELS} "
            "workspaces; each mail opens a ticket. The answer comes after the mail was stored, read in a parser "
            "process, screened and received, all committed.",
            f"Rounds of {seconds} s after 1 s of warming up. The relay runs.",
            "Beside it, before and after each round, one process that does nothing but read the same mail with "
            "the standard library (`email`, `policy.default`): headers, both bodies decoded.",
        ],
        [
            Figure("mails", "/s", [outcome.per_second for outcome in mails]),
            Figure("the standard library's parser alone", "/s", parsed),
            Figure(
                "mails, of the parser alone",
                "%",
                [100 * outcome.per_second / alone for outcome, alone in zip(mails, around, strict=True)],
            ),
            Figure("answer, p50", "ms", [outcome.p50_ms for outcome in mails]),
            Figure("answer, p99", "ms", [outcome.p99_ms for outcome in mails]),
        ],
    )


def _mail(workspace_id: str) -> str:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f'"A Customer" <c{PERSON}@example.org>'
    mail["To"] = f"help@{workspace_id}.example"
    mail["Subject"] = "Printer on fire"
    mail["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    mail["Message-ID"] = f"<{NUMBER}@mail.example.org>"
    quoted = "\n".join(f"> {line}" for line in [PARAGRAPH] * 3)
    mail.set_content(
        f"Hello,\n\n{PARAGRAPH}\n\nOn Mon, 2 Mar 2026 at 08:00, Desk <desk@example.org> wrote:\n{quoted}\n"
    )
    below = f'<blockquote type="cite"><p>{PARAGRAPH}</p></blockquote>'
    mail.add_alternative(f"<html><body><p>Hello,</p><p>{PARAGRAPH}</p>{below}</body></html>", subtype="html")
    return mail.as_bytes().decode()


def _request(workspace_id: str) -> str:
    content = _mail(workspace_id)
    return (
        "POST /v1/channels/support/email HTTP/1.1\r\nHost: waypost\r\n"
        f"Authorization: Bearer {token(workspace_id)}\r\n"
        f"Content-Type: message/rfc822\r\nContent-Length: {len(content.encode())}\r\n\r\n{content}"
    )


async def _configure(intake: Process) -> None:
    for index in range(CHANNELS):
        name = f"workspace-{index:02}"
        async with intake.http(name) as http:
            channel = {"id": "support", "kind": "email", "address": f"help@{name}.example"}
            answer = await http.put("/v1/configuration", json={"channels": [channel]}, headers={"If-Match": "*"})
            assert answer.status_code == 200, answer.text


async def _parser_alone(seconds: float) -> float:
    """Mails per second that one process reads."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps({"mail": _mail("workspace-00"), "seconds": seconds}).encode())
    return float(said)


def _read_over_and_over(mail: bytes, seconds: float) -> float:
    ends_at = monotonic() + seconds
    count = 0
    while monotonic() < ends_at:
        message = message_from_bytes(mail, policy=default)
        for part in message.walk():
            if not part.is_multipart():
                part.get_payload(decode=True)
        for name in ("from", "to", "subject", "date", "message-id"):
            str(message[name])
        count += 1
    return count / seconds


if __name__ == "__main__":
    job = json.load(sys.stdin)
    print(_read_over_and_over(job["mail"].encode(), job["seconds"]))  # noqa: T201 - its result
