"""Correspondence for property tests: people who write mails to two workspaces, and agents who answer."""

import hashlib
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.intake.app.mail_ports import Outcome, Raw, ReadMail, Referred
from services.intake.app.receive_mail import MailDesk, receive_mails
from services.intake.domain import reply_token
from services.intake.domain.conversation import FOR_EVER, NEVER
from services.intake.domain.lifecycle import close, merge, reply, set_status
from services.intake.domain.mail import Mail, Mailbox, Markers
from services.intake.domain.mail_threads import id_key
from services.intake.domain.subject_tag import tagged
from services.intake.domain.ticket import Actor, Ticket
from services.intake.domain.workspace import Channel, Workspace
from shared.errors import IllegalTransition
from shared.vocabulary import ActorKind, ChannelKind, TicketStatus
from tests.unit.intake.app.memory import Ids, Memory, Numbers, moment
from tests.unit.intake.builders import NOW, replied
from tests.unit.intake.mails import SECRET

T = TypeVar("T")

ADA, BOB, CAROL, EVE = (f"{name}@example.org" for name in ("ada", "bob", "carol", "eve"))
AGENT = Actor(kind=ActorKind.AGENT, actor_id="agent")
ACME, GLOBEX = "acme", "globex"
"""One reopens what is solved, the other opens what follows it."""

LINKS = ("address", "in_reply_to", "references", "tag")
"""What of an answer may be left of what points to its ticket."""


@dataclass(frozen=True)
class Letter:
    """A mail that somebody has. number: of the ticket that one of ours is about."""

    workspace_id: str
    mail: Mail
    number: int | None = None


def support(workspace_id: str) -> str:
    return f"support@{workspace_id}.example"


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of what never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


def workspace(workspace_id: str, *, reopens: bool) -> Workspace:
    channel = Channel(
        channel_id="support",
        kind=ChannelKind.EMAIL,
        address=support(workspace_id),
        reopens_within=FOR_EVER if reopens else NEVER,
    )
    return Workspace(version=1, channels={"support": channel})


@dataclass
class World:
    """Two workspaces. `receive` is the real use-case, over a model of what it keeps."""

    memory: Memory = field(
        default_factory=lambda: Memory(
            {ACME: workspace(ACME, reopens=True), GLOBEX: workspace(GLOBEX, reopens=False)}
        )
    )
    ids: Ids = field(default_factory=Ids)
    sent: Ids = field(default_factory=Ids)
    after: timedelta = timedelta()
    written: int = 0

    def receive(self, letter: Letter, channel: str = "support") -> Outcome:
        memory: Any = self.memory
        references: Any = Numbers(self.memory)
        desk = MailDesk(
            conversations=memory,
            workspaces=memory,
            raws=memory,
            references=references,
            messages=memory,
            deliveries=memory,
            ids=self.ids,
            secret=SECRET,
        )
        raw = Raw(
            workspace_id=letter.workspace_id,
            raw_id=UUID(bytes=hashlib.sha256(f"{letter.mail.message_id} {channel}".encode()).digest()[:16]),
            channel=channel,
            sender=letter.mail.sender.address if letter.mail.sender else None,
            recipients=(f"{channel}@{letter.workspace_id}.example",),
            sha256=b"",
            size=0,
            received_at=NOW,
            traceparent=None,
        )
        (outcome,) = finished(
            receive_mails([ReadMail(raw=raw, mail=letter.mail)], tx=moment(self.after), desk=desk)
        )
        return outcome

    def mail(self, sender: str, to: Collection[str], **fields: Any) -> Mail:
        """A mail that nobody has written before."""
        self.written += 1
        usual: dict[str, Any] = {
            "subject": "Help",
            "sender": Mailbox(address=sender),
            "recipients": tuple(to),
            "message_id": f"<{self.written}@example.org>",
            "text": "x",
            "text_new": "x",
            "body_sha256": str(self.written),
        }
        return Mail(**{**usual, **fields})

    def opening(self, workspace_id: str, sender: str, *others: str) -> Letter:
        return Letter(workspace_id, self.mail(sender, (support(workspace_id), *others)))

    def answer(self, to: Letter, sender: str, links: Collection[str], *others: str, **fields: Any) -> Letter:
        """The answer to a mail of which its program and its way have left these links."""
        mail = to.mail
        home = mail.reply_to if "address" in links and to.number is not None else support(to.workspace_id)
        found: dict[str, Any] = {}
        if "in_reply_to" in links:
            found["in_reply_to"] = (mail.message_id,)
        if "references" in links:
            found["references"] = (*mail.references, mail.message_id)
        if "tag" in links:
            found["subject"] = f"AW: {mail.subject}"
        return Letter(to.workspace_id, self.mail(sender, (home or "", *others), **{**found, **fields}))

    def agents_answer(self, to: Letter) -> Letter | None:
        """What an agent answers to a mail, if its ticket can still be answered."""
        ticket = self.ticket_of(to)
        if ticket is None or ticket.status is TicketStatus.CLOSED:
            return None
        self.memory.keep([reply(ticket, replied(), AGENT, NOW + self.after).ticket])
        token = reply_token.issue_token(SECRET, to.workspace_id, ticket.number)
        message_id = self.sent.new()
        rfc_id = reply_token.outgoing_message_id(message_id, token, f"{to.workspace_id}.example")
        referred = Referred(ticket_id=ticket.ticket_id, message_id=message_id)
        finished(self.memory.add(moment(self.after), {(to.workspace_id, id_key(rfc_id)): referred}))
        mail = self.mail(
            support(to.workspace_id),
            (ADA,),
            message_id=rfc_id,
            reply_to=reply_token.reply_address(support(to.workspace_id), token),
            subject=tagged(ticket.subject, SECRET, to.workspace_id, ticket.number, most=250),
            in_reply_to=(to.mail.message_id,),
            references=(*to.mail.references, to.mail.message_id),
        )
        return Letter(to.workspace_id, mail, ticket.number)

    def ticket_of(self, letter: Letter) -> Ticket | None:
        """Where a message to the ticket of this mail goes."""
        known = self.memory.references.get((letter.workspace_id, id_key(letter.mail.message_id or "")))
        return self.memory.line((letter.workspace_id, known.ticket_id)) if known else None

    def takes_up(self, ticket: Ticket) -> bool:
        """Whether a customer's message joins it."""
        reopens = self.memory.configured[ticket.workspace_id].channels["support"].reopens_within == FOR_EVER
        return ticket.status.is_unsolved or (ticket.status is TicketStatus.SOLVED and reopens)

    def solve(self, ticket: Ticket) -> None:
        if ticket.status.is_unsolved:
            now = NOW + self.after
            change = set_status(ticket, TicketStatus.SOLVED, AGENT, now, close_after=timedelta(days=4))
            self.memory.keep([change.ticket])

    def close(self, ticket: Ticket) -> None:
        self.solve(ticket)
        solved = self.memory.tickets[ticket.workspace_id, ticket.ticket_id]
        if solved.status is TicketStatus.SOLVED:
            self.memory.keep([close(solved, NOW + self.after).ticket])

    def merge(self, source: Ticket, target: Ticket) -> None:
        if source.workspace_id == target.workspace_id and source.status.is_unsolved and target.status.is_unsolved:
            try:
                self.memory.keep([merge(source, target, AGENT, NOW + self.after).ticket])
            except IllegalTransition:
                assert source.ticket_id == target.ticket_id

    def public(self, workspace_id: str, ticket_id: UUID) -> Sequence[str]:
        """Who wrote publicly in a ticket."""
        return [
            stored.message.sender.identity.value
            for stored in self.memory.messages
            if (stored.message.workspace_id, stored.ticket_id) == (workspace_id, ticket_id)
            and stored.is_public
            and stored.message.sender.identity
        ]


AWAY = Markers(auto_submitted="auto-replied")
"""What a program writes while its owner is away."""
