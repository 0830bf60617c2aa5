"""A mail that may become a message, and the message that it becomes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.app.mail_ports import Bounce, ReadMail, ReferenceKey, Referred
from services.intake.domain import mail_threads
from services.intake.domain.mail import Mail
from services.intake.domain.message import Identity, IdentityKind, InboundMessage, Sender
from services.intake.domain.reply_token import loop_mark, without_tag
from services.intake.domain.screening import REPORTS, Verdict, screen
from services.intake.domain.workspace import Workspace
from shared.events.envelope import Cause
from shared.vocabulary import ChannelKind, MachineClass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreenedMail:
    """A mail that nothing speaks against."""

    item: ReadMail
    mail: Mail
    workspace: Workspace
    verdict: Verdict

    @property
    def workspace_id(self) -> str:
        """Whose it is."""
        return self.item.raw.workspace_id

    @property
    def inbox(self) -> str:
        """Within what it is one message, and finds its ticket."""
        return self.workspace.inbox(self.item.raw.channel)

    @property
    def repeat(self) -> ReferenceKey:
        """By what it is recognised when it comes again."""
        return self._kept_as(mail_threads.repeat_key(self.mail))

    @property
    def told_before(self) -> ReferenceKey:
        """By what a report is recognised that comes again: what it says counts once."""
        return self.workspace_id, mail_threads.report_key(self.mail)

    def named(self, known: Mapping[ReferenceKey, Referred]) -> Iterator[Referred]:
        """The messages that have come or left, of those that it names."""
        for rfc_id in mail_threads.named(self.mail):
            if referred := known.get((self.workspace_id, mail_threads.id_key(rfc_id))):
                yield referred

    def asks_for(self) -> set[ReferenceKey]:
        """The keys of earlier mails that it may belong to, or be a repeat of."""
        keys = mail_threads.refers_to(self.mail)
        return {found for key in keys for found in (self._kept_as(key), (self.workspace_id, key))}

    def referred(self, known: Mapping[ReferenceKey, Referred], key: bytes) -> Referred | None:
        """What a key names. Beside those of its inbox are those of what left, and of before it was an own one."""
        return known.get(self._kept_as(key)) or known.get((self.workspace_id, key))

    def kept_keys(self, known: Collection[ReferenceKey]) -> set[ReferenceKey]:
        """The keys by which later mails find it. known: those of mails that have come, of all that it names"""
        come = {key for key in mail_threads.refers_to(self.mail) if self._kept_as(key) in known}
        awaited = mail_threads.awaits(self.mail, own_addresses=self.workspace.mail_addresses, known=come)
        return {self._kept_as(key) for key in mail_threads.recognised_by(self.mail) | awaited}

    def _kept_as(self, key: bytes) -> ReferenceKey:
        return self.workspace_id, mail_threads.in_inbox(key, self.inbox)

    def delivered_to(self) -> tuple[str, ...]:
        """Those addresses of its inbox that it was sent to."""
        channels = self.workspace.channels.values()
        own = {channel.address for channel in channels if self.workspace.inbox(channel.channel_id) == self.inbox}
        addresses = self.item.raw.recipients or self.mail.recipients
        known = (without_tag(address) for address in addresses)
        return tuple(
            dict.fromkeys(
                address for address in known if address in own and address in self.workspace.mail_addresses
            )
        )

    @property
    def cause(self) -> Cause:
        """What it sets off belongs to the trace in which it came."""
        traceparent = self.item.raw.traceparent
        return Cause(traceparent=traceparent, correlation_id=traceparent.split("-")[1] if traceparent else None)

    def bounce(self, message_id: UUID) -> Bounce:
        """What it says about a mail of ours."""
        statuses = ", ".join(filter(None, self.mail.report.statuses))[:200] if self.mail.report else ""
        is_complaint = self.verdict.machine is MachineClass.COMPLAINT
        detail = "complaint" if is_complaint else f"bounced: {statuses}" if statuses else "bounced"
        return Bounce(
            workspace_id=self.workspace_id,
            message_id=message_id,
            is_final=self.verdict.is_undelivered,
            is_hard=self.verdict.machine is MachineClass.BOUNCE_HARD,
            is_complaint=is_complaint,
            detail=detail,
        )


def screened(
    item: ReadMail, workspace: Workspace, secret: bytes, *, is_released: bool = False
) -> ScreenedMail | str:
    """The mail with what it is; or why nothing becomes of it until a person has looked.

    is_released: whether one has
    """
    if isinstance(item.mail, str):
        return item.mail
    channel = workspace.channels.get(item.raw.channel)
    if channel is None or channel.kind is not ChannelKind.EMAIL:
        return "its channel is not there any more"
    verdict = screen(
        item.mail,
        envelope_sender=item.raw.sender,
        own_addresses=workspace.mail_addresses,
        own_loop_mark=loop_mark(secret, item.raw.workspace_id),
        allows_lists=channel.allows_lists,
    )
    if is_released:
        is_request = verdict.machine in (*REPORTS, MachineClass.LOOP)
        machine = MachineClass.NONE if is_request else verdict.machine
        verdict = replace(verdict, machine=machine, may_open=True, refusal=None)
    return verdict.refusal or ScreenedMail(item=item, mail=item.mail, workspace=workspace, verdict=verdict)


def to_message(item: ScreenedMail, thread: tuple[UUID, ...], likely: tuple[UUID, ...]) -> InboundMessage:
    """The message, which joins the first of these tickets that it may."""
    mail, raw = item.mail, item.item.raw
    sender = _sender(mail, raw.sender)
    channel = item.workspace.channels.get(raw.channel)
    return InboundMessage(
        workspace_id=raw.workspace_id,
        message_id=raw.raw_id,
        channel=raw.channel,
        sender=replace(sender, is_verified=item.item.is_verified),
        subject=mail.subject,
        text=mail.text,
        text_new=mail.text_new,
        html=mail.html,
        is_damaged=mail.is_damaged,
        dedupe_key=f"mail:{mail_threads.repeat_key(mail).hex()}",
        thread_ticket_ids=thread,
        likely_ticket_ids=likely,
        machine=item.verdict.machine,
        may_open=item.verdict.may_open,
        may_acknowledge=item.verdict.may_acknowledge,
        provider_message_id=mail.message_id,
        reply_to=mail.reply_to,
        delivered_to=item.delivered_to(),
        invites=_invites(item, sender),
        same_subject=channel is not None and channel.threads_by_subject,
        sent_at=mail.sent_at,
    )


def _invites(item: ScreenedMail, sender: Sender) -> tuple[str, ...]:
    """Whom it reached beside its sender and us."""
    writer = sender.identity.value.lower() if sender.identity else None
    others = mail_threads.people(item.mail, item.workspace.mail_addresses)
    return tuple(address for address in others if address != writer)


def _sender(mail: Mail, envelope_sender: str | None) -> Sender:
    """Who says to have written it; that proves nothing. Without a From, whom the envelope names."""
    if mail.sender:
        identity = Identity(kind=IdentityKind.EMAIL, value=mail.sender.address)
        return Sender(identity=identity, name=mail.sender.name)
    if envelope_sender:
        local, _, domain = envelope_sender.rpartition("@")
        return Sender(identity=Identity(kind=IdentityKind.EMAIL, value=f"{local}@{domain.lower()}"))
    return Sender(identity=None)
