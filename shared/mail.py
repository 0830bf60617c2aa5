"""Sends mail through an SMTP server: one door for all services."""

import asyncio
import socket
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.response import SMTPResponse
from aiosmtplib.typing import Default

from shared.errors import ProviderUnavailable, WaypostError

_CONNECT_S = 10.0
"""Until the server knows who we are: who does not answer by then has seen nothing of the mail."""

_COMMAND_S = 10.0
_TAKE_S = 90.0
"""Until the server says yes. One that is slow to has the mail already: whoever leaves it sends the mail twice."""

_BYTES_PER_S = 1_000_000
_LONGEST_WAY_S = 60.0
_QUIT_S = 2.0
LONGEST_S = _CONNECT_S + _COMMAND_S + _TAKE_S + _LONGEST_WAY_S + _QUIT_S
"""No attempt takes longer; without files, none takes two minutes."""
_IDS = frozenset({"message-id", "in-reply-to", "references"})


class _Policy(EmailPolicy):
    """SMTP's line ends; Message-IDs are folded between each other, and not made encoded words of when long."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _IDS:
            return f"{name}: {f'{self.linesep} '.join(str(value).split())}{self.linesep}".encode()
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


class MailRefused(WaypostError):
    """The mail server refuses this mail for good. code: its reply"""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class MailDeferred(ProviderUnavailable):
    """The mail server does not take this mail now. code: its reply"""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class MailSender:
    """Sends through one server, a connection a mail.

    url: `smtp://user:password@host:port`, `smtps://` for TLS from the start; with `smtp://` the connection is
    encrypted where the server offers it
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    def _client(self) -> "_Client":
        return _Client(
            hostname=self._host,
            port=self._port,
            # The library would ask the resolver, which may take its time.
            local_hostname=socket.gethostname(),
            username=self._user,
            password=self._password,
            use_tls=self._is_tls,
            timeout=_COMMAND_S,
        )

    async def send(self, message: EmailMessage, *, sender: str, recipients: Sequence[str]) -> None:
        """Hands a mail over; `sender` is the envelope's, empty for automatic mail.

        Raises MailRefused where trying again is no use, ProviderUnavailable where it may be. After the latter
        the mail may have gone all the same: its Message-ID tells a repeat.
        """
        # Half a second for the largest mail, in which others are to be served.
        raw = await asyncio.to_thread(message.as_bytes, policy=_POLICY)
        client = self._client()
        try:
            async with asyncio.timeout(_CONNECT_S):
                await client.connect()
            async with asyncio.timeout(_COMMAND_S + _patience_s(raw)):
                await client.sendmail(sender, list(recipients), raw)
        except (
            aiosmtplib.SMTPAuthenticationError,
            aiosmtplib.SMTPConnectResponseError,
            aiosmtplib.SMTPHeloError,
        ) as error:
            # Before the server has seen the mail: a wrong password is not the mail's fault, and can be set right.
            raise MailDeferred(f"mail server: {error.code}", error.code) from error
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                raise MailRefused(f"{error.code}", error.code) from error
            raise MailDeferred(f"mail server: {error.code}", error.code) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(500 <= refused.code < 600 for refused in error.recipients):
                raise MailRefused("recipients", error.recipients[0].code) from error
            raise MailDeferred("mail server: recipients deferred", error.recipients[0].code) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            raise ProviderUnavailable(f"mail server: {type(error).__name__}") from error
        finally:
            await _leave(client)


class _Client(aiosmtplib.SMTP):
    """Patient with who has the mail, and with nobody else."""

    async def data(
        self, message: str | bytes, /, *, timeout: float | Literal[Default.token] | None = Default.token
    ) -> SMTPResponse:
        return await super().data(message, timeout=_patience_s(message) if timeout is Default.token else timeout)


def _patience_s(mail: str | bytes) -> float:
    return _TAKE_S + min(len(mail) / _BYTES_PER_S, _LONGEST_WAY_S)


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Says goodbye. Whatever comes of that, the mail is where it is."""
    try:
        if client.is_connected:
            async with asyncio.timeout(_QUIT_S):
                await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        pass
    finally:
        client.close()
