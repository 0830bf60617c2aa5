"""Hands messages to the mail server.

At least once: a crash between the server's yes and our commit sends the mail again, with the same Message-ID, by
which receivers tell a repeat.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from services.intake.adapters.email.composing import compose, envelope_sender, message_id
from services.intake.app.mail_ports import Blobs
from services.intake.domain.outgoing import Later, Never, Outcome, Outgoing, Taken
from services.intake.domain.workspace import Channel
from shared.errors import NotFound, TransientError
from shared.mail import MailRefused, MailSender

_AT_ONCE = 2
"""Mails with files in a process: each is in memory several times over while it is written and sent."""

_TURN_S = 60.0
_LOAD_S = 30.0
"""With the turn, and as long as the mail server may take: shorter than the delivery is claimed."""


class MailCarrier:
    """Implements `Carrier`. Without a sender everything waits, visibly, until it is given up."""

    def __init__(self, sender: MailSender | None, blobs: Blobs, *, secret: bytes) -> None:
        self._sender = sender
        self._blobs = blobs
        self._secret = secret
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def send(self, outgoing: Outgoing, channel: Channel, now: datetime) -> Outcome:
        """One attempt. Raises TransientError."""
        if self._sender is None:
            return Later(reason="no mail server is configured")
        to = outgoing.to
        if to is None:
            return Never(reason="nobody knows the customer's address")
        try:
            async with self._turn(outgoing):
                await self._send(self._sender, outgoing, channel, to, now)
        except TimeoutError:
            return Later(reason="mails with files take their time")
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

    @asynccontextmanager
    async def _turn(self, outgoing: Outgoing) -> AsyncIterator[None]:
        """Raises TimeoutError where too many others have files to send."""
        if not outgoing.files:
            yield
            return
        async with asyncio.timeout(_TURN_S):
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    async def _send(
        self, sender: MailSender, outgoing: Outgoing, channel: Channel, to: str, now: datetime
    ) -> None:
        async with asyncio.timeout(_LOAD_S):
            contents = await self._contents(outgoing)
        # Encoding files takes a while, and others are to be served meanwhile.
        mail = await asyncio.to_thread(compose, outgoing, channel, contents, secret=self._secret, now=now)
        del contents
        envelope = envelope_sender(outgoing, channel, secret=self._secret)
        await sender.send(mail, sender=envelope, recipients=[to])

    async def _contents(self, outgoing: Outgoing) -> Sequence[bytes]:
        return [await self._blobs.read(outgoing.workspace_id, file.sha256) for file in outgoing.files]
