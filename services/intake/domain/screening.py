"""What to do with a mail before it is read as a request: loops, bounces, automatic answers, lists (RFC 3834).

Machine mail is recorded. It is never answered automatically, never reopens a ticket, never moves a clock.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from services.intake.domain.bounces import is_bouncer
from services.intake.domain.machine_phrases import is_automatic_subject, is_machine_address
from services.intake.domain.mail import Mail, Markers, Report
from services.intake.domain.reply_token import without_tag
from shared.vocabulary import MachineClass

MAX_HOPS = 50
"""A mail that this many servers have passed on goes round in circles."""

GRAVE = (MachineClass.BOUNCE_HARD, MachineClass.BOUNCE_SOFT, MachineClass.COMPLAINT)
REPORTS = (*GRAVE, MachineClass.RECEIPT)
"""These tell about a mail of ours: they are recorded there and are no message."""

_PERMANENT = re.compile(r"\b5\.[0-7]\.\d{1,3}\b|\b55[0-4] ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a mail is.

    may_open: whether it opens a ticket where it joins none
    may_acknowledge: whether an automatic answer may go to its sender
    is_undelivered: whether it says that a mail of ours will not arrive
    refusal: why nothing becomes of it until a person has looked; None where nothing speaks against it
    """

    machine: MachineClass
    may_open: bool
    may_acknowledge: bool
    is_undelivered: bool = False
    refusal: str | None = None


def screen(
    mail: Mail,
    *,
    envelope_sender: str | None,
    own_addresses: Collection[str],
    own_loop_mark: str,
    allows_lists: bool,
) -> Verdict:
    """What a mail is, by its envelope and its markers.

    envelope_sender: empty for a null sender, None where no envelope is known
    own_addresses: of the workspace's channels, lower-case
    """
    if refusal := _loop(mail, envelope_sender, own_addresses, own_loop_mark):
        return Verdict(machine=MachineClass.LOOP, may_open=False, may_acknowledge=False, refusal=refusal)
    is_null = envelope_sender == "" or mail.markers.has_null_return_path
    machine = _machine(mail, is_null=is_null)
    return Verdict(
        machine=machine,
        may_open=_may_open(machine, allows_lists=allows_lists),
        may_acknowledge=machine is MachineClass.NONE and not any(_against_answering(mail)),
        is_undelivered=_is_undelivered(mail.report, machine),
    )


def may_report(mail: Mail) -> bool:
    """Whether it may tell what became of a mail of ours. `screen` says whether it does."""
    return mail.report is not None or _is_bouncer(mail)


def nobody_reads(address: str) -> bool:
    """Whether nobody reads what is sent there, by the address itself."""
    plain = without_tag(address)
    return is_bouncer(plain) or is_machine_address(plain.rpartition("@")[0])


def _loop(mail: Mail, envelope_sender: str | None, own: Collection[str], own_mark: str) -> str | None:
    if own_mark in mail.markers.loop_marks:
        return "loop: it is our own mail"
    senders = (mail.sender.address if mail.sender else None, envelope_sender)
    if any(sender and without_tag(sender) in own for sender in senders):
        return "loop: its sender is our own address"
    if mail.markers.hops > MAX_HOPS:
        return "loop: too many servers have passed it on"
    return None


def _machine(mail: Mail, *, is_null: bool) -> MachineClass:
    marks = mail.markers
    if mail.report and (reported := _reported(mail.report)):
        return reported
    if is_null and _is_bouncer(mail):
        # Old servers say it in words only, and not always to whom.
        return MachineClass.BOUNCE_HARD if _PERMANENT.search(mail.text) else MachineClass.BOUNCE_SOFT
    if marks.auto_submitted == "auto-replied" or marks.is_autoresponse or marks.precedence == "auto_reply":
        return MachineClass.AUTO_REPLY
    if marks.is_list or marks.precedence in ("bulk", "list", "junk"):
        return MachineClass.BULK
    if marks.auto_submitted not in ("", "no") or is_null or _is_bouncer(mail):
        return MachineClass.AUTO_GENERATED
    return MachineClass.NONE


def _reported(report: Report) -> MachineClass | None:
    match report.kind:
        case "delivery-status" | "words":
            if report.actions and not {"failed", "delayed"} & set(report.actions):
                return MachineClass.RECEIPT
            is_hard = any(status.startswith("5") for status in report.statuses)
            return MachineClass.BOUNCE_HARD if is_hard else MachineClass.BOUNCE_SOFT
        case "disposition-notification":
            return MachineClass.RECEIPT
        case "feedback-report":
            return MachineClass.COMPLAINT
        case _:
            return None


def _is_undelivered(report: Report | None, machine: MachineClass) -> bool:
    """A server that has given up says `failed`, whatever the status; one that still tries says `delayed`."""
    if machine is MachineClass.BOUNCE_HARD:
        return True
    return machine is MachineClass.BOUNCE_SOFT and report is not None and "failed" in report.actions


def _may_open(machine: MachineClass, *, allows_lists: bool) -> bool:
    match machine:
        case MachineClass.NONE | MachineClass.AUTO_GENERATED:
            # Monitoring and forms write by machine, and mean a request.
            return True
        case MachineClass.BULK:
            return allows_lists
        case _:
            return False


def _against_answering(mail: Mail) -> Iterator[bool]:
    yield _suppresses(mail.markers)
    yield is_machine_address(_local_part(mail))
    yield _is_bouncer(mail)
    yield is_automatic_subject(mail.subject)


def _suppresses(marks: Markers) -> bool:
    return not {"all", "oof", "autoreply"}.isdisjoint(marks.suppresses)


def _is_bouncer(mail: Mail) -> bool:
    return mail.sender is not None and is_bouncer(mail.sender.address)


def _local_part(mail: Mail) -> str:
    return mail.sender.address.rpartition("@")[0].lower() if mail.sender else ""
