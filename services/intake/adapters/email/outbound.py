"""Hands messages to the mail server.

At least once: a crash between the server's yes and our commit sends the mail again, with the same Message-ID, by
which receivers tell a repeat.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from services.intake.adapters.email.composing import compose, envelope_sender, message_id
from services.intake.app.mail_ports import Blobs
from services.intake.domain.outgoing import Later, Never, Outcome, Outgoing, Taken
from services.intake.domain.workspace import Channel
from shared.errors import NotFound, TransientError
from shared.mail import MailRefused, MailSender


class MailCarrier:
    """Implements `Carrier`. Without a sender everything waits, visibly, until it is given up."""

    def __init__(self, sender: MailSender | None, blobs: Blobs, *, secret: bytes) -> None:
        self._sender = sender
        self._blobs = blobs
        self._secret = secret

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises TransientError."""
        if self._sender is None:
            return Later(reason="no mail server is configured")
        to = outgoing.to
        if to is None:
            return Never(reason="nobody knows the customer's address")
        try:
            contents = await self._contents(outgoing)
            # Encoding files takes a while, and others are to be served meanwhile.
            mail = await asyncio.to_thread(compose, outgoing, channel, contents, secret=self._secret, now=now)
            sender = envelope_sender(outgoing, channel, secret=self._secret)
            await self._sender.send(mail, sender=sender, recipients=[to])
        except MailRefused as error:
            return Never(reason=f"the mail server refuses it: {error}")
        except TransientError:
            raise
        except NotFound:
            return Never(reason="one of its files is missing")
        except Exception as error:  # noqa: BLE001 - the library raises all sorts of things; it is this mail's fault
            return Never(reason=f"it cannot be written as a mail: {type(error).__name__}")
        rfc_id = message_id(outgoing, channel, secret=self._secret)
        return Taken(provider_id=rfc_id, reference=rfc_id)

    async def _contents(self, outgoing: Outgoing) -> Sequence[bytes]:
        return [await self._blobs.read(outgoing.workspace_id, file.sha256) for file in outgoing.files]
