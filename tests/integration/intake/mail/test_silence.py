"""Machines that answer each other fall silent: every number of mails here is exact, and stays what it is.

All notices are on, and whatever would set one off is done to every ticket at once.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from deploy.local.ports import free_ports
from deploy.local.stack import Stack
from services.intake.domain.notice import MOST_UNANSWERED
from shared.db.unit_of_work import Tx
from shared.events.escalations import EscalationRaisedV2, Notify
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post
from tests.integration.intake.mail.servers import (
    Echo,
    Letter,
    bounce,
    complaint_in_words,
    open_echo,
    unmarked_reply,
)
from tests.integration.intake.mail.sink import Sink
from tests.integration.intake.mail.test_loops import settled
from tests.integration.intake.notices import ALL, SURVEY, TEMPLATES, is_idle, travel
from tests.integration.intake.office import about
from tests.scribe import Scribe, publish, uid
from tests.system import System, Templates, start

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1, minutes=1)
STILL_WORKING = 3
OF_A_TICKET = 6 + STILL_WORKING
"""What one ticket that a person opened brings about at most: all seven reasons once, one of them three times."""


@dataclass
class Desk:
    """One workspace, whose other services do to every ticket what brings about a notice.

    machine: the server that answers its mail, if there is one
    """

    post: Post
    producer: Producer
    machine: Echo | None = None
    told: set[str] = field(default_factory=set)

    @classmethod
    async def open(cls, system: System, producer: Producer, name: str, machine: Echo | None = None) -> "Desk":
        post = await Post.open(system, Sink(), name)
        channel = {"id": "support", "kind": "email", "address": post.support, "notices": ALL, "survey": SURVEY}
        body = {"channels": [channel], "templates": TEMPLATES}
        answer = await post.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        return cls(post, producer, machine)

    async def route(self) -> bool:
        """Assigns and escalates every ticket that was not yet; whether there was one."""
        tickets = [ticket["ticket_id"] for ticket in await self.post.tickets()]
        fresh = [ticket_id for ticket_id in tickets if ticket_id not in self.told]
        scribe = Scribe(self.post.workspace_id)
        events = []
        for ticket_id in fresh:
            events += [scribe.queued(ticket_id, NOW), scribe.assigned(ticket_id, NOW)]
            events.append(scribe.tell(an_escalation(ticket_id), NOW))
        await publish(self.producer, [about(event, fresh[at // 3]) for at, event in enumerate(events)])
        for ticket_id in fresh:
            await eventually(partial(self._is_escalated, ticket_id))
        self.told.update(fresh)
        return bool(fresh)

    async def set_all(self, status: str) -> None:
        """Every ticket gets this status."""
        for ticket in await self.post.tickets():
            answer = await self.post.http.patch(f"/v1/tickets/{ticket['ticket_id']}", json={"status": status})
            assert answer.status_code == 200, answer.text

    async def mails(self) -> int:
        """How many mails have left."""

        async def unit(tx: Tx) -> int:
            query = text("SELECT count(*) FROM delivery WHERE state IN ('sent', 'bounced')")
            return int((await tx.execute(query)).scalar_one())

        runtime = self.post.system.services["intake"].runtime
        return await runtime.database.transact(unit, workspaces=[self.post.workspace_id])

    async def seen(self) -> tuple[int, int]:
        """How many mails have left, and how many tickets there are."""
        return await self.mails(), len(await self.post.tickets())

    async def _is_escalated(self, ticket_id: str) -> bool:
        timeline = await self.post.http.get(f"/v1/tickets/{ticket_id}/timeline", params={"limit": 200})
        return "escalation.raised" in timeline.text


def an_escalation(ticket_id: str) -> EscalationRaisedV2:
    return EscalationRaisedV2(
        escalation_id=uid(ticket_id),
        ticket_id=uid(ticket_id),
        policy="late",
        policy_version=1,
        level=1,
        step=1,
        trigger="sla.breached",
        metric=None,
        action=Notify(recipients=1),
    )


@asynccontextmanager
async def waypost(
    stack: Stack, templates: Templates, folder: pytest.TempPathFactory, name: str, *, comes: int, leaves: int
) -> AsyncIterator[tuple[System, Producer]]:
    """A Waypost of its own, with its own secret, and what its other services write with."""
    async with start(
        stack,
        ("intake",),
        prefix=name,
        templates=templates,
        folder=folder.mktemp(name),
        secret=f"the secret of {name}, which nobody else knows",
        smtp_port=comes,
        outbound_smtp_url=f"smtp://127.0.0.1:{leaves}",
        public_url="https://survey.example",
    ) as system:
        producer = Producer(stack.kafka.bootstrap, topic_prefix=name)
        try:
            yield system, producer
        finally:
            await producer.close()


def systems_of(desks: Sequence[Desk]) -> list[System]:
    return list({id(desk.post.system): desk.post.system for desk in desks}.values())


async def quiet(*desks: Desk) -> None:
    """Until nothing is on its way: twice in a row, with nothing new between."""

    async def probe() -> list[int] | None:
        for system in systems_of(desks):
            if not (await settled(system) and await is_idle(system)):
                return None
        if any(desk.machine and desk.machine.waiting for desk in desks):
            return None
        return [await desk.mails() for desk in desks]

    async def twice() -> bool:
        before = await probe()
        return before is not None and before == await probe()

    await eventually(twice, within_s=30, every_s=0.05)


async def route_until_quiet(*desks: Desk) -> None:
    """Lets every ticket be assigned and escalated, and those that this brings about."""
    await quiet(*desks)
    while any([await desk.route() for desk in desks]):
        await quiet(*desks)


async def pass_time(*desks: Desk, by: timedelta) -> None:
    """Lets this time pass, and happen what happens then."""
    for system in systems_of(desks):
        await travel(system, by)
    await route_until_quiet(*desks)


async def test_two_help_desks_with_all_notices_on_send_each_other_nine_mails_a_request(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, other = free_ports(2)
    async with (
        waypost(stack, templates, tmp_path_factory, "silent1", comes=one, leaves=other) as (first, first_writes),
        waypost(stack, templates, tmp_path_factory, "silent2", comes=other, leaves=one) as (second, second_writes),
    ):
        acme = await Desk.open(first, first_writes, "acme-desk")
        globex = await Desk.open(second, second_writes, "globex-desk")
        both = acme, globex
        # Somebody at each writes to the other one's address, from their own.
        for here, there in ((acme, globex), (globex, acme)):
            raw = here.post.raw("Where is our order?", From=there.post.support)
            await here.post.smtp(raw, here.post.support, sender=there.post.support)
        await route_until_quiet(*both)
        assert [await desk.mails() for desk in both] == [3, 3]
        for hours in range(1, STILL_WORKING + 1):
            await pass_time(*both, by=HOUR)
            assert [await desk.mails() for desk in both] == [3 + hours] * 2
        for status in ("pending", "solved"):
            for desk in both:
                await desk.set_all(status)
            await pass_time(*both, by=HOUR)
        # What the other one's machines wrote is one ticket, about which nobody is told anything.
        assert [await desk.seen() for desk in both] == [(OF_A_TICKET, 2)] * 2
        for days in (1, 60):
            await pass_time(*both, by=timedelta(days=days))
        assert [await desk.seen() for desk in both] == [(OF_A_TICKET, 2)] * 2


async def test_servers_that_answer_every_mail_get_so_many_and_no_more(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    comes, leaves = free_ports(2)
    answers = {"bouncing": bounce, "grumbling": complaint_in_words, "unmarked": unmarked_reply}

    def answer(letter: Letter, number: int) -> Letter:
        return answers[letter.recipient.partition("@")[2].partition("-")[0]](letter, number)

    async with (
        waypost(stack, templates, tmp_path_factory, "answered", comes=comes, leaves=leaves) as (system, writes),
        open_echo(answer, port=leaves, deliver_to=comes) as machine,
    ):
        desks = [await Desk.open(system, writes, f"{name}-desk", machine) for name in answers]
        bouncing, grumbling, _ = desks
        for desk in desks:
            await desk.post.smtp(desk.post.raw())
            await eventually(desk.post.tickets)
        await quiet(*desks)
        # What comes back once is not written to again. What says nothing of being a machine has opened a ticket
        # with each answer, until the hour has had its three acknowledgements.
        assert [await desk.seen() for desk in desks] == [(1, 1), (1, 1), (3, 4)]
        await route_until_quiet(*desks)
        at_once = 3 + 2 * MOST_UNANSWERED
        assert [await desk.mails() for desk in desks] == [1, 3, at_once]
        for hours in range(1, STILL_WORKING + 1):
            await pass_time(*desks, by=HOUR)
            assert [await desk.mails() for desk in desks] == [1, 3 + hours, at_once + hours * MOST_UNANSWERED]
        for status in ("pending", "solved"):
            for desk in (bouncing, grumbling):
                await desk.set_all(status)
            await pass_time(*desks, by=HOUR)
        for days in (1, 60, 365):
            await pass_time(*desks, by=timedelta(days=days))
        # Every mail of the last one was answered by a new request: none of the later ones was answered.
        assert [await desk.seen() for desk in desks] == [(1, 1), (OF_A_TICKET, 1), (28, 29)]
        assert len(machine.taken) == 1 + OF_A_TICKET + 28
