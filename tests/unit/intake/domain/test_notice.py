"""When a notice is due, and whether it is sent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.domain.calling_back import Line
from services.intake.domain.lifecycle import open_ticket, set_status
from services.intake.domain.message import Sender
from services.intake.domain.notice import (
    MOST_UNANSWERED,
    Circumstances,
    Postponed,
    Withheld,
    acknowledgement,
    because,
    decide,
    may_quote,
    planned,
)
from services.intake.domain.notice_plan import Plan, Reason
from services.intake.domain.template import Template, TemplateText
from services.intake.domain.ticket import SYSTEM
from services.intake.domain.workspace import UNREADABLE_FOR, Channel, Workspace
from shared.vocabulary import ChannelKind, MachineClass, Purpose, TicketStatus
from tests.unit.intake.builders import DAYS_4, LATER, NOW, a_customer, a_message, a_ticket

HOUR = timedelta(hours=1)
PLANS = {
    Reason.RECEIVED: Plan(template="t"),
    Reason.CALLBACK: Plan(template="t", by="mail", regions=frozenset({"AT"})),
    Reason.ASSIGNED: Plan(template="t"),
    Reason.ESCALATED: Plan(template="t"),
    Reason.SOLVED: Plan(template="t"),
    Reason.PENDING_REMINDER: Plan(template="t", wait=2 * HOUR),
    Reason.STILL_WORKING: Plan(template="t", wait=3 * HOUR, most=5),
    Reason.SURVEY: Plan(template="t", wait=HOUR),
}
CHANNEL = Channel(channel_id="api", kind=ChannelKind.API, notices=PLANS)
SILENT = Channel(channel_id="api", kind=ChannelKind.API)
TEMPLATE = Template(template_id="t", purpose=Purpose.STATUS, texts={"en": TemplateText(text="x")})
MAIL = Channel(channel_id="mail", kind=ChannelKind.EMAIL, address="support@acme.example")
WORKSPACE = Workspace(version=1, channels={"api": CHANNEL, "mail": MAIL}, templates={"t": TEMPLATE})
MUTE = replace(WORKSPACE, channels={"api": SILENT})
UNREADABLE = Workspace(version=2, channels={}, is_readable=False)
ADA = a_customer()
KNOWN = Circumstances(recipient="ada@example.org")


def test_a_new_ticket_plans_its_acknowledgement_and_the_first_sign_of_life() -> None:
    change = open_ticket(a_ticket(sequence=0, entries=0), NOW)
    (ack,) = acknowledgement(a_message(), change.ticket, CHANNEL)
    assert (ack.reason, ack.due_at, ack.withheld, ack.is_verified) == (Reason.RECEIVED, NOW, None, False)
    assert [(item.reason, item.due_at) for item in planned(change, WORKSPACE)] == [
        (Reason.STILL_WORKING, NOW + 3 * HOUR)
    ]


def test_a_channel_without_notices_plans_none() -> None:
    change = open_ticket(a_ticket(sequence=0, entries=0), NOW)
    assert list(acknowledgement(a_message(), change.ticket, SILENT)) == []
    assert list(planned(change, MUTE)) == []


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"machine": MachineClass.AUTO_GENERATED}, "machine"),
        ({"may_acknowledge": False}, "suppressed"),
    ],
)
def test_what_may_not_be_acknowledged_is_kept_so(message: dict[str, object], why: str) -> None:
    (ack,) = acknowledgement(a_message(**message), a_ticket(), CHANNEL)
    assert ack.withheld == why


def test_without_an_acknowledgement_of_its_own_a_channel_still_keeps_who_wrote() -> None:
    channel = replace(CHANNEL, notices={Reason.SOLVED: Plan(template="t")})
    (ack,) = acknowledgement(a_message(sender=Sender(identity=None, is_verified=True)), a_ticket(), channel)
    assert (ack.withheld, ack.is_verified) == ("not_configured", True)


def test_solving_plans_a_notice_and_a_survey_and_pending_a_reminder() -> None:
    ticket = a_ticket(status=TicketStatus.OPEN)
    solved = set_status(ticket, TicketStatus.SOLVED, SYSTEM, LATER, close_after=DAYS_4)
    assert [(item.reason, item.due_at) for item in planned(solved, WORKSPACE)] == [
        (Reason.SOLVED, LATER),
        (Reason.SURVEY, LATER + HOUR),
    ]
    pending = set_status(ticket, TicketStatus.PENDING, SYSTEM, LATER, close_after=DAYS_4)
    assert [(item.reason, item.due_at) for item in planned(pending, WORKSPACE)] == [
        (Reason.PENDING_REMINDER, LATER + 2 * HOUR)
    ]
    assert list(because(Reason.ASSIGNED, ticket, MUTE, NOW)) == []


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    ("ticket", "known", "why"),
    [
        ({"merged_into": a_ticket(2).ticket_id, "status": TicketStatus.CLOSED}, {}, "merged"),
        ({"status": TicketStatus.CLOSED}, {}, "closed"),
        ({"labels": {"spam": "true"}}, {}, "spam"),
        ({}, {"opened_by_machine": True}, "machine"),
        ({}, {"withheld": "machine"}, "machine"),
        ({}, {"withheld": "suppressed"}, "suppressed"),
        ({}, {"recipient": None}, "no_address"),
        ({}, {"recipient": "no-reply@shop.example"}, "machine_address"),
        ({}, {"recipient": "MAILER-DAEMON@mx.example"}, "machine_address"),
        ({}, {"recipient": "Support+x@acme.example"}, "own_address"),
        ({}, {"is_undeliverable": True}, "undeliverable"),
        ({}, {"is_opted_out": True}, "opted_out"),
        ({}, {"unanswered": MOST_UNANSWERED}, "too_many_unanswered"),
    ],
)
def test_nothing_is_sent_for_any_reason(
    reason: Reason, ticket: dict[str, object], known: dict[str, object], why: str
) -> None:
    about = replace(KNOWN, **known)  # type: ignore[arg-type] # any field
    assert decide(reason, replace(a_ticket(), **ticket), ADA, WORKSPACE, about, NOW) == Withheld(why)  # type: ignore[arg-type] # as above


@pytest.mark.parametrize(
    ("reason", "status", "decided"),
    [
        (Reason.RECEIVED, TicketStatus.NEW, PLANS[Reason.RECEIVED]),
        (Reason.RECEIVED, TicketStatus.SOLVED, Withheld("solved")),
        (Reason.ASSIGNED, TicketStatus.OPEN, PLANS[Reason.ASSIGNED]),
        (Reason.ESCALATED, TicketStatus.SOLVED, Withheld("solved")),
        (Reason.SOLVED, TicketStatus.SOLVED, PLANS[Reason.SOLVED]),
        (Reason.SOLVED, TicketStatus.OPEN, Withheld("reopened")),
        (Reason.PENDING_REMINDER, TicketStatus.PENDING, PLANS[Reason.PENDING_REMINDER]),
        (Reason.PENDING_REMINDER, TicketStatus.OPEN, Withheld("not_pending")),
        (Reason.STILL_WORKING, TicketStatus.ON_HOLD, PLANS[Reason.STILL_WORKING]),
        (Reason.STILL_WORKING, TicketStatus.PENDING, Postponed(NOW + 3 * HOUR)),
        (Reason.SURVEY, TicketStatus.SOLVED, PLANS[Reason.SURVEY]),
        (Reason.SURVEY, TicketStatus.OPEN, Withheld("reopened")),
    ],
)
def test_a_notice_is_sent_while_its_reason_holds(
    reason: Reason, status: TicketStatus, decided: Plan | Withheld | Postponed
) -> None:
    assert decide(reason, a_ticket(status=status), ADA, WORKSPACE, KNOWN, NOW) == decided


@pytest.mark.parametrize(
    ("status", "has_reached_nobody", "decided"),
    [
        (TicketStatus.OPEN, True, PLANS[Reason.CALLBACK]),
        (TicketStatus.OPEN, False, Withheld("called_again")),
        (TicketStatus.SOLVED, True, Withheld("solved")),
    ],
)
def test_a_caller_is_told_while_nobody_has_talked_to_them(
    status: TicketStatus, has_reached_nobody: bool, decided: Plan | Withheld
) -> None:
    known = Circumstances(recipient="+4930123456", has_reached_nobody=has_reached_nobody)
    assert decide(Reason.CALLBACK, a_ticket(status=status), ADA, WORKSPACE, known, NOW) == decided


@pytest.mark.parametrize(
    ("line", "region", "own_region", "decided"),
    [
        (Line(region="DE"), "DE", None, PLANS[Reason.CALLBACK]),
        (Line(region="DE"), None, "DE", PLANS[Reason.CALLBACK]),
        (Line(region="AT"), "DE", None, PLANS[Reason.CALLBACK]),
        (Line(region="FR"), "DE", "FR", Withheld("foreign_number")),
        (Line(region="DE"), None, None, Withheld("foreign_number")),
        (Line(region=None), None, None, Withheld("foreign_number")),
        (Line(region="DE", is_costly=True), "DE", "DE", Withheld("costly_number")),
    ],
)
def test_callers_are_texted_in_the_countries_of_the_channel(
    line: Line, region: str | None, own_region: str | None, decided: Plan | Withheld
) -> None:
    channel = replace(CHANNEL, region=region)
    workspace = replace(WORKSPACE, channels={"api": channel})
    known = replace(KNOWN, has_reached_nobody=True, line=line, own_region=own_region)
    ticket = a_ticket(status=TicketStatus.OPEN)
    assert decide(Reason.CALLBACK, ticket, ADA, workspace, known, NOW) == decided


def test_whoever_was_written_to_is_not_told_that_somebody_still_works() -> None:
    known = replace(KNOWN, written_at=NOW - HOUR)
    ticket = a_ticket(status=TicketStatus.OPEN)
    assert decide(Reason.STILL_WORKING, ticket, ADA, WORKSPACE, known, NOW) == Postponed(NOW + 2 * HOUR)


def test_a_customer_is_asked_once_a_week() -> None:
    ticket = a_ticket(status=TicketStatus.SOLVED)
    lately = replace(KNOWN, surveyed_at=NOW - timedelta(days=7) + timedelta(seconds=1))
    assert decide(Reason.SURVEY, ticket, ADA, WORKSPACE, lately, NOW) == Withheld("asked_lately")
    before = replace(KNOWN, surveyed_at=NOW - timedelta(days=7))
    assert decide(Reason.SURVEY, ticket, ADA, WORKSPACE, before, NOW) == PLANS[Reason.SURVEY]


def test_what_is_configured_when_it_is_due_counts() -> None:
    bare = replace(WORKSPACE, templates={})
    assert decide(Reason.RECEIVED, a_ticket(), ADA, bare, KNOWN, NOW) == Withheld("not_configured")
    assert decide(Reason.RECEIVED, a_ticket(channel="gone"), ADA, WORKSPACE, KNOWN, NOW) == Withheld(
        "not_configured"
    )
    silent = replace(WORKSPACE, channels={"api": SILENT})
    assert decide(Reason.RECEIVED, a_ticket(), ADA, silent, KNOWN, NOW) == Withheld("not_configured")


@pytest.mark.parametrize("customer", [{"do_not_contact": True}, {"erased_at": NOW}])
@pytest.mark.parametrize("reason", Reason)
def test_whoever_wants_nothing_but_answers_gets_nothing_else(reason: Reason, customer: dict[str, object]) -> None:
    ticket = a_ticket(status=TicketStatus.SOLVED)
    assert decide(reason, ticket, a_customer(**customer), WORKSPACE, KNOWN, NOW) == Withheld("do_not_contact")


def test_a_number_is_no_mail_address() -> None:
    known = replace(KNOWN, recipient="+4930123456")
    assert decide(Reason.RECEIVED, a_ticket(), ADA, WORKSPACE, known, NOW) == PLANS[Reason.RECEIVED]


def test_what_a_sender_wrote_is_repeated_only_once_somebody_knows_them() -> None:
    assert not may_quote(a_ticket(), KNOWN)
    assert may_quote(a_ticket(), replace(KNOWN, is_verified=True))
    assert may_quote(a_ticket(first_replied_at=NOW), KNOWN)


@pytest.mark.parametrize("reason", list(Reason))
def test_what_is_due_while_nobody_can_read_the_configuration_waits(reason: Reason) -> None:
    decided = decide(reason, a_ticket(), ADA, UNREADABLE, KNOWN, NOW)
    assert decided == Postponed(NOW + UNREADABLE_FOR)


def test_what_comes_up_while_nobody_can_read_the_configuration_is_planned_all_the_same() -> None:
    ticket = a_ticket(status=TicketStatus.OPEN)
    pending = set_status(ticket, TicketStatus.PENDING, SYSTEM, LATER, close_after=DAYS_4)
    (item,) = planned(pending, UNREADABLE)
    assert (item.reason, item.since, item.due_at) == (Reason.PENDING_REMINDER, LATER, LATER + UNREADABLE_FOR)
    # Once it can be read it waits as long as any other.
    known = LATER + UNREADABLE_FOR
    decided = decide(item.reason, pending.ticket, ADA, WORKSPACE, KNOWN, known, since=item.since)
    assert decided == Postponed(LATER + 2 * HOUR)
    due = LATER + 2 * HOUR
    decided = decide(item.reason, pending.ticket, ADA, WORKSPACE, KNOWN, due, since=item.since)
    assert decided == PLANS[Reason.PENDING_REMINDER]
    assert decide(item.reason, pending.ticket, ADA, MUTE, KNOWN, due) == Withheld("not_configured")
