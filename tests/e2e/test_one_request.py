"""One request from its customer to its end, through all four services, over their real interfaces."""

import json
from datetime import timedelta
from pathlib import Path

from tests.e2e.office import WITHIN_S, Office, a_mail
from tests.eventually import eventually
from tests.integration.intake.mail.sink import Sink
from tests.integration.metrics.listening import listening
from tests.integration.outside import Website
from tests.system import System

KPIS = ("volume", "breaches", "sla_attainment", "backlog", "first_reply")


async def test_a_mail_is_routed_answered_threaded_solved_and_counted(
    whole: System, sink: Sink, workspace_id: str, tmp_path: Path
) -> None:
    office = await Office.open(whole, sink, workspace_id, tmp_path, {})
    ben, ines = await office.agent("ben"), await office.agent("ines")
    ada, subject = f"ada-{workspace_id}@northwind.example", "Nobody can log in"
    async with listening(office.seen["metrics"], kpi=list(KPIS)) as heard:
        question = a_mail(
            f"Ada Palmer <{ada}>",
            f"support@{workspace_id}.example",
            subject,
            "Since this morning.",
            Message_ID=f"<1.{workspace_id}@northwind.example>",
        )
        await office.mail(question)
        acknowledged = await office.received(ada)
        assert (acknowledged["Auto-Submitted"], acknowledged["In-Reply-To"]) == (
            "auto-generated",
            question["Message-ID"],
        )

        # Tier 1 of the technical queue is asked, and nobody of tier 2.
        ticket = await office.ticket(
            subject, labels={"owner": "ben", "topic": "technical"}, queue="technical", support_tier=1
        )
        ticket_id = ticket["ticket_id"]
        offer = await ben.offered(ticket_id)
        assert (offer["queue"], offer["support_tier"]) == ("technical", 1)
        assert await ines.offers() == []
        decisions = (await office.get("router", f"/v1/tickets/{ticket_id}/decisions"))["items"]
        assert "Rule technical holds" in " ".join(one["words"] for one in decisions)
        await ben.accept(offer)
        await office.ticket(subject, assignee_id="ben", status="open")

        # The answer leaves as an answer to the mail, and what the customer answers comes to the same ticket.
        await ben.reply(ticket_id, "Please clear your cookies once.")
        answer = await office.received(ada, 2)
        assert answer["In-Reply-To"] == question["Message-ID"]
        assert question["Message-ID"] in answer["References"].split()
        assert answer.get_content().startswith("Please clear your cookies once.")
        await ben.solve(ticket_id)
        await office.ticket(subject, status="solved")
        await office.mail(
            a_mail(
                ada,
                str(answer["Reply-To"] or answer["From"]),
                f"Re: {subject}",
                "It does not help.",
                Message_ID=f"<2.{workspace_id}@northwind.example>",
                In_Reply_To=str(answer["Message-ID"]),
                References=f"{answer['References']} {answer['Message-ID']}",
            )
        )
        reopened = await office.ticket(subject, status="open")
        assert reopened["ticket_id"] == ticket_id
        await ben.reply(ticket_id, "Then use the other door.")
        await office.received(ada, 3)
        await ben.solve(ticket_id)
        await office.ticket(subject, status="solved")

        def is_counted() -> bool:
            assert heard.of("volume", "today") == 1
            assert heard.of("backlog", "now") == 0
            assert heard.of("breaches", "today") == 0
            assert heard.of("sla_attainment", "today") == 100
            assert ("first_reply", "today", ()) in heard.state
            return True

        await eventually(is_counted, within_s=WITHIN_S)
        assert heard.kinds()[0] == "snapshot"
        assert "delta" in heard.kinds()
    clocks = (await office.get("escalation", f"/v1/tickets/{ticket_id}/clocks"))["items"]
    assert {(clock["metric"], clock["policy"]) for clock in clocks} >= {("first_reply", "gold")}
    assert "breached" not in {clock["state"] for clock in clocks}


async def test_a_broken_promise_is_warned_of_escalated_told_acknowledged_answered_and_counted(
    whole: System, sink: Sink, website: Website, workspace_id: str, tmp_path: Path
) -> None:
    hook = f"/{workspace_id}"
    values = {"WAYPOST_DEMO_WEBHOOK_URL": website.url(hook)}
    office = await Office.open(whole, sink, workspace_id, tmp_path, values)
    grace, ines = await office.agent("grace"), await office.agent("ines")
    async with listening(office.seen["metrics"], kpi=list(KPIS)) as heard:
        message = {
            "channel": "api",
            "external_id": "m-1",
            "from": {"email": f"marta-{workspace_id}@harbour.example", "name": "Marta"},
            "subject": "[drill] Is anybody there?",
            "text": "Hello?",
        }
        receipt = await office.post("intake", "/v1/messages", message)
        assert receipt["disposition"] == "opened"
        ticket_id, number = receipt["ticket_id"], receipt["ticket_number"]
        offer = await grace.offered(ticket_id)
        assert (offer["queue"], offer["support_tier"], offer["priority"]) == ("general", 1, "normal")
        await grace.accept(offer)

        # Grace does not answer: tier 2 is asked, the work is more pressing, and its lead is told.
        await office.events(ticket_id, "sla.clock_started")
        await whole.travel(timedelta(seconds=10))
        await office.events(ticket_id, "sla.warned")
        await whole.travel(timedelta(seconds=5))
        late = await ines.offered(ticket_id)
        assert (late["queue"], late["support_tier"]) == ("general", 2)
        told = await office.received(f"lena@{workspace_id}.example")
        assert told["Subject"].startswith(f"Ticket {number} is escalated: first reply")
        (call,) = await eventually(lambda: website.to(hook), within_s=WITHIN_S)
        assert json.loads(call.body)["data"]["ticket_id"] == ticket_id
        await ines.accept(late)
        await ines.works_on(ticket_id, priority="high")
        await office.ticket("[drill] Is anybody there?", assignee_id="ines", support_tier=2)
        raised = (await ines.get("escalation", "/v1/escalations?state=raised"))["items"]
        assert [(one["ticket_id"], one["policy"]) for one in raised] == [(ticket_id, "drill")]
        await ines.post("escalation", f"/v1/escalations/{raised[0]['escalation_id']}/acknowledge")
        await ines.reply(ticket_id, "Here we are. We are sorry.")
        await ines.solve(ticket_id)

        events = await office.events(ticket_id, "escalation.resolved")
        told_of = [name for name in events if name.startswith(("sla.", "escalation."))]
        assert told_of[:3] == ["sla.clock_started", "sla.warned", "sla.breached"]
        assert told_of.count("sla.breached") == 1
        assert told_of.count("escalation.raised") == 3
        assert told_of.index("escalation.acknowledged") > told_of.index("escalation.raised")

        def is_counted() -> bool:
            assert heard.of("volume", "today") == 1
            assert heard.of("breaches", "today") == 1
            assert heard.of("backlog", "now") == 0
            return True

        await eventually(is_counted, within_s=WITHIN_S)
    (clock,) = (await office.get("escalation", f"/v1/tickets/{ticket_id}/clocks"))["items"]
    assert (clock["metric"], clock["state"]) == ("first_reply", "breached")
    assert len(sink.kept[f"lena@{workspace_id}.example"]) == 1
