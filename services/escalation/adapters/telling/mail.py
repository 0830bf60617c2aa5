"""Notifications to staff by mail."""

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from services.escalation.adapters.telling.delivery import Delivery
from services.escalation.adapters.telling.links import TakeOnLinks
from services.escalation.adapters.telling.wording import lines, subject
from services.escalation.domain.message import Answer, Outcome
from shared.mail import MailDeferred, MailRefused, MailSender


class Mails:
    """Sends messages by mail. sender: none where no mail server is configured; mail_from: their From"""

    def __init__(self, sender: MailSender | None, mail_from: str, links: TakeOnLinks) -> None:
        self._sender = sender
        self._from = mail_from
        self._links = links

    async def send(self, delivery: Delivery) -> Outcome:
        """One attempt. Raises ProviderUnavailable."""
        if self._sender is None:
            return Outcome(answer=Answer.REFUSED, detail="no mail server is configured")
        mail = self.mail_of(delivery)
        try:
            # An empty envelope sender: nothing answers an automatic mail.
            await self._sender.send(mail, sender="", recipients=[delivery.message.address])
        except MailRefused as error:
            return Outcome(answer=Answer.REFUSED, code=error.code, detail=f"refused: {error.code}")
        except MailDeferred as error:
            return Outcome(answer=Answer.DEFERRED, code=error.code, detail=str(error))
        return Outcome(answer=Answer.TAKEN, code=250)

    def mail_of(self, delivery: Delivery) -> EmailMessage:
        """The mail of a message, with the same Message-ID at every attempt."""
        message = delivery.message
        domain = parseaddr(self._from)[1].rpartition("@")[2] or "localhost"
        mail = EmailMessage()
        mail["From"] = self._from
        mail["To"] = message.address
        mail["Subject"] = subject(delivery.digest)
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.message_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        told = lines(delivery.digest)
        if link := self._links.of(message.workspace_id, message.message_id):
            told += ["", f"Take {'it' if delivery.digest.total == 1 else 'all of them'} on:", link]
        mail.set_content("\n".join([*told, ""]))
        return mail
