"""What a person releases from quarantine is read once more; what cannot be read travels as a file."""

from services.intake.adapters.email import mime
from services.intake.adapters.email.backlog import with_hashes
from services.intake.adapters.email.parsers import Parsers
from services.intake.app.mail_ports import Blobs, Outcome, RawMail, ReadMail, UnreadableMail
from services.intake.app.receive_mail import MailDesk, release_mail
from services.intake.domain.mail import AttachedFile, Mail, Mailbox
from shared.db.unit_of_work import Tx
from shared.errors import Conflict


class Release:
    """Makes messages of quarantined mail."""

    def __init__(self, blobs: Blobs, parsers: Parsers, desk: MailDesk) -> None:
        self._blobs = blobs
        self._parsers = parsers
        self._desk = desk

    async def read(self, raw: RawMail) -> ReadMail:
        """The mail as the parser reads it now, or a notice with the mail attached."""
        content = await self._blobs.read(raw.workspace_id, raw.sha256)
        try:
            return with_hashes(raw, await self._parsers.parse(content))
        except UnreadableMail as error:
            return notice(raw, content, str(error))

    async def attached(self, raw: RawMail, reason: str) -> ReadMail:
        """A notice with the mail attached."""
        return notice(raw, await self._blobs.read(raw.workspace_id, raw.sha256), reason)

    async def commit(self, tx: Tx, item: ReadMail) -> Outcome:
        """Makes a message of it. Raises Conflict where that was done before, and InvalidInput."""
        await (await self._blobs.stage(item.blobs()))(tx)
        outcome = await release_mail(item, tx=tx, desk=self._desk)
        if outcome is None:
            raise Conflict("The mail is not in quarantine.")
        return outcome


def notice(raw: RawMail, content: bytes, reason: str) -> ReadMail:
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
