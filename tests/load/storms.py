"""What 5,000 broken promises within a minute do to the people who are told of them."""

from datetime import timedelta
from typing import Any

from tests.eventually import eventually
from tests.integration.outside import Mailbox
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.promises import backdate, configure, counted, folded, now, opened, producing, tell
from tests.load.workbench import Workbench, workbench

WORKSPACE = "stormy"
PEOPLE = ("ada", "ben", "cleo")
_TARGET = timedelta(hours=1)
_LEAD = timedelta(seconds=20)
"""From opening the tickets to the first deadline."""
CONFIGURATION: dict[str, Any] = {
    "contacts": [{"agent": name, "email": f"{name}@desk.example"} for name in PEOPLE],
    "escalation_policies": [{"id": "tell", "steps": [{"notify": {"agents": list(PEOPLE)}}]}],
    "sla_policies": [
        {
            "id": "standard",
            "targets": [{"metric": "first_reply", "within": "1h", "warn_at_percent": [], "escalation": "tell"}],
        }
    ],
}
_TOLD = "SELECT count(*) FROM notification WHERE state = 'sent'"


async def measure(effort: Effort, say: Say) -> Section:
    """Opens tickets whose first replies are all due within a minute, and counts the mails."""
    breaches = effort.of(5_000, 300)
    minute = timedelta(seconds=effort.of(60, 5))
    mails: list[float] = []
    recorded: list[float] = []
    behind: list[float] = []
    for turn in range(effort.rounds):
        async with Mailbox.open() as mailbox, workbench(say) as bench:
            began = await _break(bench, mailbox, breaches, minute)
            told = await counted(bench, [WORKSPACE], _TOLD)
            each = [len(mailbox.to(f"{name}@desk.example")) for name in PEOPLE]
            mails.append(max(each))
            recorded.append(100 * told / (breaches * len(PEOPLE)))
            behind.append(began)
            say(f"round {turn + 1} of {effort.rounds}: {each} mails, {told} notifications, {began:.1f} s behind")
    return Section(
        "A storm of breaches",
        [
            f"{breaches:,} tickets of one workspace whose first replies are due within {minute.seconds} seconds, "
            f"and an escalation policy that tells {len(PEOPLE)} people by mail, in one escalation process with a "
            "mail server beside it. Every breach has its notification to each of them; mails are counted at the "
            "server.",
            "Behind is from the last deadline until the last notification is recorded as sent: people are told of "
            "what waits at a pace that slows down.",
        ],
        [
            Figure("mails a person", "", mails),
            Figure("notifications recorded as sent", "%", recorded),
            Figure("behind the last deadline", "s", behind),
        ],
    )


async def _break(bench: Workbench, mailbox: Mailbox, breaches: int, minute: timedelta) -> float:
    """Breaks so many promises; how many seconds after the last deadline everybody had been told."""
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    escalation = await bench.service("escalation", WAYPOST_OUTBOUND_SMTP_URL=smtp)
    await escalation.start()
    try:
        await configure(escalation, WORKSPACE, CONFIGURATION)
        await backdate(bench, WORKSPACE, 2 * _TARGET)
        # It may have read since when that holds.
        await escalation.stop()
        await escalation.start()
        first = now() - _TARGET + _LEAD
        async with producing(bench) as producer:
            due = (first + minute * number / breaches for number in range(breaches))
            await tell(producer, (opened(WORKSPACE, number, at) for number, at in enumerate(due, 1)))
        await folded(bench, [WORKSPACE], breaches)

        async def are_told() -> bool:
            return await counted(bench, [WORKSPACE], _TOLD) >= breaches * len(PEOPLE)

        await eventually(are_told, within_s=900, what="everybody told")
        return (now() - (first + _TARGET + minute)).total_seconds()
    finally:
        await escalation.stop()
