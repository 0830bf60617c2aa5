"""Mails with files are sent a few at a time: each is in memory several times over."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from services.intake.adapters.email import outbound
from services.intake.adapters.email.outbound import MailCarrier
from services.intake.adapters.outbound.queue import CLAIMED
from services.intake.app.mail_ports import Staged
from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.outgoing import Later, Outgoing, OutgoingFile, Taken
from services.intake.domain.workspace import Channel
from shared.db.unit_of_work import Tx
from shared.mail import LONGEST_S, MailSender
from shared.vocabulary import ChannelKind
from tests.unit.intake.builders import NOW, an_id, an_outgoing

CHANNEL = Channel(channel_id="support", kind=ChannelKind.EMAIL, address="support@acme.example")
FILE = OutgoingFile(filename="a.bin", media_type="application/octet-stream", sha256=b"a", size=1)


class Server(MailSender):
    """Takes its time. under_way: of mails with files; most: of them at one time"""

    def __init__(self) -> None:
        super().__init__("smtp://127.0.0.1:1")
        self.goes_on = asyncio.Event()
        self.under_way = self.most = 0

    async def send(self, message: EmailMessage, *, sender: str, recipients: Sequence[str]) -> None:
        if message.is_multipart():
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await self.goes_on.wait()
            self.under_way -= 1


@dataclass
class Files:
    """Every file is one byte. read: how many were"""

    read_so_far: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)
    is_gone: bool = False

    async def stage(self, blobs: Mapping[tuple[str, bytes], bytes]) -> Staged:
        raise AssertionError("nothing is staged")

    async def read(self, workspace_id: str, sha256: bytes) -> bytes:
        if self.is_gone:
            await self.never.wait()
        self.read_so_far += 1
        return sha256

    async def delete(self, tx: Tx, workspace_id: str, sha256s: Collection[bytes]) -> None:
        raise AssertionError("nothing is deleted")


def with_file(number: int) -> Outgoing:
    to = Identity(kind=IdentityKind.EMAIL, value="ada@example.org")
    return an_outgoing(message_id=an_id(number), files=(FILE,), recipient=to)


async def test_two_mails_with_files_are_sent_at_a_time_and_hold_up_no_other() -> None:
    server, files = Server(), Files()
    carrier = MailCarrier(server, files, secret=b"s")
    sent = [asyncio.create_task(carrier.send(with_file(n), CHANNEL, NOW)) for n in range(6)]
    assert isinstance(await carrier.send(an_outgoing(), CHANNEL, NOW), Taken)
    async with asyncio.timeout(5):
        while server.under_way < 2:
            await asyncio.sleep(0.01)
        assert files.read_so_far == 2
        server.goes_on.set()
        assert all(isinstance(outcome, Taken) for outcome in await asyncio.gather(*sent))
    assert (server.most, files.read_so_far) == (2, 6)


async def test_who_does_not_get_a_turn_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_TURN_S", 0.05)
    server = Server()
    carrier = MailCarrier(server, Files(), secret=b"s")
    sent = [asyncio.create_task(carrier.send(with_file(n), CHANNEL, NOW)) for n in range(3)]
    done, waiting = await asyncio.wait(sent, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [isinstance(task.result(), Later) for task in done] == [True]
    server.goes_on.set()
    assert all(isinstance(outcome, Taken) for outcome in await asyncio.gather(*waiting))


async def test_files_that_do_not_come_give_up_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_LOAD_S", 0.05)
    server, files = Server(), Files(is_gone=True)
    server.goes_on.set()
    carrier = MailCarrier(server, files, secret=b"s")
    for number in range(3):
        assert isinstance(await carrier.send(with_file(number), CHANNEL, NOW), Later)
    files.is_gone = False
    assert isinstance(await carrier.send(with_file(4), CHANNEL, NOW), Taken)


def test_no_attempt_takes_longer_than_it_is_claimed() -> None:
    assert CLAIMED.total_seconds() > outbound._TURN_S + outbound._LOAD_S + LONGEST_S + 30
