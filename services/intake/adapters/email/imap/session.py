"""Keeps one mailbox read, for as long as it is configured so and its shard is ours."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

import structlog

from services.intake.adapters.email.imap.client import ImapClient
from services.intake.adapters.email.imap.errors import ImapError, LoginRefused
from services.intake.adapters.email.imap.ledger import Ledger
from services.intake.adapters.email.imap.oauth import Token, TokenDoor
from services.intake.adapters.email.imap.reading import Reader, Taking
from services.intake.adapters.outside import Outside
from services.intake.domain.mailbox import RemoteMailbox, Security
from shared.egress import EgressRefused
from shared.errors import DataRefused, FatalError, NotFound, StaleEpoch, TransientError
from shared.secrets import Vault
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_AT_FIRST, _AT_MOST = timedelta(seconds=1), timedelta(minutes=5)
_LOGIN_AT_FIRST, _LOGIN_AT_MOST = timedelta(seconds=30), timedelta(minutes=30)
"""Servers lock out who tries too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a mailbox is looked into.

    idle_s: for how long a server is left to tell by itself; poll_s: how long nothing is believed that it does not
    """

    idle_s: float
    poll_s: float


class Visiting:
    """How servers are visited.

    context: how they are told to be who they say
    """

    def __init__(
        self,
        outside: Outside,
        vault: Vault,
        context: Callable[[], ssl.SSLContext],
        *,
        rhythm: Rhythm,
        metrics: Metrics,
    ) -> None:
        self.outside = outside
        self.vault = vault
        self.context = context
        self.tokens = TokenDoor(outside, context)
        self.rhythm = rhythm
        self.failures = metrics.counter("mailbox_failures", "Failures at mailboxes.", "reason")


class Session:
    """One mailbox."""

    def __init__(self, ledger: Ledger, mailbox: RemoteMailbox, visiting: Visiting, taking: Taking) -> None:
        self._ledger = ledger
        self._mailbox = mailbox
        self._visiting = visiting
        self._reader = Reader(ledger, mailbox, taking)
        self._token: Token | None = None

    async def run(self) -> None:
        """Reads until it is cancelled.

        Raises NotFound once it is configured otherwise, StaleEpoch, and DatabaseUnavailable.
        """
        while True:
            cursor = await self._ledger.load()
            await asyncio.sleep(cursor.next_attempt_in.total_seconds())
            try:
                await self._visit()
            except LoginRefused as error:
                self._token = None
                await self._failed("login", f"login: {error}")
            except TimeoutError:
                await self._failed("connection", "the mail server does not answer")
            except (ImapError, EgressRefused) as error:
                await self._failed("protocol", str(error))
            except OSError as error:
                reason = error.strerror or type(error).__name__
                await self._failed("connection", f"the mail server: {reason}")
            except (TransientError, DataRefused) as error:
                # A mail could not be stored, or a name resolved. Where it is the database, this fails too.
                await self._failed("storing", str(error))
            except (NotFound, StaleEpoch, FatalError):
                raise
            except Exception as error:  # noqa: BLE001 - what one server says must not end the others' sessions
                # Only what kind: its words may hold a secret.
                await self._failed("unforeseen", type(error).__name__)

    async def _visit(self) -> None:
        rhythm = self._visiting.rhythm
        async with ImapClient.open(self._mailbox, self._visiting.outside, self._visiting.context()) as client:
            await self._login(client)
            while True:
                await self._reader.read(client)
                if client.can_idle:
                    await client.idle(min(rhythm.idle_s, rhythm.poll_s))
                else:
                    await asyncio.sleep(rhythm.poll_s)

    async def _login(self, client: ImapClient) -> None:
        mailbox = self._mailbox
        if mailbox.security is Security.NONE and not self._visiting.outside.allows(mailbox.host, mailbox.port):
            raise LoginRefused("without encryption only a server is logged in to that WAYPOST_EGRESS_ALLOW names")
        if mailbox.oauth is None:
            await client.login(mailbox.user, mailbox.password or "")
        else:
            token = await self._fresh_token()
            await client.login_with_token(mailbox.user, token, mailbox.host, mailbox.port)

    async def _fresh_token(self) -> str:
        oauth, vault, workspace_id = self._mailbox.oauth, self._visiting.vault, self._ledger.key.workspace_id
        assert oauth is not None
        if self._token is None or not self._token.is_fresh:
            sealed = (await self._ledger.load()).refresh_token
            current = vault.open(workspace_id, sealed) if sealed else oauth.refresh_token
            self._token = await self._visiting.tokens.ask(oauth, current)
            if self._token.refresh_token is not None:
                await self._ledger.renewed(vault.seal(workspace_id, self._token.refresh_token))
        return self._token.access_token

    async def _failed(self, reason: str, error: str) -> None:
        failures = (await self._ledger.load()).failures
        first, most = (_LOGIN_AT_FIRST, _LOGIN_AT_MOST) if reason == "login" else (_AT_FIRST, _AT_MOST)
        pause = min(most, first * 2 ** min(failures, 20))
        # Many mailboxes of one server do not come back at one moment.
        spread = pause * (1 + crc32(f"{self._ledger.key}/{failures}".encode()) % 1000 / 2000)
        self._visiting.failures.labels(reason).inc()
        log.warning(
            Log.MAILBOX_FAILED,
            channel=self._ledger.key.channel,
            mailbox=self._mailbox.mailbox_id,
            # Not the words: they may be those of the server.
            reason=reason,
            pause_s=round(spread.total_seconds(), 1),
        )
        await self._ledger.failed(error, spread)
