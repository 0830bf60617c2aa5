"""SMTP and LMTP: mail from servers. `250` is said once the mail is stored, and to nobody else's address.

Only CRLF.CRLF ends a mail: a lone CR or LF stays what it is, a part of it, so that no second mail can be
smuggled in the first (VU#302671). Encryption and spam are the business of the mail server in front.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.intake.adapters.addresses import Destination, find_mail
from services.intake.adapters.email.charsets import clean
from services.intake.adapters.email.connections import TRY_AGAIN, Connection, LmtpConnection, Refusal
from services.intake.adapters.email.mailroom import Incoming, Mailroom
from services.intake.app.ports import Workspaces
from services.intake.domain.workspace import Workspace
from shared.clock import monotonic
from shared.db.unit_of_work import Database
from shared.errors import DataRefused, DomainError, TransientError
from shared.sockets import listen
from shared.telemetry.names import Log

log = structlog.get_logger()

_MAX_RECIPIENTS = 100
_MAX_CONNECTIONS = 100
_MAX_ADDRESS = 320
_CLOSE_S = 5.0
_DRAIN_POLL_S = 0.05

_ACCEPTED = "250 2.0.0 Accepted"
_NOBODY = "550 5.1.1 There is no such address"
_TOO_MANY = "452 4.5.3 Too many recipients"
_REFUSED = "554 5.6.0 This mail cannot be taken"
_NO_ADDRESS = "553 5.1.3 This cannot be an address"


class Reception:
    """What both protocols ask while a mail comes in; aiosmtpd calls it. One a connection."""

    def __init__(self, database: Database, mailroom: Mailroom, workspaces: Workspaces) -> None:
        self._database = database
        self._mailroom = mailroom
        self._workspaces = workspaces
        self._found: dict[str, Destination] = {}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether this recipient is one of ours."""
        if not envelope.rcpt_tos:
            self._found.clear()
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return _TOO_MANY
        if not _is_text(address) or "@" not in address:
            return _NO_ADDRESS
        try:
            destination = await find_mail(self._database, address)
        except TransientError:
            return TRY_AGAIN
        if destination is None:
            return _NOBODY
        self._found[address] = destination
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def receive(self, envelope: Envelope) -> list[str]:
        """Stores the mail, once for each inbox of each workspace; an answer a recipient."""
        try:
            inboxes = await self._inboxes({self._found[address] for address in envelope.rcpt_tos})
        except TransientError:
            return [TRY_AGAIN] * len(envelope.rcpt_tos)
        by_inbox: dict[tuple[str, str], list[str]] = {}
        for address in envelope.rcpt_tos:
            by_inbox.setdefault(inboxes[self._found[address]], []).append(address)
        answers = dict(
            zip(
                by_inbox,
                await asyncio.gather(*(self._store(envelope, addresses) for addresses in by_inbox.values())),
                strict=True,
            )
        )
        return [answers[inboxes[self._found[address]]] for address in envelope.rcpt_tos]

    async def _inboxes(self, found: Collection[Destination]) -> dict[Destination, tuple[str, str]]:
        """Workspace and inbox of each. Only who is sent a mail by two channels may have two."""
        channels = Counter(workspace_id for workspace_id, _ in {(one.workspace_id, one.channel) for one in found})
        several = {workspace_id for workspace_id, count in channels.items() if count > 1}
        configured: Mapping[str, Workspace] = {}
        if several:
            configured = await self._database.transact(
                lambda tx: self._workspaces.load(tx, several), workspaces=several
            )
        return {
            one: (
                one.workspace_id,
                configured[one.workspace_id].inbox(one.channel) if one.workspace_id in several else "",
            )
            for one in found
        }

    async def _store(self, envelope: Envelope, addresses: Sequence[str]) -> str:
        first = self._found[addresses[0]]
        content = envelope.content
        assert isinstance(content, bytes)
        mail = Incoming(
            workspace_id=first.workspace_id,
            channel=first.channel,
            sender=_sender(envelope.mail_from),
            recipients=tuple(dict.fromkeys(addresses)),
            content=content,
        )
        try:
            await self._mailroom.accept(mail)
        except TransientError:
            return TRY_AGAIN
        except DomainError:
            return _NOBODY
        except DataRefused:
            return _REFUSED
        except Exception as error:  # noqa: BLE001 - a defect of ours: the mail stays with its sender
            log.warning(Log.MAIL_DELAYED, error=type(error).__name__)
            return TRY_AGAIN
        return _ACCEPTED


class SmtpReception(Reception):
    """One answer for all recipients."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The answer to a mail."""
        return one_of(await self.receive(envelope))


class LmtpReception(Reception):
    """An answer for each recipient (RFC 2033)."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The answers to a mail."""
        return "\r\n".join(await self.receive(envelope))


class Listeners:
    """The sockets on which servers bring mail. Port 0 lets the kernel choose, None leaves a protocol out."""

    def __init__(self, database: Database, mailroom: Mailroom, workspaces: Workspaces, *, max_bytes: int) -> None:
        self._database = database
        self._mailroom = mailroom
        self._workspaces = workspaces
        self._max_bytes = max_bytes
        self._sockets: dict[str, socket.socket] = {}
        self._open: set[Connection] = set()

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are listened on, by protocol."""
        return {name: listening.getsockname()[1] for name, listening in self._sockets.items()}

    def bind(self, host: str, *, smtp: int | None, lmtp: int | None) -> None:
        """Takes the ports. Raises OSError where somebody else has one."""
        for name, port in (("smtp", smtp), ("lmtp", lmtp)):
            if port is not None:
                self._sockets[name] = listen(host, port)
                log.info(Log.MAIL_LISTENING, protocol=name, port=self.ports[name])

    def close(self) -> None:
        """Gives the ports back."""
        for listening in self._sockets.values():
            listening.close()

    async def run(self, stopping: asyncio.Event) -> None:
        """Takes mail until `stopping`; a mail that is under way then may still be taken."""
        loop = asyncio.get_running_loop()
        servers = [
            await loop.create_server(self._smtp if name == "smtp" else self._lmtp, sock=listening)
            for name, listening in self._sockets.items()
        ]
        await stopping.wait()
        for server in servers:
            server.close()
        await self._drain()

    async def _drain(self) -> None:
        deadline = monotonic() + _CLOSE_S
        while self._open and monotonic() < deadline:
            for connection in list(self._open):
                if not connection.is_busy:
                    connection.close()
            await asyncio.sleep(_DRAIN_POLL_S)
        for connection in list(self._open):
            connection.close()

    def _smtp(self) -> asyncio.Protocol:
        if len(self._open) >= _MAX_CONNECTIONS:
            return Refusal()
        reception = SmtpReception(self._database, self._mailroom, self._workspaces)
        return Connection(
            reception, self._mailroom.in_hand, max_bytes=self._max_bytes, open_connections=self._open
        )

    def _lmtp(self) -> asyncio.Protocol:
        if len(self._open) >= _MAX_CONNECTIONS:
            return Refusal()
        reception = LmtpReception(self._database, self._mailroom, self._workspaces)
        return LmtpConnection(
            reception, self._mailroom.in_hand, max_bytes=self._max_bytes, open_connections=self._open
        )


def one_of(answers: Sequence[str]) -> str:
    """The one answer that stands for all: to be sent again where any has to, as whoever has it knows the repeat.

    Taken by one workspace it is taken: what another refuses for good must not tell its sender that it was lost.
    """
    again = next((answer for answer in answers if answer.startswith("4")), None)
    return again or (_ACCEPTED if _ACCEPTED in answers else answers[0])


def _sender(mail_from: str | None) -> str:
    """The envelope's sender, empty for a null one; what cannot be kept is replaced."""
    return "" if mail_from in (None, "<>") else clean(mail_from)


def _is_text(address: str) -> bool:
    return address.isprintable() and len(address) <= _MAX_ADDRESS
