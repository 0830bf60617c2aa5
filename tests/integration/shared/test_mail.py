"""Mail through a real server that says no, at each place where it can."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from shared.errors import ProviderUnavailable
from shared.mail import MailRefused, MailSender


class Server:
    """Takes nothing."""

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        return "550 Not this"


class Closed(asyncio.Protocol):
    """Nobody is served."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        writing = cast("asyncio.WriteTransport", transport)  # uvloop's is none by inheritance
        writing.write(b"554 No service\r\n")
        writing.close()


def refuse(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: object) -> AuthResult:
    assert mechanism in ("LOGIN", "PLAIN")
    assert isinstance(data, LoginPassword)
    return AuthResult(success=False, handled=False)


@asynccontextmanager
async def served(protocol: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Slow:
    """Says yes after a while, and nothing to a goodbye. taken: how many mails it has"""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.taken += 1
        await asyncio.sleep(0.4)
        return "250 Kept"

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        await asyncio.sleep(2)
        return "221 Bye"


async def send(url: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = "s"
    mail.set_content("t")
    await MailSender(url).send(mail, sender="a@example.org", recipients=["b@example.org"])


def plain() -> SMTP:
    return SMTP(Server(), loop=asyncio.get_running_loop())


def strict() -> SMTP:
    return SMTP(Server(), authenticator=refuse, auth_require_tls=False, loop=asyncio.get_running_loop())


async def test_a_wrong_password_is_no_fault_of_the_mail() -> None:
    async with served(strict) as port:
        with pytest.raises(ProviderUnavailable, match="535"):
            await send(f"smtp://user:wrong@127.0.0.1:{port}")


async def test_a_server_that_serves_nobody_is_no_fault_of_the_mail() -> None:
    async with served(Closed) as port:
        with pytest.raises(ProviderUnavailable):
            await send(f"smtp://127.0.0.1:{port}")


async def test_a_server_that_refuses_the_mail_is_believed() -> None:
    async with served(plain) as port:
        with pytest.raises(MailRefused, match="550"):
            await send(f"smtp://127.0.0.1:{port}")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CONNECT_S", "_COMMAND_S", "_QUIT_S"):
        monkeypatch.setattr(f"shared.mail.{name}", 0.2)


@pytest.mark.usefixtures("hasty")
async def test_a_server_that_is_slow_to_say_yes_gets_the_mail_once() -> None:
    slow = Slow()
    async with served(lambda: SMTP(slow, loop=asyncio.get_running_loop())) as port:
        await send(f"smtp://127.0.0.1:{port}")
    assert slow.taken == 1


@pytest.mark.usefixtures("hasty")
async def test_nobody_waits_long_for_a_server_that_says_nothing() -> None:
    async with served(asyncio.Protocol) as port:
        with pytest.raises(ProviderUnavailable):
            async with asyncio.timeout(1):
                await send(f"smtp://127.0.0.1:{port}")


@pytest.mark.usefixtures("hasty")
async def test_a_yes_that_never_comes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mail._TAKE_S", 0.1)
    async with served(lambda: SMTP(Slow(), loop=asyncio.get_running_loop())) as port:
        with pytest.raises(ProviderUnavailable):
            await send(f"smtp://127.0.0.1:{port}")
