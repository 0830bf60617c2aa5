"""One IMAP session: log in, look into a folder, fetch, mark, wait."""

import base64
import re
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from services.intake.adapters.email.imap import replies
from services.intake.adapters.email.imap.errors import ImapError, LoginRefused, Refused
from services.intake.adapters.email.imap.replies import Fetched, folder_name, quoted
from services.intake.adapters.email.imap.wire import Reply, Wire
from services.intake.adapters.outside import Outside
from services.intake.domain.mailbox import RemoteMailbox, Security
from shared.clock import monotonic

BATCH_BYTES = 8 << 20
"""So much of the mails that are fetched at one time is held, and one mail more, whatever their sizes."""

_LISTED = 100_000
"""Messages that are listed at one time; the others' turn comes when these are done."""
_PASSING = (b"[UNAVAILABLE]", b"[INUSE]")
"""Reasons for a refusal that are not the password's fault (RFC 5530)."""
_READY = re.compile(rb"\* (OK|PREAUTH)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was when it was opened. uid_next: None where the server does not say"""

    uid_validity: int
    uid_next: int | None
    exists: int


class ImapClient:
    """A session with a server. What raises ImapError, OSError or TimeoutError leaves it of no more use."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._can: frozenset[str] = frozenset()
        self._has_news = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, mailbox: RemoteMailbox, outside: Outside, context: ssl.SSLContext
    ) -> AsyncIterator["ImapClient"]:
        """Connects and encrypts, and hangs up at the end. Raises also EgressRefused and ProviderUnavailable."""
        is_tls = mailbox.security is Security.TLS
        wire = await Wire.open(outside, mailbox.host, mailbox.port, context if is_tls else None)
        try:
            client = cls(wire)
            greeting = await wire.hear()
            if not _READY.match(greeting.text):
                raise ImapError("the mail server does not greet")
            if mailbox.security is Security.STARTTLS:
                await client._encrypt(mailbox.host, context)
            await client._ask_what_it_can()
            yield client
            with suppress(OSError, ImapError, TimeoutError):
                await wire.start(b"LOGOUT")
        finally:
            wire.close()

    @property
    def can_idle(self) -> bool:
        """Whether the server tells what is new by itself."""
        return "IDLE" in self._can

    async def login(self, user: str, password: str) -> None:
        """Logs in with a password. Raises LoginRefused."""
        self._wire.hide(user.encode(), password.encode())
        if "AUTH=PLAIN" in self._can:
            await self._authenticate(b"PLAIN", f"\0{user}\0{password}".encode())
        elif "LOGINDISABLED" in self._can:
            raise LoginRefused("the mail server takes no password on this connection")
        else:
            await self._log_in(b"LOGIN " + quoted(user) + b" " + quoted(password))

    async def login_with_token(self, user: str, token: str, host: str, port: int) -> None:
        """Logs in with an OAuth2 token, by XOAUTH2 or OAUTHBEARER (RFC 7628). Raises LoginRefused."""
        self._wire.hide(user.encode(), token.encode())
        if "AUTH=OAUTHBEARER" in self._can and "AUTH=XOAUTH2" not in self._can:
            said = f"n,a={user},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"
            await self._authenticate(b"OAUTHBEARER", said.encode())
        else:
            await self._authenticate(b"XOAUTH2", f"user={user}\1auth=Bearer {token}\1\1".encode())

    async def select(self, folder: str) -> Folder:
        """Opens a folder, anew where it is open already. Raises Refused where it is not there."""
        codes: dict[str, int] = {}

        def on(reply: Reply) -> None:
            if found := replies.code(reply) or replies.count(reply):
                codes[found[0]] = found[1]

        await self._wire.ask(b"SELECT " + folder_name(folder), on)
        self._has_news = False
        if "UIDVALIDITY" not in codes:
            raise ImapError("the mail server does not say which numbers its messages have")
        return Folder(codes["UIDVALIDITY"], codes.get("UIDNEXT"), codes.get("EXISTS", 0))

    async def list_after(self, uid: int) -> list[Fetched]:
        """The messages with higher numbers, in their order, without their bodies."""
        found: dict[int, Fetched] = {}

        def on(reply: Reply) -> None:
            self._note(reply)
            message = replies.fetched(reply)
            # Where there is none above, a server gives the last one below.
            if message and message.uid > uid and len(found) < _LISTED:
                found[message.uid] = message

        await self._wire.ask(b"UID FETCH %d:* (UID RFC822.SIZE)" % (uid + 1), on)
        return [found[number] for number in sorted(found)]

    async def fetch(self, uids: Sequence[int], *, keep: int, is_part: bool = False) -> dict[int, Fetched]:
        """Messages with their bodies, as far as they are there, unread as they were.

        keep: how much of each; is_part: whether the server need not send more than that
        Once they are more than BATCH_BYTES, the others' bodies are read over: empty, with their true size.
        """
        found: dict[int, Fetched] = {}
        held = 0

        def on(reply: Reply) -> None:
            nonlocal held
            self._note(reply)
            message = replies.fetched(reply)
            if message and message.body is not None:
                found[message.uid] = message
                held += len(message.body.content)

        def kept() -> int:
            return keep if held < BATCH_BYTES else 0

        part = b"<0.%d>" % keep if is_part else b""
        await self._wire.ask(b"UID FETCH %b (UID BODY.PEEK[]%b)" % (_set(uids), part), on, keep=kept)
        return found

    async def mark(self, uids: Sequence[int], flag: bytes) -> None:
        """Sets a flag. Raises Refused."""
        await self._do(b"UID STORE %b +FLAGS.SILENT (%b)" % (_set(uids), flag))

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Moves messages into a folder, which is made if it is missing. Raises Refused."""
        if "MOVE" in self._can:
            await self._into(folder, b"UID MOVE %b %b" % (_set(uids), folder_name(folder)))
        else:
            await self._into(folder, b"UID COPY %b %b" % (_set(uids), folder_name(folder)))
            await self.delete(uids)

    async def delete(self, uids: Sequence[int]) -> None:
        """Deletes messages. Raises Refused."""
        await self.mark(uids, rb"\Deleted")
        # Without UIDPLUS a server can only remove all that is marked, by whomever: it is left to its owner.
        if "UIDPLUS" in self._can:
            await self._do(b"UID EXPUNGE %b" % _set(uids))

    async def idle(self, within_s: float) -> None:
        """Waits until the server tells of something new, or so long."""
        if not self._is_quiet():
            return
        tag = await self._wire.start(b"IDLE")
        while not (reply := await self._wire.hear()).text.startswith(b"+"):
            if reply.text.startswith(tag):
                raise Refused("the mail server does not wait")
            self._note(reply)
        until = monotonic() + within_s
        with suppress(TimeoutError):
            while self._is_quiet() and (left := until - monotonic()) > 0:
                self._note(await self._wire.hear(within_s=left))
        await self._wire.say(b"DONE")
        await self._wire.finish(tag, self._note)

    def _is_quiet(self) -> bool:
        return not self._has_news

    def _note(self, reply: Reply) -> None:
        if replies.count(reply):
            self._has_news = True

    async def _do(self, line: bytes) -> None:
        await self._wire.ask(line, self._note)

    async def _into(self, folder: str, line: bytes) -> None:
        try:
            await self._do(line)
        except Refused:
            # It may be there, and refuse for another reason, which the second try tells.
            with suppress(Refused):
                await self._do(b"CREATE " + folder_name(folder))
            await self._do(line)

    async def _ask_what_it_can(self) -> None:
        can: list[frozenset[str]] = []

        def on(reply: Reply) -> None:
            if (found := replies.capabilities(reply)) is not None:
                can.append(found)

        await self._wire.ask(b"CAPABILITY", on)
        self._can = can[-1] if can else frozenset()

    async def _encrypt(self, host: str, context: ssl.SSLContext) -> None:
        try:
            await self._do(b"STARTTLS")
        except Refused as error:
            raise ImapError("the mail server does not encrypt: STARTTLS is refused") from error
        await self._wire.encrypt(host, context)

    async def _authenticate(self, mechanism: bytes, said: bytes) -> None:
        packed = base64.b64encode(said)
        self._wire.hide(packed)
        if "SASL-IR" in self._can:
            await self._log_in(b"AUTHENTICATE %b %b" % (mechanism, packed))
        else:
            await self._log_in(b"AUTHENTICATE " + mechanism, packed)

    async def _log_in(self, line: bytes, *answers: bytes) -> None:
        waiting = list(answers)
        tag = await self._wire.start(line)
        while not (reply := await self._wire.hear()).text.startswith(tag + b" "):
            if reply.text.startswith(b"+"):
                # A challenge after the last answer says why not; an empty line asks for the verdict.
                await self._wire.say(waiting.pop(0) if waiting else b"")
        status, _, said = reply.text.removeprefix(tag + b" ").partition(b" ")
        if status.upper() != b"OK":
            if said.upper().startswith(_PASSING):
                raise ImapError(self._wire.shown(said))
            raise LoginRefused(self._wire.shown(said) or "no reason given")
        await self._ask_what_it_can()


def _set(uids: Collection[int]) -> bytes:
    """Numbers as commands name them, neighbours together."""
    spans: list[list[int]] = []
    for uid in sorted(uids):
        if spans and uid == spans[-1][1] + 1:
            spans[-1][1] = uid
        else:
            spans.append([uid, uid])
    return b",".join(b"%d" % first if first == last else b"%d:%d" % (first, last) for first, last in spans)
