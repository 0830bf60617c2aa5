"""What a person releases from quarantine is read once more; what cannot be read travels as a file."""

from services.intake.adapters.email import mime
from services.intake.adapters.email.reading import Read, Reading, is_mail
from services.intake.adapters.hooks.reading import standing_for
from services.intake.app.hook_ports import HookDesk, ReadHook
from services.intake.app.mail_ports import Blobs, Outcome, Raw, ReadMail, Staged, with_hashes
from services.intake.app.receive_hooks import receipts_in, release_hook
from services.intake.app.receive_mail import MailDesk, release_mail
from services.intake.app.record_receipts import record_receipts
from services.intake.domain.mail import AttachedFile, Mail, Mailbox
from shared.db.unit_of_work import Tx
from shared.errors import Conflict


class Release:
    """Makes messages of what is in quarantine."""

    def __init__(self, blobs: Blobs, reading: Reading, desk: MailDesk, hook_desk: HookDesk) -> None:
        self._blobs = blobs
        self._reading = reading
        self._desk = desk
        self._hook_desk = hook_desk

    async def read(self, raw: Raw) -> Read:
        """What can be made of it now, or what stands for it, with itself attached."""
        async with self._reading.turn(raw):
            item = await self._reading.read(raw)
        reason = item.mail if isinstance(item, ReadMail) else item.brought
        return await self.attached(raw, reason) if isinstance(reason, str) else item

    async def attached(self, raw: Raw, reason: str) -> Read:
        """What stands for it, with itself attached."""
        content = await self._reading.content(raw)
        return notice(raw, content, reason) if is_mail(raw) else standing_for(raw, content, reason)

    async def stage(self, item: Read) -> Staged:
        """Brings its attachments to where they stay, before the commit: none is open while they travel."""
        return await self._blobs.stage(item.blobs() if isinstance(item, ReadMail) else {})

    async def record(self, tx: Tx, item: Read) -> None:
        """Records what it tells about messages of ours, in a commit of its own before all else."""
        if isinstance(item, ReadHook) and item.has_receipts:
            told = await receipts_in([item], tx=tx, desk=self._hook_desk)
            await record_receipts(told, tx=tx, deliveries=self._hook_desk.deliveries)

    async def commit(self, tx: Tx, item: Read, stored: Staged) -> Outcome:
        """Makes a message of it. Raises Conflict where that was done before, and InvalidInput."""
        if isinstance(item, ReadHook):
            outcome = await release_hook(item, tx=tx, desk=self._hook_desk)
        else:
            outcome = await release_mail(item, tx=tx, desk=self._desk)
            await stored(tx)
        if outcome is None:
            raise Conflict("It is not in quarantine.")
        return outcome


def notice(raw: Raw, content: bytes, reason: str) -> ReadMail:
    """A message that stands for a mail that cannot be read."""
    subject, sender = mime.best_effort(content)
    mail = Mail(
        subject=subject or "Unreadable mail",
        sender=Mailbox(address=sender) if sender else None,
        text=f"This mail cannot be read: {reason}. It is attached as it came.",
        text_new=f"This mail cannot be read: {reason}. It is attached as it came.",
        attachments=(AttachedFile(filename="mail.eml", media_type="message/rfc822", content=content),),
        body_sha256=raw.sha256.hex(),
    )
    return with_hashes(raw, mail)
